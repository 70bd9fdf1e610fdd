/*
 * attempt.h
 *	  The state of one call: its stage, the data of its attempts, and the
 *	  result of the last one. Private to the engine.
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
	HL_STAGE_READY, /* has keys; max_in_flight others are in flight */
	HL_STAGE_HELD,  /* waits for hl_engine_go() */
	HL_STAGE_DUE,
	HL_STAGE_IN_FLIGHT,
	HL_STAGE_RESTING,
	HL_STAGE_DONE
} HlStage;

typedef struct HlAttempt
{
	HlStage stage;
	int64 due_at;     /* steady clock: end of the delay or next event */
	bool unsettled;   /* an attempt was sent whose outcome is unknown */
	bool renewed;     /* its keys were renewed, which is done once */
	int cost;         /* of the last retry, taken from the quota */
	char key_id[129]; /* of the keys that signed it */
	int64 offset;     /* of the clock when it was signed */
	HlTransport transport;
	HlHttpTransfer *transfer;  /* NULL: not in flight */
	struct HlKeyWait *waiting; /* for keys; NULL: not waiting */
	char invocation_id[HL_UUID_SIZE];
	char request_id[128];
	HlBytes url;
	HlBytes host;
	HlBytes path;
	HlBytes head; /* header lines, each zero-terminated */
	HlBytes code;
	HlBytes message;
	HlBytes network;
	HlBytes expression;
	HlBytes wanted[HL_HTTP_WANTED];
	HlJsonDocument document;
	HlEvents events;      /* of a streamed reply */
	MemoryContext memory; /* of the call */
} HlAttempt;

/* The state that a backend keeps between calls. */
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

/* Signs an attempt and writes its head; false: the call has failed. */
extern bool hl_attempt_write(HlCall *call);

/* Signs an attempt and passes it to libcurl. */
extern void hl_attempt_start(HlCall *call);

/* Reads new events of a stream; ends a stream that is over or has stalled. */
extern void hl_attempt_read(HlCall *call, int64 now);

/*
 * Judges an attempt whose transfer has ended; the call is done, waits for its
 * retry, or needs new keys.
 */
extern void hl_attempt_end(HlCall *call, HlHttpReply *http);

/* Ends a call with an outcome; or before an attempt: UNSIGNED, or NO_MEMORY. */
extern void hl_attempt_finish(HlCall *call, HlOutcome outcome);
extern void hl_attempt_give_up(HlCall *call, const char *why);
extern void hl_attempt_run_short(HlCall *call);

/* Aborts the transfer in flight, if any. */
extern void hl_attempt_abandon(HlAttempt *attempt);

#endif
