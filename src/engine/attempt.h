/*
 * attempt.h
 *	  The state of one call: its stage, what its attempts need, and the result
 *	  of the last one. Private to this room.
 */
#ifndef HL_ENGINE_ATTEMPT_H
#define HL_ENGINE_ATTEMPT_H

#include "postgres.h"

#include "aws/retry.h"
#include "base/uuid.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "http/http.h"

typedef enum HlStage
{
	HL_STAGE_NEW,
	HL_STAGE_NEEDS_KEYS,
	HL_STAGE_READY, /* has keys, and waits for a place among those in flight */
	HL_STAGE_HELD,  /* has one, and waits for hl_engine_go() */
	HL_STAGE_DUE,
	HL_STAGE_IN_FLIGHT,
	HL_STAGE_RESTING,
	HL_STAGE_DONE
} HlStage;

typedef struct HlAttempt
{
	HlStage stage;
	int64 due_at;     /* by the steady clock: a rest's end, a next event's */
	bool unsettled;   /* some attempt was sent, and nobody knows its end */
	bool renewed;     /* its keys were, which is done once */
	int cost;         /* of the last repetition, from the quota */
	char key_id[129]; /* it was signed with */
	int64 offset;     /* of the clock, when it was signed */
	HlTransport transport;
	HlHttpTransfer *transfer;  /* NULL: not in flight */
	struct HlKeyWait *waiting; /* for keys; NULL: it is not */
	char invocation_id[HL_UUID_SIZE];
	char request_id[128];
	HlBytes url;
	HlBytes host;
	HlBytes path;
	HlBytes head; /* the header lines, each ended by a zero */
	HlBytes code;
	HlBytes message;
	HlBytes network;
	HlBytes expression;
	HlBytes wanted[HL_HTTP_WANTED];
	HlJsonDocument document;
	HlEvents events;      /* of a reply that is a stream of them */
	MemoryContext memory; /* of the call */
} HlAttempt;

/* What a backend keeps between calls. */
typedef struct HlEngine
{
	HlHttp *http;
	HlQuota quota;
	HlSigv4Keys keys;
	HlSigv4Signed signature;
} HlEngine;

extern HlEngine hl_engine;

/* Whether a call is signed. */
extern bool hl_attempt_is_signed(const HlCall *call);

/* Prepares the parts that are the same in every attempt of a call. */
extern void hl_attempt_prepare(HlCall *call);

/* Signs an attempt and writes its head; false: the call has ended. */
extern bool hl_attempt_write(HlCall *call);

/* Signs, writes and hands an attempt to libcurl. */
extern void hl_attempt_start(HlCall *call);

/* Reads new events of a stream; ends one that is over or has stalled. */
extern void hl_attempt_read(HlCall *call, int64 now);

/* Judges a call whose transfer has ended: done, resting, or without keys. */
extern void hl_attempt_end(HlCall *call, HlHttpReply *http);

/* Ends a call; the second, before this attempt could be made. */
extern void hl_attempt_finish(HlCall *call, HlOutcome outcome);
extern void hl_attempt_give_up(HlCall *call, const char *why);
extern void hl_attempt_run_short(HlCall *call); /* of memory */

/* Gives up what is in flight. */
extern void hl_attempt_abandon(HlAttempt *attempt);

#endif
