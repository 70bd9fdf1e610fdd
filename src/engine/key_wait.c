/*
 * key_wait.c
 *	  Calls that wait for keys, and the providers that get them.
 *
 * A call whose keys are neither in its plan nor kept joins the others that
 * need the same keys: one provider is asked for all of them. Its requests are
 * calls like others, which the engine drives beside the waiting calls. A
 * provider may outlive the call that came first, so it has its own memory
 * under TopMemoryContext, which is freed with the last waiting call.
 */
#include "postgres.h"

#include "credentials/secret.h"
#include "engine/key_wait.h"
#include "engine/protocol.h"
#include "utils/memutils.h"

#define MAX_REPLY (64 * 1024)

HlKeyWait *hl_key_waits = NULL;

/* Removes a wait from the list, so that no call can join it. */
static void
take_off(HlKeyWait *wait)
{
	for (HlKeyWait **at = &hl_key_waits; *at != NULL; at = &(*at)->next)
		if (*at == wait)
		{
			*at = wait->next;
			return;
		}
}

/* The wait for a key that another call has begun. */
static HlKeyWait *
find_wait(const unsigned char *key)
{
	for (HlKeyWait *wait = hl_key_waits; wait != NULL; wait = wait->next)
		if (memcmp(wait->key, key, HL_KEYCHAIN_KEY) == 0)
			return wait;
	return NULL;
}

static const char *
copy(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/*
 * Begins a wait with the plan and the limits of the call. It is the caller's
 * until it is in the list: an error before that frees it and wipes its keys.
 */
static HlKeyWait *
begin_wait(HlCall *call)
{
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake keys", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	HlKeyWait *wait = palloc0(sizeof(HlKeyWait));

	wait->memory = memory;
	memcpy(wait->key, call->credentials->key, HL_KEYCHAIN_KEY);
	wait->limits = *call->limits;
	wait->limits.ca_bundle = copy(call->limits->ca_bundle);
	wait->limits.proxy = hl_secret_copy(call->limits->proxy);
	wait->limits.max_response_size = MAX_REPLY;
	wait->provider = hl_credentials_ask(call->credentials);
	wait->provider->patience_ms = call->limits->request_timeout_ms;
	if (wait->provider->hasty)
		wait->limits.max_attempts = 1;
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(memory, TopMemoryContext);
	wait->next = hl_key_waits;
	hl_key_waits = wait;
	return wait;
}

void
hl_key_wait_leave(HlAttempt *attempt)
{
	HlKeyWait *wait = attempt->waiting;

	attempt->waiting = NULL;
	if (wait == NULL || --wait->callers > 0)
		return;
	take_off(wait);
	if (wait->held != NULL)
		hl_keychain_release(wait->held);
	MemoryContextDelete(wait->memory);
}

/* Continues a call with the keys that it has. */
static void
go_on(HlCall *call)
{
	call->attempt->stage = HL_STAGE_READY;
}

/*
 * Extends the limits of a wait to those of a call that joins it. The call that
 * began it may have had smaller ones: a page that is sent ahead is attempted
 * once, and so is renewing keys that are still usable.
 */
static void
extend_limits(HlKeyWait *wait, const HlCall *call)
{
	HlLimits *limits = &wait->limits;
	const HlLimits *others = call->limits;
	MemoryContext caller = MemoryContextSwitchTo(wait->memory);

	limits->connect_timeout_ms =
		Max(limits->connect_timeout_ms, others->connect_timeout_ms);
	limits->request_timeout_ms =
		Max(limits->request_timeout_ms, others->request_timeout_ms);
	if (!call->credentials->hasty)
		limits->max_attempts = Max(limits->max_attempts, others->max_attempts);
	wait->provider->patience_ms = limits->request_timeout_ms;
	if (wait->request != NULL)
		hl_engine_limit(wait->request, &wait->provider->request, limits);
	MemoryContextSwitchTo(caller);
}

/* Lets a call join a wait, or begin one. */
static void
wait_for_keys(HlCall *call)
{
	HlKeyWait *wait = find_wait(call->credentials->key);

	if (wait == NULL)
		wait = begin_wait(call);
	else
		extend_limits(wait, call);
	wait->callers++;
	call->attempt->waiting = wait;
	call->attempt->stage = HL_STAGE_NEEDS_KEYS;
}

/* Ends a call for lack of memory while its keys were requested. */
static void
run_short(HlCall *call)
{
	if (call->attempt->renewed)
		hl_attempt_finish(call, HL_OUTCOME_REFUSED);
	else
		hl_attempt_run_short(call);
}

/*
 * Ends a call without keys, before anything was sent or after a failed renewal.
 */
static void
go_without(HlCall *call, const char *reason, const char *hint)
{
	HlAttempt *attempt = call->attempt;
	MemoryContext memory = attempt->memory;

	if (reason != NULL)
		hl_attempt_tell(call, HL_OUTCOME_UNSIGNED, reason);
	if (!attempt->renewed)
		call->reply.hint =
			hint != NULL ? MemoryContextStrdup(memory, hint) : NULL;
	else if (reason != NULL)
		call->reply.hint = "Check the credential source; healthlake_check() "
						   "shows details.";
	hl_attempt_finish(call, attempt->renewed ? HL_OUTCOME_REFUSED
											 : HL_OUTCOME_UNSIGNED);
}

/* Whether AWS has just refused these keys. */
static bool
are_refused(const HlCall *call)
{
	return call->attempt->renewed &&
		   strcmp(call->credentials->keys.access_key_id,
				  call->attempt->key_id) == 0;
}

void
hl_key_wait_join(HlCall *call)
{
	if (call->credentials == NULL)
	{
		go_on(call);
		return;
	}
	switch (hl_credentials_look(call->credentials))
	{
		case HL_CREDENTIALS_FOUND:
			go_on(call);
			break;
		case HL_CREDENTIALS_MISSING:
			go_without(call, call->credentials->reason,
					   call->credentials->hint);
			break;
		case HL_CREDENTIALS_WANTED:
			wait_for_keys(call);
			break;
	}
}

void
hl_key_wait_renew(HlCall *call)
{
	MemoryContext caller = MemoryContextSwitchTo(call->attempt->memory);
	HlCredentialsState state =
		hl_credentials_reject(call->credentials, call->attempt->key_id);

	MemoryContextSwitchTo(caller);
	if (state == HL_CREDENTIALS_FOUND)
		go_on(call);
	else if (state == HL_CREDENTIALS_WANTED)
		wait_for_keys(call);
	else
		go_without(call, call->credentials->reason, NULL);
}

void
hl_key_wait_take(HlCall *call)
{
	HlKeyWait *wait = call->attempt->waiting;
	MemoryContext caller;

	if (!wait->settled)
		return;
	caller = MemoryContextSwitchTo(call->attempt->memory);
	if (wait->held == NULL && wait->provider->issued.no_memory)
		run_short(call);
	else if (wait->held == NULL)
	{
		if (wait->provider->passed_over != NULL)
			call->reply.passed_over = pstrdup(wait->provider->passed_over);
		go_without(call, wait->provider->reason, wait->provider->hint);
	}
	else
	{
		hl_credentials_use(call->credentials, wait->held);
		if (are_refused(call))
			go_without(call,
					   psprintf("credentials of %s have expired, and it "
								"returned the same again",
								call->credentials->source),
					   NULL);
		else
			go_on(call);
	}
	MemoryContextSwitchTo(caller);
	hl_key_wait_leave(call->attempt);
}

/* Ends a wait; its calls take the keys, or the reason why there are none. */
static void
settle(HlKeyWait *wait)
{
	wait->request = NULL;
	wait->settled = true;
	take_off(wait);
}

/* Advances one provider with the reply to its last request. */
static void
move_on(HlKeyWait *wait)
{
	const HlReply *reply = wait->request != NULL ? &wait->request->reply : NULL;

	switch (hl_provider_next(wait->provider, reply))
	{
		case HL_PROVIDER_REQUEST:
			wait->request =
				hl_engine_request(&wait->provider->request, &wait->limits);
			return;
		case HL_PROVIDER_KEYS:
			wait->held = hl_credentials_keep(wait->provider, wait->key);
			break;
		case HL_PROVIDER_FAILURE:
			wait->held = hl_credentials_do_without(wait->provider, wait->key);
			break;
	}
	settle(wait);
}

/*
 * The same, in the wait's memory. A step that throws, such as one that was
 * cancelled, may have ended another call than those that wait: they fail, since
 * a provider cannot take the same reply twice.
 */
static void
move_on_once(HlKeyWait *wait)
{
	MemoryContext caller = MemoryContextSwitchTo(wait->memory);

	if (wait->stepping)
	{
		wait->provider->reason =
			(char *) "the request for them was interrupted";
		settle(wait);
	}
	else
	{
		wait->stepping = true;
		move_on(wait);
		wait->stepping = false;
	}
	MemoryContextSwitchTo(caller);
}

bool
hl_key_wait_settle(void)
{
	HlKeyWait *next;
	bool moved = false;

	for (HlKeyWait *wait = hl_key_waits; wait != NULL; wait = next)
	{
		next = wait->next;
		if (!wait->stepping && wait->request != NULL &&
			wait->request->attempt->stage != HL_STAGE_DONE)
			continue;
		move_on_once(wait);
		moved = true;
	}
	return moved;
}
