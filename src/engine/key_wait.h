/*
 * key_wait.h
 *	  Calls that wait for keys: those that need the same wait for one provider.
 */
#ifndef HL_ENGINE_KEY_WAIT_H
#define HL_ENGINE_KEY_WAIT_H

#include "engine/attempt.h"

/* A wait for keys, shared by all calls that need the same. */
typedef struct HlKeyWait
{
	struct HlKeyWait *next;
	MemoryContext memory; /* of it all; the engine's own */
	unsigned char key[HL_KEYCHAIN_KEY];
	HlLimits limits; /* the largest of the calls' */
	int callers;     /* calls that wait */
	HlProvider *provider;
	HlCall *request; /* of the provider, under way; NULL: none */
	bool settled;
	HlHeld *held; /* the result; NULL: a failure, see the provider */
} HlKeyWait;

/* Those that are not settled, for the engine to drive their requests. */
extern HlKeyWait *hl_key_waits;

/* Looks for the keys of a call: it continues, ends, or waits. */
extern void hl_key_wait_join(HlCall *call);

/* Looks again after AWS refused its keys as expired. */
extern void hl_key_wait_renew(HlCall *call);

/* Takes the result of its wait, once there is one. */
extern void hl_key_wait_take(HlCall *call);

/* The call leaves the wait; the last one frees the provider. */
extern void hl_key_wait_leave(HlAttempt *attempt);

/* Passes replies to the providers; true: one of them has advanced. */
extern bool hl_key_wait_settle(void);

#endif
