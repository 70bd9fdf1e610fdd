/*
 * client.h
 *	  The engine: drives a set of calls (one is the usual case) to their ends,
 *	  signing each attempt anew and retrying as AWS's own clients do. With the
 *	  memory context of a call go its reply, and what is still in flight. The
 *	  strings that a caller fills in must live as long as the run.
 */
#ifndef HL_CLIENT_CLIENT_H
#define HL_CLIENT_CLIENT_H

#include "aws/sigv4.h"
#include "client/reply.h"

/* Where requests go: scheme://[host prefix]authority path. */
typedef struct HlTarget
{
	bool plain;            /* http; only for a loopback address */
	const char *from;      /* who says so; NULL: AWS's rules */
	const char *authority; /* lower case, without a default port */
	const char *path;      /* "/", or the base path of a custom endpoint */
	bool link_local;       /* plain goes to AWS's addresses on the link, too */
} HlTarget;

/* Replaces the config's credentials, which AWS calls expired; false: why not. */
typedef bool (*HlRenew)(void *holder, const char *key_id, const char **why);

/* What holds for every call of a run; NULL and "" say the same. */
typedef struct HlClientConfig
{
	const HlSigv4Credentials *credentials;
	HlRenew renew; /* NULL: they stay what they are */
	void *holder;
	const char *ca_bundle; /* NULL: the one that libcurl was built with */
	const char *proxy;     /* NULL: none, whatever the environment says */
	int connect_timeout_ms;
	int request_timeout_ms; /* one attempt, from connecting to the last byte */
	int max_attempts;
	size_t max_response_size;
} HlClientConfig;

typedef enum HlCallKind
{
	HL_CALL_OPERATION,  /* signed JSON, answered by JSON */
	HL_CALL_QUERY,      /* a signed form, answered by STS's XML */
	HL_CALL_OPEN_QUERY, /* the same, unsigned */
	HL_CALL_FETCH       /* unsigned, answered by anything */
} HlCallKind;

typedef struct HlCall
{
	/* filled by the caller */
	HlCallKind kind;
	const char *method;      /* NULL: POST; else GET or PUT */
	const HlHeader *headers; /* of a query or a fetch; secrets are wiped */
	int nheaders;
	const char *secret; /* that no reply may repeat; NULL: none */
	const HlClientConfig *config;
	const HlTarget *target;
	const char *operation;   /* X-Amz-Target: HealthLake.CreateFHIRDatastore */
	const char *host_prefix; /* "datatransformation.", or NULL */
	const char *region;
	const char *service; /* as signed: healthlake */
	const char *body;
	size_t body_len;
	bool changes;    /* something, when it runs */
	bool repeatable; /* has a token, or does no harm twice */

	/* filled by the engine */
	HlReply reply;
	struct HlAttempt *attempt;
} HlCall;

/* Zeroed calls in CurrentMemoryContext, which frees all that hangs on them. */
extern HlCall *hl_client_calls(int count);
/* Drives all calls to their ends; throws only what an interrupt throws. */
extern void hl_client_run(HlCall *calls, int count);

/*
 * The same until one has ended (true) or one wait of at most most_ms is over;
 * to be called again with the others, and new ones. Having thrown, it has
 * given all of them up.
 */
extern bool hl_client_step(HlCall *const *calls, int count, long most_ms);

/* What would be sent, as long as the call lives; false: see the reply. */
typedef struct HlPreview
{
	const char *url;
	const HlBytes *head; /* header lines, each ended by a zero; secret */
} HlPreview;
extern bool hl_client_preview(HlCall *call, HlPreview *preview);

/* Wipes the signing key that is kept; the second closes connections, too. */
extern void hl_client_forget_keys(void);
extern void hl_client_forget(void);

/* Whether a hanging name lookup can be left behind (libcurl 7.87). */
extern bool hl_client_leaves_lookups(void);

#endif
