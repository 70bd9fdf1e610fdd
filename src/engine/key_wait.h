/*
 * key_wait.h
 *	  Calls that wait for keys. Calls that need the same keys share one wait
 *	  and its provider.
 */
#ifndef HL_ENGINE_KEY_WAIT_H
#define HL_ENGINE_KEY_WAIT_H

#include "engine/attempt.h"

/* A wait for keys, shared by all calls that need the same. */
typedef struct HlKeyWait
{
	struct HlKeyWait *next;
	MemoryContext memory; /* of the wait and its provider */
	unsigned char key[HL_KEYCHAIN_KEY];
	HlLimits limits; /* the largest limits of the calls */
	int callers;     /* number of waiting calls */
	HlProvider *provider;
	HlCall *request; /* of the provider, in flight; NULL: none */
	bool stepping;   /* its provider advances, or has thrown */
	bool settled;
	HlHeld *held; /* the keys; NULL: failed, see the provider */
} HlKeyWait;

/* The waits that are not settled; the engine drives their requests. */
extern HlKeyWait *hl_key_waits;

/* Looks up the keys of a call, which then continues, fails or waits. */
extern void hl_key_wait_join(HlCall *call);

/* Looks them up again after AWS has rejected them as expired. */
extern void hl_key_wait_renew(HlCall *call);

/* Uses the result of the call's wait if it is settled. */
extern void hl_key_wait_take(HlCall *call);

/* Leaves the wait; the last call to leave frees it. */
extern void hl_key_wait_leave(HlAttempt *attempt);

/* Passes replies to the providers; true if one of them has advanced. */
extern bool hl_key_wait_settle(void);

#endif
