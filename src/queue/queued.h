/*
 * queued.h
 *	  A request of the queue in the hands of a runner: the row as it was
 *	  claimed, the call that is made of it, and what is to be recorded. All of
 *	  it lives in the row's own memory context. Texts of the row are in the
 *	  encoding of the database; those of the ending, too, but for the response.
 */
#ifndef HL_QUEUE_QUEUED_H
#define HL_QUEUE_QUEUED_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "portability/instr_time.h"

#include "api/goal.h"
#include "api/request.h"
#include "engine/engine.h"
#include "queue/store.h"

/* What is recorded; NULL leaves a column as it is, but for errors. */
typedef struct HlEnding
{
	const char *state;    /* NULL: nothing is known yet */
	const char *response; /* JSON in UTF-8 */
	const char *datastore_id;
	const char *job_id;
	int sqlstate; /* 0: no error */
	const char *code;
	const char *message;
	const char *request_id;
	const char *account;
	const char *endpoint;
	const char *note;
	TimestampTz run_after;
	TimestampTz first_sent_at;
	TimestampTz unsettled_since;
	bool looked; /* AWS has been searched for it just now */
	bool throttled;
} HlEnding;

typedef struct HlQueued
{
	MemoryContext memory;
	const char *home; /* where it was made */
	int64 id;         /* there */
	const char *operation_name;
	const HlOperation *operation; /* NULL: not known to this version */
	const char *request;          /* JSON, less the token */
	const char *client_token;
	bool intact;        /* the request is what its hash says */
	const HlGoal *goal; /* NULL: none */
	const char *response;
	const char *datastore_id;
	const char *job_id;
	const char *region;
	const char *endpoint; /* NULL: wherever this server sends it */
	const char *account;
	const char *role;
	int attempts;
	TimestampTz earliest;        /* when it can have been sent first */
	TimestampTz first_sent_at;   /* before this claim, HL_NO_TIME */
	TimestampTz unsettled_since; /* before this claim */
	TimestampTz sending_since;   /* with this claim; HL_NO_TIME: none */
	TimestampTz lease_until;
	bool polls; /* asks for the state of what was made */
	bool looks; /* searches before anything is sent */

	HlRequest *sent;
	HlCall *call;            /* NULL: not, or no more, in flight */
	const HlReply *heard;    /* of a search, and not yet read; NULL: none */
	struct HlSearch *search; /* NULL: not begun */
	instr_time started;
	int64 microseconds; /* that the call took, once it has ended */
	HlEnding ending;
} HlQueued;

/* Takes the rows of a claim out of SPI_tuptable, into memory below parent. */
extern HlQueued *hl_queued_read(uint64 row, MemoryContext parent);

/* Whether it was made in another cluster or database: it is never sent here. */
extern bool hl_queued_is_foreign(const HlQueued *queued);

/* Whether AWS may have carried it out, as known before this claim. */
extern bool hl_queued_is_unsettled(const HlQueued *queued);

/* Whether a role may have an operation performed by the queue. */
extern bool hl_queued_permits(const HlStore *store,
							  const HlOperation *operation, Oid role);

/*
 * Makes the call of a claimed row, or its ending: checks request, rights and
 * guard rails anew. In a transaction; to get credentials may be interrupted.
 */
extern void hl_queued_prepare(HlQueued *queued, const HlStore *store);

/* Makes the ending of a call that has ended; that of a search is yet to read. */
extern void hl_queued_judge(HlQueued *queued);

/* Makes an ending without a call: for good, or until another time. */
extern void hl_queued_refuse(HlQueued *queued, int sqlstate,
							 const char *message);
extern void hl_queued_put_off(HlQueued *queued, int sqlstate,
							  const char *message);

/* Writes the ending into the parameters of HL_STATEMENT_RECORD. */
extern void hl_queued_add_ending(HlParameters *row, const HlQueued *queued);

#endif
