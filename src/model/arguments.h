/*
 * arguments.h
 *	  Writes the arguments of a typed SQL function as the JSON text of a
 *	  request: an argument becomes the member with its SQL name, at any depth.
 *	  A NULL argument is omitted. Results live in CurrentMemoryContext.
 */
#ifndef HL_MODEL_ARGUMENTS_H
#define HL_MODEL_ARGUMENTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "model/model.h"
#include "model/request.h"

/* The position of the argument that a constant has named; -1: none. */
typedef struct HlArgumentNamed
{
	const char *name;
	int position;
} HlArgumentNamed;

typedef struct HlArguments
{
	FunctionCallInfo fcinfo;
	int count;
	char **names;
	Oid *types;
	HlArgumentNamed *named; /* what was looked up, by the constant's address */
} HlArguments;

/* Reads the names and types of the called function's arguments. */
extern HlArguments *hl_arguments_read(FunctionCallInfo fcinfo);

/*
 * The argument of that name as a string; NULL if it is NULL or missing. Here
 * and below, the name is a constant: its address stands for it in "named".
 */
extern const char *hl_arguments_text(const HlArguments *arguments,
									 const char *name);

/* The same for an argument of type interval. */
extern Interval *hl_arguments_interval(const HlArguments *arguments,
									   const char *name);

/* An argument of type jsonb as JSON, by hl_request_text(); NULL if it is NULL. */
extern char *hl_arguments_json(const HlArguments *arguments, const char *name,
							   const HlOperation *operation);

/* The value of an argument; false if it is NULL or missing. */
extern bool hl_arguments_value(const HlArguments *arguments, const char *name,
							   Datum *value);

/*
 * The request as JSON in UTF-8, without "more". Throws 22004 for a name that
 * is NULL and for an implied value without the member that implies it
 * (aws/shape.h), and 22023 for a name that looks like JSON.
 */
extern char *hl_arguments_request(const HlArguments *arguments,
								  const HlOperation *operation);

/* The complete request: arguments and "more", validated, with its token. */
extern HlRequest *hl_arguments_make(const HlArguments *arguments,
									const HlOperation *operation);

#endif
