/*
 * keychain.c
 *	  Kept credentials.
 */
#include "postgres.h"

#include "credentials/keychain.h"
#include "server/settings.h"
#include "storage/ipc.h"

#define HOOKS 8

static HlHeld *hooks[HOOKS];
static int next_hook = 0;
static bool guarded = false;

/* hl_settings_generation when they were kept. */
static uint64 generation = 0;

HlHeld *
hl_keychain_find(const unsigned char *key)
{
	if (generation != hl_settings_generation)
		hl_keychain_forget();
	generation = hl_settings_generation;
	for (int i = 0; i < HOOKS; i++)
		if (hooks[i] != NULL &&
			memcmp(hooks[i]->key, key, HL_KEYCHAIN_KEY) == 0)
			return hooks[i];
	return NULL;
}

static void
forget_at_exit(int code, Datum unused)
{
	hl_keychain_forget();
}

/* The slot for a key: its own, a free one, or the least recently used one. */
static int
hook_for(const unsigned char *key)
{
	for (int i = 0; i < HOOKS; i++)
		if (hooks[i] != NULL &&
			memcmp(hooks[i]->key, key, HL_KEYCHAIN_KEY) == 0)
			return i;
	for (int i = 0; i < HOOKS; i++)
		if (hooks[i] == NULL)
			return i;
	next_hook = (next_hook + 1) % HOOKS;
	return next_hook;
}

HlHeld *
hl_keychain_lend(HlIssued *issued)
{
	HlHeld *held = calloc(1, sizeof(HlHeld));

	if (held == NULL)
		return NULL;
	held->issued = *issued;
	*issued = (HlIssued){0};
	held->holds = 1;
	return held;
}

HlHeld *
hl_keychain_add(const unsigned char *key, HlIssued *issued)
{
	HlHeld *held = hl_keychain_lend(issued);
	int hook = hook_for(key);

	if (held == NULL)
		return NULL;
	if (!guarded)
		on_proc_exit(forget_at_exit, (Datum) 0);
	guarded = true;
	memcpy(held->key, key, HL_KEYCHAIN_KEY);
	if (hooks[hook] != NULL)
		hl_keychain_release(hooks[hook]);
	hooks[hook] = held;
	return held;
}

void
hl_keychain_hold(HlHeld *held)
{
	held->holds++;
}

void
hl_keychain_release(HlHeld *held)
{
	if (--held->holds > 0)
		return;
	hl_issued_wipe(&held->issued);
	explicit_bzero(held, sizeof(*held));
	free(held);
}

bool
hl_keychain_forget(void)
{
	bool had = false;

	for (int i = 0; i < HOOKS; i++)
	{
		HlHeld *held = hooks[i];

		hooks[i] = NULL;
		had |= held != NULL;
		if (held != NULL)
			hl_keychain_release(held);
	}
	return had;
}
