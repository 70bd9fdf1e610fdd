/*
 * enqueue.h
 *	  Puts requests into the queue: an insert in the caller's transaction, made
 *	  as the table's owner, of a request that was validated.
 */
#ifndef HL_QUEUE_ENQUEUE_H
#define HL_QUEUE_ENQUEUE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#include "audit/store.h"
#include "model/arguments.h"

/* The columns of a request; NULL for null. */
typedef struct HlEnqueued
{
	const HlArguments *arguments; /* region, run_after, reference */
	const char *operation;
	const char *kind;
	const char *host_prefix;
	const char *request; /* JSON in UTF-8, less the token */
	const char *client_token;
	const char *until;
	const char *datastore_id; /* NULL: a member of the request names it */
	const char *resource_type;
	const char *resource_id;
	ArrayType *resources; /* of texts */
	Jsonb *body;
} HlEnqueued;

/*
 * Inserts the row, which is sent after the commit, and returns its id. Throws
 * 22023 for invalid arguments, and 55000 as described below.
 */
extern int64 hl_enqueue_insert(const HlEnqueued *enqueued);

/* Refuses to enqueue in a read-only transaction. */
extern void hl_enqueue_refuse_change(const char *function);

/*
 * Both return the row's id as int8. They throw what a call throws before it is
 * sent, 22023 for sensitive members and for an "until" that the operation does
 * not have, and 55000 if this session would use other credentials than the
 * server.
 */
extern Datum hl_enqueue(FunctionCallInfo fcinfo);
extern Datum hl_enqueue_create_datastore(FunctionCallInfo fcinfo);

/* Refuses (55000) a session with credentials of its own. */
extern void hl_enqueue_refuse_session(Oid owner, const char *what);

/*
 * Refuses (22023) an argument with more bytes than healthlake.max_request_size,
 * since the row and the history would keep it for years.
 */
extern void hl_enqueue_refuse_large(const char *argument, Datum value);

/* The name of the tag that healthlake.tag_requests adds. */
#define HL_REQUEST_TAG "healthlake:request"

#endif
