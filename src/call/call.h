/*
 * call.h
 *	  Performs one operation for SQL: refuses changes in read-only
 *	  transactions, logs the call, and keeps it as the session's last call and
 *	  for the WARNING of a rollback. The reply lives in CurrentMemoryContext.
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
 * Refuses (55000, 0A000) to send with settings that were dropped, or for
 * another role in a security-restricted operation.
 */
extern void hl_call_may_send(const HlOperation *operation);

/*
 * Makes a call with its target; false, with the reason in the reply, without
 * credentials. notes: a List of HlSourceNote to append to, or NULL.
 */
extern bool hl_call_settle(HlCall *call, const HlRequest *request,
						   const char *region, List **notes);
/* The same for a call to be sent, after hl_call_may_send(). */
extern bool hl_call_prepare(HlCall *call, const HlRequest *request,
							const char *region);

/* Turns a success without required members into HL_OUTCOME_MALFORMED. */
extern void hl_call_check_reply(const HlOperation *operation, HlReply *reply);

/* Write the log lines of a change, before it is sent and when it has ended. */
extern void hl_call_log_request(const HlRequest *request, const HlCall *call);
extern void hl_call_log_reply(const HlRequest *request, const HlCall *call,
							  const HlCallEnd *end);

/* One of several calls in progress; must live until it has ended. */
typedef struct HlCallRun
{
	const HlRequest *request;
	HlCall *call;
	bool several;     /* others are in flight, too */
	bool judged;      /* the caller judges, and calls hl_call_finish() */
	bool ahead;       /* see ahead.h */
	bool gone, begun; /* these and the rest are private to call.c */
	int watch;
	HlAuditAccount *account;
	instr_time started, ended; /* ended: zero, unless sent ahead */
	dlist_node node;
} HlCallRun;

/*
 * Starts a call; false: it has ended without credentials. Then alternate
 * hl_engine_step() and hl_call_advance() until the latter returns true.
 */
extern bool hl_call_start(HlCallRun *run, const HlRequest *request,
						  const char *region);
extern bool hl_call_advance(HlCallRun *run);

/* Advances a call to its end, within hl_call_watch(). */
extern void hl_call_drive(HlCallRun *run);
/* Logs, counts and records a call that has begun and was judged. */
extern void hl_call_finish(HlCallRun *run);

/* Runs a function that advances calls; an error in it ends and reports them. */
extern void hl_call_watch(void (*work)(void *), void *argument);
/*
 * Sends a request to a region (NULL: that of the settings) and returns the
 * reply. Throws if nothing can be sent, or if interrupted; the second also
 * unless the operation succeeds.
 */
extern const HlReply *hl_call_try(const HlRequest *request, const char *region);
extern const HlReply *hl_call_perform(const HlRequest *request,
									  const char *region);
/* Warns that a reply is null because the database cannot hold it. */
extern void hl_call_warn_unfit(const HlRequest *request, const char *id);

#endif
