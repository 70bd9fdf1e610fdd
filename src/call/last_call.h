/*
 * last_call.h
 *	  The session's last call and its outcome, kept beyond the transaction:
 *	  after an error was caught, or in an aborted transaction, it has the
 *	  client token. It is visible to the outer role (set by SET ROLE, otherwise
 *	  the login role) and the current role that made the call. DISCARD ALL
 *	  clears it.
 */
#ifndef HL_CALL_LAST_CALL_H
#define HL_CALL_LAST_CALL_H

#include "postgres.h"

#include "fmgr.h"

#include "engine/engine.h"
#include "model/model.h"

/*
 * Installs the hook for DISCARD ALL; called once, when the library is loaded.
 */
extern void hl_last_call_init(void);

/* Begins a record, with the outcome of an interrupted call for now. */
extern void hl_last_call_begin(const HlOperation *operation,
							   const char *client_token);

/* Completes it; sqlstate 0 for a success. Copies what it keeps. */
extern void hl_last_call_end(const HlReply *reply, int sqlstate);

/* The outcome in one word: succeeded, failed or unknown. */
extern const char *hl_last_call_outcome(const HlReply *reply, int sqlstate);

/* The record as the row of healthlake_last_call(). */
extern Datum hl_last_call_row(FunctionCallInfo fcinfo);

#endif
