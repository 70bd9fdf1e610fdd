/*
 * provider.h
 *	  Carries out a plan for credentials: gets keys from the source, then
 *	  assumes the roles of the plan, one after the other. A provider never
 *	  sends: given the last reply it returns the next request, the keys, or the
 *	  reason why there are none. The engine sends its requests beside those of
 *	  other calls.
 *
 *	  A provider lives in the memory context in which it was made, owns its
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
	HL_PROVIDER_REQUEST, /* send the request, and come back with its reply */
	HL_PROVIDER_KEYS,    /* they are in "issued" */
	HL_PROVIDER_FAILURE  /* see the reason */
} HlProviderAnswer;

/* The next request. What it points to belongs to the provider. */
typedef struct HlProviderRequest
{
	bool form;                      /* for STS; else a fetch */
	const HlSigv4Credentials *keys; /* which sign it; NULL: unsigned */
	HlTarget target;
	const char *region; /* as signed */
	const char *method;
	HlHeader headers[HL_PROVIDER_HEADERS];
	int nheaders;
	const char *body;
	size_t body_len;
	const char *secret; /* which no reply may repeat; NULL: none */
	int timeout_ms;     /* to connect, and in all; 0: as the call has them */
	int max_attempts;   /* 0: as the call has them */
	bool direct;        /* through no proxy */
} HlProviderRequest;

typedef struct HlProvider
{
	/* filled by the caller */
	const HlPlan *plan; /* lives as long */
	const char *region; /* of the call: STS is asked there */
	bool hasty;         /* one attempt a request will do */
	int patience_ms;    /* for a program */

	/* the answer */
	HlProviderRequest request;
	HlIssued issued; /* may be taken over: then zero it */
	char *reason;    /* why there are none */
	char *hint;
	char *passed_over; /* why nobody's keys are used; NULL: they were wanted */
	bool nobody;       /* is there to be asked, and nobody need be */
	bool final;        /* asking again would not help */

	/* the providers' own */
	int step;   /* of the source: the replies that it has had */
	bool begun; /* the source has given its keys */
	int nroles; /* that were assumed */
	HlIssued next;
	HlSignOn sign_on;
	HlBytes form;
	HlBytes token;
	HlSigv4Credentials keys;
} HlProvider;

extern HlProvider *hl_provider_create(void);

/* The next answer. reply: to the last request, NULL at the beginning. */
extern HlProviderAnswer hl_provider_next(HlProvider *provider,
										 const HlReply *reply);

/*
 * The request that asks STS whose keys these are, and what its reply says,
 * palloc'd; false and NULL: see the reason.
 */
extern bool hl_provider_ask_identity(HlProvider *provider,
									 const HlSigv4Credentials *keys);
extern char *hl_provider_identity(HlProvider *provider, const HlReply *reply);

/* A point in time, in words; palloc'd. */
extern char *hl_provider_time(int64 micros);

#endif
