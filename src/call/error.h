/*
 * error.h
 *	  Turns a failed reply into an SQLSTATE, a message, a detail and a hint, by
 *	  one table; no other file does. No error of AWS or the network is raised
 *	  in classes 08, 28, 53, 57 or 58, which connection pools treat as a broken
 *	  database.
 */
#ifndef HL_CALL_ERROR_H
#define HL_CALL_ERROR_H

#include "postgres.h"

#include "aws/outcome.h"
#include "model/response.h"

/*
 * The extension's SQLSTATEs. Class 38 is "external routine exception" in the
 * SQL standard.
 */
#define HL_ERRCODE_CREDENTIALS MAKE_SQLSTATE('3', '8', 'X', '0', '1')
#define HL_ERRCODE_NOT_SENT MAKE_SQLSTATE('3', '8', 'N', '0', '1')
#define HL_ERRCODE_LOST MAKE_SQLSTATE('3', '8', 'N', '0', '2')
#define HL_ERRCODE_UNKNOWN_OUTCOME MAKE_SQLSTATE('3', '8', 'M', '0', '1')
#define HL_ERRCODE_MALFORMED MAKE_SQLSTATE('3', '8', 'P', '0', '1')
#define HL_ERRCODE_THROTTLED MAKE_SQLSTATE('3', '8', 'T', '0', '1')
#define HL_ERRCODE_QUOTA MAKE_SQLSTATE('3', '8', 'Q', '0', '1')
#define HL_ERRCODE_SERVICE MAKE_SQLSTATE('3', '8', 'S', '0', '1')
#define HL_ERRCODE_UNIMPLEMENTED MAKE_SQLSTATE('3', '8', 'U', '0', '1')

#define HL_ERRCODE_VERSION MAKE_SQLSTATE('3', '8', 'V', '0', '1')
#define HL_ERRCODE_WAIT_OVER MAKE_SQLSTATE('3', '8', 'W', '0', '1')

/* The SQLSTATE of the reply's failure. */
extern int hl_error_sqlstate(const HlReply *reply);

/* The message of the error that hl_error_raise() would raise. */
extern const char *hl_error_message(const HlOperation *operation,
									const HlReply *reply);

/* Raises the reply's failure; client_token may be NULL. */
extern void hl_error_raise(const HlOperation *operation, const HlReply *reply,
						   const char *client_token) __attribute__((noreturn));

#define HL_ERROR_UNFIT "it has a value that the database cannot hold"

/*
 * Raises that the successful reply to a read cannot be used (38P01); the
 * reason has no part of it.
 */
extern void hl_error_refuse(const HlOperation *operation, const HlReply *reply,
							const char *why) __attribute__((noreturn));

/*
 * Converts a part of such a reply; raises that if the database cannot hold it.
 */
extern Datum hl_error_convert(const HlOperation *operation,
							  const HlReply *reply, HlConversion convert,
							  const void *argument);

/*
 * The same for callers that return a row for each reply: the success becomes
 * the failure that would be raised, and *null is true.
 */
extern Datum hl_error_try(HlReply *reply, HlConversion convert,
						  const void *argument, bool *null);

/* Turns a success into that failure for another reason. */
extern void hl_error_spoil(HlReply *reply, const char *why);

/* Like hl_error_convert() for the whole reply, as jsonb. */
extern Datum hl_error_whole(const HlOperation *operation, const HlReply *reply);

/* The same for a row of the function's result type; see hl_response_row(). */
extern Datum hl_error_row(const HlOperation *operation, const HlReply *reply,
						  FunctionCallInfo fcinfo, const HlShape *shape,
						  const HlJson *node);

#endif
