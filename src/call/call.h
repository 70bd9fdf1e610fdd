/*
 * call.h
 *	  One operation performed for SQL, with everything around the sending of
 *	  it: refused where nothing may change, logged before and after, kept as
 *	  the session's last call, remembered for a rollback, raised when it fails.
 *	  The reply lives in CurrentMemoryContext.
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

/* Refuses (2D000) a CALL of something that may not commit where it is. */
extern void hl_call_refuse_atomic(FunctionCallInfo fcinfo, const char *what,
								  const char *hint);

/*
 * Refuses (25006, 0A000) a change where PostgreSQL itself may change nothing or
 * would do it again, and makes the cursors that run it NO SCROLL.
 */
extern void hl_call_refuse_change(const HlOperation *operation);

/* The same for a function that changes something, whatever it performs. */
extern void hl_call_refuse_change_by(const char *function);

/*
 * Fills a call with a request and finds out where it goes; false, with the
 * reason in the reply, when there are no credentials. notes: NULL, or a List
 * of HlSourceNote to add to.
 */
extern bool hl_call_settle(HlCall *call, const HlRequest *request,
						   const char *region, List **notes);

/*
 * The same for a call that is to be sent. Raises (55000) where PostgreSQL has
 * dropped a setting that was meant for it.
 */
extern bool hl_call_prepare(HlCall *call, const HlRequest *request,
							const char *region);

/* Makes a success that lacks what the model requires what it is. */
extern void hl_call_check_reply(const HlOperation *operation, HlReply *reply);

/* The server log's line of a change before it is sent, and of its end. */
extern void hl_call_log_request(const HlRequest *request, const HlCall *call);
extern void hl_call_log_reply(const HlRequest *request, const HlCall *call,
							  const HlCallEnd *end);

/* One call of those that are under way at a time; lives until it has ended. */
typedef struct HlCallRun
{
	const HlRequest *request;
	HlCall *call;
	bool several; /* others are under way beside it */
	bool judged;  /* by the caller, who then calls hl_call_finish() */

	/* kept by call.c */
	bool begun;
	HlAuditAccount *account;
	instr_time started;
	dlist_node node;
} HlCallRun;

/*
 * Makes a call of a request, in CurrentMemoryContext; false: it has ended,
 * for want of credentials. Then hl_engine_step() and this in turn, which does
 * all that surrounds the sending; true: the call has ended.
 */
extern bool hl_call_start(HlCallRun *run, const HlRequest *request,
						  const char *region);
extern bool hl_call_advance(HlCallRun *run);

/* Advances one to its end, within hl_call_watch(). */
extern void hl_call_drive(HlCallRun *run);

/*
 * Does what comes after the sending, of a call that has ended and that the
 * caller judges: what its reply says by now is logged, counted and recorded.
 */
extern void hl_call_finish(HlCallRun *run);

/*
 * Does work that advances calls. An error in it tells in its context of the
 * calls that are under way, and ends them before it goes on.
 */
extern void hl_call_watch(void (*work)(void *), void *argument);

/*
 * Sends the request to the region (NULL: the one that the settings name) and
 * gives the reply, whatever it is. Throws where nothing can be sent, and when
 * interrupted.
 */
extern const HlReply *hl_call_try(const HlRequest *request, const char *region);

/* The same, but throws in every case except success. */
extern const HlReply *hl_call_perform(const HlRequest *request,
									  const char *region);

/*
 * For what is done with the reply of a change: counts the changes that this
 * backend may have made, and turns an error that is caught into 38M01 with
 * token and id if memory ran out since that count; else returns.
 */
extern uint64 hl_call_changes(void);
extern void hl_call_retell(uint64 before);

#endif
