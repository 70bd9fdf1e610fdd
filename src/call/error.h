/*
 * error.h
 *	  The one place where a failed reply becomes an SQLSTATE, a message, a
 *	  detail and a hint, from one table. No error of AWS or the network is
 *	  raised in classes 08, 28, 53, 57 or 58, which connection pools treat as a
 *	  broken database.
 */
#ifndef HL_CALL_ERROR_H
#define HL_CALL_ERROR_H

#include "postgres.h"

#include "aws/outcome.h"
#include "model/model.h"

/* Our SQLSTATEs; class 38 is the SQL standard's for external routines. */
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

#endif
