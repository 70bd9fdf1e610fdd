/*
 * arguments.h
 *	  Writes the arguments of a typed SQL function as the JSON text of a
 *	  request: an argument goes to the member with its SQL name, through the
 *	  structures on the way to it. A NULL argument is a member that is not
 *	  sent. Results live in CurrentMemoryContext.
 */
#ifndef HL_MODEL_ARGUMENTS_H
#define HL_MODEL_ARGUMENTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "model/model.h"
#include "model/request.h"

typedef struct HlArguments
{
	FunctionCallInfo fcinfo;
	int count;
	char **names;
	Oid *types;
} HlArguments;

/* Reads the names and types of the called function's arguments. */
extern HlArguments *hl_arguments_read(FunctionCallInfo fcinfo);

/* The argument of that name as a string; NULL when NULL or not there. */
extern const char *hl_arguments_text(const HlArguments *arguments,
									 const char *name);

/* The argument of that name, of type interval; NULL likewise. */
extern Interval *hl_arguments_interval(const HlArguments *arguments,
									   const char *name);

/* The argument of that name as it is; false: it is NULL, or not there. */
extern bool hl_arguments_value(const HlArguments *arguments, const char *name,
							   Datum *value);

/*
 * The request as JSON in UTF-8, before "more" is added. Throws 22004 for a
 * name that is NULL and for an implied value without what it goes with, and
 * 22023 for a name that looks like a request.
 */
extern char *hl_arguments_request(const HlArguments *arguments,
								  const HlOperation *operation);

/* The whole request: arguments and "more", validated, with its token. */
extern HlRequest *hl_arguments_make(const HlArguments *arguments,
									const HlOperation *operation);

#endif
