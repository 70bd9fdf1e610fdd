/*
 * credentials.h
 *	  The credentials of a call: planned by a table of sources, kept for
 *	  further calls with the same settings and roles, and renewed in time.
 *	  Requests for them are made by a provider, which the engine drives.
 *
 *	  An HlCredentials lives in the memory context in which it was created,
 *	  which releases the kept credentials. Its keys are valid until the next
 *	  hl_credentials_look(). All that it needs of settings is copied by
 *	  hl_credentials_plan().
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
	HL_CREDENTIALS_WANTED   /* a provider must be asked */
} HlCredentialsState;

typedef struct HlCredentials
{
	HlSigv4Credentials keys;
	const char *source; /* description of the source */
	bool expires;
	int64 expires_at;   /* microseconds since 1970, UTC */
	const char *reason; /* why there are none; quotes no secret */
	const char *hint;   /* or NULL */

	/* a digest of all inputs, set when WANTED */
	unsigned char key[HL_KEYCHAIN_KEY];

	/* private to credentials.c */
	const char *region;
	const char *ca_bundle;
	const char *proxy;
	const char *session_name; /* default session name of roles */
	Oid user;
	Oid session_user;
	bool lasting; /* the keys do not expire */
	bool hasty;   /* others are kept that are still usable */
	HlPlan *plan; /* NULL: a provider has it */
	MemoryContext plan_memory;
	MemoryContext memory;
	HlHeld *held; /* the owner of the keys; NULL: none */
} HlCredentials;

/* Needs a transaction. The strings must live as long; STS gets the last two. */
extern HlCredentials *hl_credentials_create(const char *region,
											const char *ca_bundle,
											const char *proxy);

/*
 * Makes the plan. False, with a reason: no source is configured, or an invalid
 * one. notes: a List of HlSourceNote to append to, or NULL.
 */
extern bool hl_credentials_plan(HlCredentials *credentials, List **notes);

/* Looks up the keys among those that are kept. */
extern HlCredentialsState hl_credentials_look(HlCredentials *credentials);

/*
 * AWS has rejected the keys with this id as expired: plans again (no
 * transaction is needed) and looks again. MISSING without a reason: they are
 * the same keys.
 */
extern HlCredentialsState hl_credentials_reject(HlCredentials *credentials,
												const char *key_id);

/* A provider in CurrentMemoryContext, which takes the plan over. */
extern HlProvider *hl_credentials_ask(HlCredentials *credentials);

/*
 * Uses a provider's keys, of these credentials or of others with that digest.
 */
extern HlCredentialsState hl_credentials_use(HlCredentials *credentials,
											 HlHeld *held);

/*
 * After a provider has ended: the first keeps its keys; the second, after a
 * failure, returns kept keys that are usable, or NULL. The caller releases
 * them.
 */
extern HlHeld *hl_credentials_keep(HlProvider *provider,
								   const unsigned char *key);
extern HlHeld *hl_credentials_do_without(HlProvider *provider,
										 const unsigned char *key);

/* Wipes all kept credentials; false: there were none. */
extern bool hl_credentials_forget(void);

#endif
