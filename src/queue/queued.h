/*
 * queued.h
 *	  A request of the queue as a runner handles it: the row as it was claimed,
 *	  the call made for it, and its ending. Everything lives in the row's own
 *	  memory context. Strings are in the database's encoding, except for the
 *	  response in the ending, which is UTF-8.
 */
#ifndef HL_QUEUE_QUEUED_H
#define HL_QUEUE_QUEUED_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "portability/instr_time.h"

#include "audit/store.h"
#include "engine/engine.h"
#include "model/request.h"
#include "model/target_states.h"
#include "queue/ending.h"

typedef struct HlQueued
{
	MemoryContext memory;
	const char *home; /* where it was made */
	int64 id;         /* there */
	int64 claim;      /* the number of this claim, which no other has */
	const char *operation_name;
	const char *kind;             /* by which it is paced, as the row says */
	const struct HlPlane *plane;  /* control or data: plane.h */
	const HlOperation *operation; /* NULL: not known to this version */
	const char *request;          /* JSON, less the token */
	const char *client_token;
	const char *body;           /* of a FHIR request, JSON; NULL: none */
	const char *resource_type;  /* of one resource; NULL: of several, or none */
	const char *resource_id;    /* NULL: HealthLake assigns it */
	const char *guard;          /* the version that it must find; NULL: none */
	bool intact;                /* request and body match their hashes */
	const HlTargetStates *goal; /* NULL: none */
	const char *response;
	const char *datastore_id, *job_id;
	const char *region;
	const char *endpoint; /* NULL: wherever this server sends it */
	const char *account;
	const char *session_role;
	const char *role; /* the current one, when it was enqueued */
	int attempts;
	const char *error_sqlstate; /* of the last failure, or NULL */
	const char *error_code, *error_message;
	TimestampTz earliest;        /* no attempt was made before this time */
	TimestampTz first_sent_at;   /* before this claim, HL_NO_TIME */
	TimestampTz unsettled_since; /* before this claim */
	TimestampTz sending_since;   /* with this claim; HL_NO_TIME: none */
	TimestampTz lease_until;
	bool retries; /* another request, which has failed */
	bool polls;   /* polls the state of the data store or job */
	bool looks;   /* searches before anything is sent */
	bool looked;  /* has done so since an attempt had an unknown outcome */
	int failed_looks, unusable_looks; /* of these, the last in succession */
	bool careful;   /* is marked as sent directly before, and not sent again */
	bool announced; /* the history has a "sent" for what is not sent yet */

	HlRequest *sent;
	HlCall *call;            /* NULL: not in flight */
	const HlReply *heard;    /* of a search, and not yet read; NULL: none */
	MemoryContext page;      /* of a search's last call; NULL: none */
	struct HlSearch *search; /* NULL: not begun */
	struct HlFhirLook *look; /* likewise */
	bool concluding;         /* what was heard is being compared */
	instr_time started;
	int64 sent_at;      /* the same by hl_clock_steady_ms(); 0: not sent */
	int64 held_until;   /* when to record the ending again; by the same */
	int losses;         /* commits with its ending that have failed */
	int64 microseconds; /* that the call took, once it has ended */
	bool has_left;      /* bytes of the call have left the server */
	HlEnding ending;
} HlQueued;

/* Copies a row of a claim from SPI_tuptable into a context below parent. */
extern HlQueued *hl_queued_read(uint64 row, MemoryContext parent);

/* Whether it was made in another cluster or database: it is never sent here. */
extern bool hl_queued_is_foreign(const HlQueued *queued);

/* Whether AWS may have carried it out, as known before this claim. */
extern bool hl_queued_is_unsettled(const HlQueued *queued);

/* Whether something was sent of its current call. */
extern bool hl_queued_is_begun(const HlQueued *queued);

/*
 * Whether a time is known to be that recent. One that is later than now says
 * nothing: the clock was set back, or the server has another one.
 */
extern bool hl_queued_is_recent(TimestampTz time, int milliseconds);

/* Writes the ending into the parameters of HL_STATEMENT_RECORD. */
extern void hl_queued_add_ending(HlParameters *row, const HlQueued *queued);

#endif
