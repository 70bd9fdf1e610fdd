/*
 * credentials.h
 *	  The credentials of a call: planned by a table of sources, issued where
 *	  that takes a request, kept for the next calls under the same settings
 *	  and roles, and renewed in time. An HlCredentials lives in the memory
 *	  context in which it was made; with that go its claims on what is kept.
 */
#ifndef HL_CLIENT_CREDENTIALS_H
#define HL_CLIENT_CREDENTIALS_H

#include "aws/sigv4.h"
#include "client/client.h"
#include "nodes/pg_list.h"

typedef struct HlCredentials
{
	HlSigv4Credentials keys;
	const char *source; /* in words */
	bool lasting;       /* nobody issues them: there are no others */
	bool expires;
	int64 expires_at;   /* microseconds of 1970 */
	const char *reason; /* why there are none; quotes no secret */
	const char *hint;   /* NULL: nothing better than that */

	const HlClientConfig *limits;
	const char *region;
	struct HlHeld *held; /* what the keys point into; NULL: there are none */
	MemoryContextCallback callback;
} HlCredentials;

/*
 * Credentials for calls to a region, looked for within limits, both of which
 * must live as long. May be interrupted.
 */
extern HlCredentials *hl_credentials_create(const HlClientConfig *limits,
											const char *region);

/*
 * Finds them. False, with a reason, when no source has any or when one that
 * is configured is broken. notes: NULL, or a List of HlSourceNote to add to.
 */
extern bool hl_credentials_find(HlCredentials *credentials, List **notes);

/* An HlRenew, whose holder is an HlCredentials. */
extern bool hl_credentials_renew(void *holder, const char *key_id,
								 const char **why);

/* Wipes all that is kept: DISCARD ALL, new settings. False: nothing was. */
extern bool hl_credentials_forget(void);

#endif
