/*
 * call.h
 *	  Performs one operation for SQL: refuses changes in read-only transactions,
 *	  logs the call before and after, and keeps it as the session's last call
 *	  and for the WARNING of a rollback. The reply is in CurrentMemoryContext.
 */
#ifndef HL_CALL_CALL_H
#define HL_CALL_CALL_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/ilist.h"
#include "nodes/pg_list.h"
#include "portability/instr_time.h"

#include "audit/audit.h"
#include "engine/engine.h"
#include "model/request.h"

/* Refuses (2D000) a CALL that cannot commit. */
extern void hl_call_refuse_atomic(FunctionCallInfo fcinfo, const char *what,
								  const char *hint);

/*
 * Refuses (25006, 0A000) a change in a read-only transaction, on a standby and
 * in a statement that PostgreSQL would repeat, and makes its cursors NO SCROLL.
 */
extern void hl_call_refuse_change(const HlOperation *operation);
/* The same for a function that always changes something. */
extern void hl_call_refuse_change_by(const char *function);

/*
 * Makes a call of a request and determines its target; false, with the reason
 * in the reply, if there are no credentials. notes: NULL, or a List of
 * HlSourceNote to add to.
 */
extern bool hl_call_settle(HlCall *call, const HlRequest *request,
						   const char *region, List **notes);
/* The same for a call to be sent; refuses (55000) if settings were dropped. */
extern bool hl_call_prepare(HlCall *call, const HlRequest *request,
							const char *region);

/* Turns a success without members that the model requires into a failure. */
extern void hl_call_check_reply(const HlOperation *operation, HlReply *reply);

/* Write the log lines of a change, before it is sent and when it has ended. */
extern void hl_call_log_request(const HlRequest *request, const HlCall *call);
extern void hl_call_log_reply(const HlRequest *request, const HlCall *call,
							  const HlCallEnd *end);

/* One call of those that are under way at a time; lives until it has ended. */
typedef struct HlCallRun
{
	const HlRequest *request;
	HlCall *call;
	bool several; /* others are in flight beside it */
	bool judged;  /* judged by the caller, who then calls hl_call_finish() */
	bool ahead;   /* see ahead.h */
	bool gone, begun; /* these and the rest are call.c's own */
	int watch;
	HlAuditAccount *account;
	instr_time started, ended; /* ended: zero, unless sent ahead */
	dlist_node node;
} HlCallRun;

/*
 * Makes a call of a request; false: it has ended without credentials. Then call
 * hl_engine_step() and hl_call_advance() in turn until that gives true.
 */
extern bool hl_call_start(HlCallRun *run, const HlRequest *request,
						  const char *region);
extern bool hl_call_advance(HlCallRun *run);

/* Advances one to its end, within hl_call_watch(). */
extern void hl_call_drive(HlCallRun *run);
/* Logs, counts and records a call that has begun, and whose reply is judged. */
extern void hl_call_finish(HlCallRun *run);

/* Runs work that advances calls; an error in it ends and names them. */
extern void hl_call_watch(void (*work)(void *), void *argument);
/*
 * Sends a request to a region (NULL: that of the settings) and returns the
 * reply. Throws when nothing can be sent or when interrupted; the second also
 * unless the operation succeeds.
 */
extern const HlReply *hl_call_try(const HlRequest *request, const char *region);
extern const HlReply *hl_call_perform(const HlRequest *request,
									  const char *region);
/*
 * Counts the changes that this backend may have made; turns a caught error that
 * hides one made since that count into 38M01 with token and id, or returns.
 */
extern uint64 hl_call_changes(void);
extern void hl_call_retell(uint64 before);
extern void hl_call_note_told(void);
/* Warns that a reply is null because the database cannot hold it. */
extern void hl_call_warn_unfit(const HlRequest *request, const char *id);

#endif
