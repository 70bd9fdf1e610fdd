/*
 * provider.h
 *	  Carries out a plan: gets keys from the source, then assumes the roles of
 *	  the plan, one after the other. A provider never sends: given the last
 *	  reply it returns the next request, the keys, or the reason why there are
 *	  none. The engine sends its requests beside those of other calls.
 *
 *	  A provider lives in the memory context in which it was created, owns its
 *	  copies of settings, and wipes its secrets with that context. It reads no
 *	  catalog and needs no transaction.
 */
#ifndef HL_CREDENTIALS_PROVIDER_H
#define HL_CREDENTIALS_PROVIDER_H

#include "postgres.h"

#include "aws/endpoint.h"
#include "aws/issued.h"
#include "aws/outcome.h"
#include "aws/sts.h"
#include "credentials/plan.h"
#include "http/header.h"

#define HL_PROVIDER_HEADERS 2

typedef enum HlProviderAnswer
{
	HL_PROVIDER_REQUEST, /* send the request and pass its reply */
	HL_PROVIDER_KEYS,    /* see "issued" */
	HL_PROVIDER_FAILURE  /* see the reason */
} HlProviderAnswer;

/* The next request. Its strings belong to the provider. */
typedef struct HlProviderRequest
{
	bool form; /* to STS (protocol hl_query); else hl_fetch */
	const HlSigv4Credentials *keys; /* that sign it; NULL: unsigned */
	HlTarget target;
	const char *region; /* of the signature */
	const char *method;
	HlHeader headers[HL_PROVIDER_HEADERS];
	int nheaders;
	const char *body;
	size_t body_len;
	const char *secret; /* masked in messages; NULL: none */
	int timeout_ms;     /* to connect and in total; 0: the call's */
	int max_attempts;   /* 0: the call's */
	bool direct;        /* without the proxy */
} HlProviderRequest;

typedef struct HlProvider
{
	/* filled by the caller */
	const HlPlan *plan; /* must live as long */
	const char *region; /* of the call, and of STS */
	bool hasty;         /* only one attempt for each request */
	int patience_ms;    /* of credential_process */

	/* the answer */
	HlProviderRequest request;
	HlIssued issued; /* the caller may take it; then zero it */
	char *reason;    /* why there are none */
	char *hint;
	char *passed_over; /* why the source has no keys; or NULL */
	bool nobody;       /* no endpoint responded, which is no error */
	bool final;        /* another attempt would not help */

	/* private to the providers */
	int step;   /* number of replies of the source */
	bool begun; /* the source has returned its keys */
	int nroles; /* roles assumed so far */
	HlIssued next;
	HlSignOn sign_on;
	HlBytes form;
	HlBytes token;
	HlSigv4Credentials keys;
} HlProvider;

extern HlProvider *hl_provider_create(void);

/* Returns the next answer. reply: to the last request; NULL at first. */
extern HlProviderAnswer hl_provider_next(HlProvider *provider,
										 const HlReply *reply);

/*
 * Makes the request for GetCallerIdentity; and reads the ARN in its reply,
 * palloc'd. False or NULL: see the reason.
 */
extern bool hl_provider_ask_identity(HlProvider *provider,
									 const HlSigv4Credentials *keys);
extern char *hl_provider_identity(HlProvider *provider, const HlReply *reply);

/* Formats a timestamp for messages; palloc'd. micros: since 1970, UTC. */
extern char *hl_provider_time(int64 micros);

#endif
