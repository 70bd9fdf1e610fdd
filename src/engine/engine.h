/*
 * engine.h
 *	  Drives a set of calls (usually one) to their ends: gets their keys, signs
 *	  each attempt anew, sends, judges the reply, and retries as AWS's own
 *	  clients do. There is no other way to send.
 *
 *	  Calls that need the same keys wait for one provider, beside the others.
 *	  The memory context of a call owns its reply and what is in flight. The
 *	  fields that a caller fills in must live as long as the run.
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
extern const HlProtocol hl_query;   /* STS: a form, answered by XML */
extern const HlProtocol hl_fetch;   /* unsigned, answered by anything */
extern const HlProtocol hl_fhir;    /* HealthLake's data plane: FHIR REST */

typedef struct HlCall
{
	/* filled by the caller */
	const HlProtocol *protocol;
	const char *method; /* NULL: POST; else GET, PUT, PATCH or DELETE */
	const HlTarget *target;
	const char *path;        /* below the target's, escaped; NULL: nothing */
	const char *query;       /* escaped, less the question mark; NULL: none */
	const HlHeader *headers; /* sent, and signed where the call is signed */
	int nheaders;
	const char *const *wanted; /* reply headers, up to HL_HTTP_WANTED */
	int nwanted;
	const char *body;
	size_t body_len;
	const char *operation;   /* X-Amz-Target: HealthLake.CreateFHIRDatastore */
	const char *host_prefix; /* "datatransformation.", or NULL */
	const HlStream *stream;  /* the reply's events; NULL: it is one document */
	const char *region;
	const char *service; /* as signed: healthlake */
	const char *secret;  /* that no reply may repeat; NULL: none */
	const char *bearer;  /* "Bearer ...", in place of a signature; or NULL */
	const HlLimits *limits;
	HlCredentials *credentials;     /* which sign it; NULL: keys do */
	const HlSigv4Credentials *keys; /* NULL as well: it is not signed */
	bool changes, whole; /* something; one resource of FHIR, and all of it */
	bool repeatable;     /* has a token, or does no harm twice */
	bool held;           /* once it has its keys, it waits for hl_engine_go() */

	/* filled by the engine */
	HlReply reply;
	struct HlAttempt *attempt;
} HlCall;

/* Zeroed calls in CurrentMemoryContext, which owns everything of theirs. */
extern HlCall *hl_engine_calls(int count);

/* A call that makes a provider's request, within the limits of another. */
extern HlCall *hl_engine_request(const HlProviderRequest *request,
								 const HlLimits *limits);

/* Drives all calls to their ends; throws only what an interrupt throws. */
extern void hl_engine_run(HlCall *calls, int count);

/* Only gets the keys of a call; false: see the reply. */
extern bool hl_engine_get_keys(HlCall *call);

/*
 * Drives calls until one has ended or is held (true), or one wait of at most
 * most_ms is over; call it again with the others, and new ones. If it throws,
 * all of them were abandoned.
 */
extern bool hl_engine_step(HlCall *const *calls, int count, long most_ms);

/* Whether a held call has its keys and waits; continues it. */
extern bool hl_engine_is_held(const HlCall *call);
extern void hl_engine_go(HlCall *call);
extern bool hl_engine_is_done(const HlCall *call);

/* What would be sent, as long as the call lives; false: see the reply. */
typedef struct HlPreview
{
	const char *url;
	const HlBytes *head; /* header lines, each ended by a zero; secret */
} HlPreview;
extern bool hl_engine_preview(HlCall *call, HlPreview *preview);

/* Wipes the signing key that is kept; the second closes connections, too. */
extern void hl_engine_forget_keys(void);
extern void hl_engine_forget(void);
/* Whether a hanging name lookup can be abandoned (libcurl 7.87). */
extern bool hl_engine_leaves_lookups(void);

#endif
