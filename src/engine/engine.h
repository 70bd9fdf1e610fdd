/*
 * engine.h
 *	  Drives a set of calls (usually one) to their ends: gets their keys, signs
 *	  each attempt, sends it, judges the reply, and retries as AWS's own
 *	  clients do. There is no other way to send.
 *
 *	  Calls that need the same keys wait for one provider. A call's memory owns
 *	  reply and transfer. What the caller fills in must live as long as the run.
 */
#ifndef HL_ENGINE_ENGINE_H
#define HL_ENGINE_ENGINE_H

#include "aws/endpoint.h"
#include "aws/outcome.h"
#include "aws/shape.h"
#include "credentials/credentials.h"
#include "engine/limits.h"
#include "http/header.h"

/* How requests are written and replies judged: see engine/protocol.h. */
typedef struct HlProtocol HlProtocol;
extern const HlProtocol hl_awsjson; /* HealthLake's control plane */
extern const HlProtocol hl_query;   /* STS: a form; XML in return */
extern const HlProtocol hl_fetch;   /* unsigned; any reply */
extern const HlProtocol hl_fhir;    /* HealthLake's data plane: FHIR REST */

typedef struct HlCall
{
	/* filled by the caller */
	const HlProtocol *protocol;
	const char *method; /* NULL: POST; else GET, PUT, PATCH or DELETE */
	const HlTarget *target;
	const char *path;        /* appended to the target's, escaped; or NULL */
	const char *query;       /* escaped, without the question mark; or NULL */
	const HlHeader *headers; /* sent, and signed if the call is */
	int nheaders;
	const char *const *wanted; /* reply headers, at most HL_HTTP_WANTED */
	int nwanted;
	const char *body;
	size_t body_len;
	const char *operation;   /* X-Amz-Target: HealthLake.CreateFHIRDatastore */
	const char *host_prefix; /* "datatransformation.", or NULL */
	const HlStream *stream;  /* of a streamed reply; NULL: one document */
	const char *region;
	const char *service; /* of the signature: "healthlake" */
	const char *secret;  /* masked in messages; NULL: none */
	const char *bearer;  /* "Bearer ...", instead of a signature; or NULL */
	const HlLimits *limits;
	HlCredentials *credentials;     /* that sign it; NULL: "keys" do */
	const HlSigv4Credentials *keys; /* both NULL: the call is not signed */
	bool changes, whole;            /* it changes data; a whole FHIR resource */
	bool repeatable;                /* idempotent, or with a client token */
	bool held;                      /* with keys, wait for hl_engine_go() */
	bool held_again;                /* and so before each further attempt */

	/* filled by the engine */
	HlReply reply;
	struct HlAttempt *attempt;
} HlCall;

/* Zeroed calls in CurrentMemoryContext, which owns all they have. */
extern HlCall *hl_engine_calls(int count);

/* Creates a call for a provider's request, with the limits of another call. */
extern HlCall *hl_engine_request(const HlProviderRequest *request,
								 const HlLimits *limits);

/* Drives all calls to their ends. Only an interrupt throws. */
extern void hl_engine_run(HlCall *calls, int count);

/* Gets the keys of a call and sends nothing; false: see the reply. */
extern bool hl_engine_get_keys(HlCall *call);

/*
 * Drives calls until one has ended or is held (true), or one wait of at most
 * most_ms is over (false). Call it again with the remaining calls and new
 * ones. If it throws, all transfers are aborted.
 */
extern bool hl_engine_step(HlCall *const *calls, int count, long most_ms);

/* Whether a held call has its keys; and lets its next attempt begin. */
extern bool hl_engine_is_held(const HlCall *call);
extern void hl_engine_go(HlCall *call);
extern bool hl_engine_is_done(const HlCall *call);

/* The head to be sent, valid as long as the call; false: see the reply. */
typedef struct HlPreview
{
	const char *url;
	const HlBytes *head; /* header lines, each zero-terminated; secret */
} HlPreview;
extern bool hl_engine_preview(HlCall *call, HlPreview *preview);

/* Wipes the kept signing key; the second also closes all connections. */
extern void hl_engine_forget_keys(void);
extern void hl_engine_forget(void);
/* Whether a hanging name lookup can be abandoned (since libcurl 7.87). */
extern bool hl_engine_leaves_lookups(void);

#endif
