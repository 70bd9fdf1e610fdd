/*
 * key_wait.h
 *	  Calls that wait for keys: those that need the same wait for one provider.
 */
#ifndef HL_ENGINE_KEY_WAIT_H
#define HL_ENGINE_KEY_WAIT_H

#include "engine/attempt.h"

/* Keys that are being got, for all the calls that need the same. */
typedef struct HlKeyWait
{
	struct HlKeyWait *next;
	MemoryContext memory; /* of it all; the engine's own */
	unsigned char key[HL_KEYCHAIN_KEY];
	HlLimits limits; /* of the call that came first */
	int callers;     /* calls that wait */
	HlProvider *provider;
	HlCall *request; /* of the provider, under way; NULL: none */
	bool settled;
	HlHeld *held; /* what came of it; NULL: nothing, see the provider */
} HlKeyWait;

/* Those that are not settled, for the engine to drive their requests. */
extern HlKeyWait *hl_key_waits;

/* Has a call look for keys: it goes on, ends, or waits. */
extern void hl_key_wait_join(HlCall *call);

/* Has it look again after AWS refused its keys as expired. */
extern void hl_key_wait_renew(HlCall *call);

/* Has it take what came of its wait, once that is settled. */
extern void hl_key_wait_take(HlCall *call);

/* The call waits no more; the last one takes the provider with it. */
extern void hl_key_wait_leave(HlAttempt *attempt);

/* Hands replies to the providers; true: something has moved on. */
extern bool hl_key_wait_settle(void);

#endif
