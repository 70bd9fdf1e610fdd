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
	const char *operation_name;
	const char *kind;             /* what it means, as the row says */
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
	bool polls;   /* polls the state of the data store or job */
	bool looks;   /* searches before anything is sent */
	bool careful; /* is marked as sent directly before, and not sent again */

	HlRequest *sent;
	HlCall *call;            /* NULL: not in flight */
	const HlReply *heard;    /* of a search, and not yet read; NULL: none */
	struct HlSearch *search; /* NULL: not begun */
	struct HlFhirLook *look; /* likewise */
	instr_time started;
	int64 sent_at;      /* the same by hl_clock_steady_ms(); 0: not sent */
	int64 held_until;   /* when to record the ending again; by the same */
	int losses;         /* commits with its ending that have failed */
	int64 microseconds; /* that the call took, once it has ended */
	HlEnding ending;
} HlQueued;

/* Copies a row of a claim from SPI_tuptable into a context below parent. */
extern HlQueued *hl_queued_read(uint64 row, MemoryContext parent);

/* Whether it was made in another cluster or database: it is never sent here. */
extern bool hl_queued_is_foreign(const HlQueued *queued);

/* Whether sending it twice has the effect of sending it once. */
extern bool hl_queued_is_repeatable(const HlQueued *queued);

/* Whether AWS may have carried it out, as known before this claim. */
extern bool hl_queued_is_unsettled(const HlQueued *queued);

/* The operation of a row, of the control or the data plane; NULL: unknown. */
extern const HlOperation *hl_queued_operation(const char *name,
											  const char *kind);

/* Whether a role may perform an operation with the row's request. */
extern bool hl_queued_permits(const HlStore *store,
							  const HlOperation *operation, const char *request,
							  Oid role);

/*
 * Makes the call of a claimed row, or its ending: checks request, privileges
 * and guard rails again. In a transaction; may be interrupted.
 */
extern void hl_queued_prepare(HlQueued *queued, const HlStore *store);

/* Writes the ending into the parameters of HL_STATEMENT_RECORD. */
extern void hl_queued_add_ending(HlParameters *row, const HlQueued *queued);

#endif
