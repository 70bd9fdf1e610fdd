/*
 * credentials.h
 *	  The credentials of a call: planned by a table of sources, kept for
 *	  further calls with the same settings and roles, and renewed in time.
 *	  Requests for them are left to a provider, which the engine drives.
 *
 *	  An HlCredentials lives in the memory context in which it was made, and
 *	  releases its kept credentials with it. Its keys are valid until the next
 *	  look. Whatever it takes from settings is copied when it is planned.
 */
#ifndef HL_CREDENTIALS_CREDENTIALS_H
#define HL_CREDENTIALS_CREDENTIALS_H

#include "aws/sigv4.h"
#include "credentials/keychain.h"
#include "credentials/provider.h"
#include "nodes/pg_list.h"

typedef enum HlCredentialsState
{
	HL_CREDENTIALS_FOUND,   /* the keys may be used */
	HL_CREDENTIALS_MISSING, /* see the reason */
	HL_CREDENTIALS_WANTED   /* a provider is to be asked for them */
} HlCredentialsState;

typedef struct HlCredentials
{
	HlSigv4Credentials keys;
	const char *source; /* in words */
	bool expires;
	int64 expires_at;   /* microseconds of 1970 */
	const char *reason; /* why there are none; quotes no secret */
	const char *hint;   /* NULL: nothing better than that */

	/* what stands for all that they come from, once they are wanted */
	unsigned char key[HL_KEYCHAIN_KEY];

	/* credentials.c's own */
	const char *region;
	const char *ca_bundle;
	const char *proxy;
	const char *session_name; /* of a role, where nothing gives another */
	Oid user;
	Oid session_user;
	bool lasting; /* the keys outlive every call */
	bool hasty;   /* there are some that would still do */
	HlPlan *plan; /* NULL: handed to a provider */
	MemoryContext plan_memory;
	MemoryContext memory;
	HlHeld *held; /* what the keys point into; NULL: there are none */
} HlCredentials;

/*
 * Credentials for calls to a region, which must live as long, as must the CA
 * bundle and the proxy (with which STS is asked). Needs a transaction.
 */
extern HlCredentials *hl_credentials_create(const char *region,
											const char *ca_bundle,
											const char *proxy);

/*
 * Makes the plan. False, with a reason, when no source is configured or when
 * one that is configured is broken. notes: NULL, or a List of HlSourceNote to
 * add to.
 */
extern bool hl_credentials_plan(HlCredentials *credentials, List **notes);

/* Looks for keys among those that are kept. */
extern HlCredentialsState hl_credentials_look(HlCredentials *credentials);

/*
 * AWS says that the keys with this id have expired: plans anew, outside of a
 * transaction too, and looks again. MISSING without a reason: they are what
 * they are, and AWS's own words must do.
 */
extern HlCredentialsState hl_credentials_reject(HlCredentials *credentials,
												const char *key_id);

/* A provider in CurrentMemoryContext, which takes the plan over. */
extern HlProvider *hl_credentials_ask(HlCredentials *credentials);

/* Uses what a provider gave to these or to others with the same key. */
extern HlCredentialsState hl_credentials_use(HlCredentials *credentials,
											 HlHeld *held);

/*
 * What became of a provider: keeps its keys, or gives those that are still of
 * use; NULL: there are none, for the provider's reason. Held for the caller.
 */
extern HlHeld *hl_credentials_keep(HlProvider *provider,
								   const unsigned char *key);
extern HlHeld *hl_credentials_do_without(HlProvider *provider,
										 const unsigned char *key);

/* Wipes all that is kept: DISCARD ALL, new settings. False: nothing was. */
extern bool hl_credentials_forget(void);

#endif
