/*
 * engine.c
 *	  The one loop that drives calls to their ends.
 *
 * A call needs keys, is due, is in flight, waits for a retry, or is done. The
 * loop advances each call as far as possible without waiting, waits once for
 * all of them, and repeats. Only the wait throws, and credential_process; then
 * all transfers of the set are aborted. Memory from malloc() belongs to the
 * calls, and is freed with their memory context.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/key_wait.h"
#include "engine/protocol.h"
#include "server/clock.h"
#include "server/owned.h"
#include "server/wait.h"
#include "storage/fd.h"
#include "storage/ipc.h"

/*
 * The calls of one memory context, with the callback that frees their malloc'd
 * memory.
 */
typedef struct CallSet
{
	int count;
	HlAttempt *attempts;
	HlCall *calls;
} CallSet;

HlEngine hl_engine;

void
hl_engine_forget_keys(void)
{
	hl_sigv4_wipe_keys(&hl_engine.keys);
	hl_sigv4_wipe_signed(&hl_engine.signature);
}

void
hl_engine_forget(void)
{
	hl_engine_forget_keys();
	hl_http_forget(hl_engine.http);
}

static void
forget_at_exit(int code, Datum unused)
{
	hl_engine_forget_keys();
}

bool
hl_engine_leaves_lookups(void)
{
	return hl_http_leaves_lookups();
}

/* HlClock by the steady clock. */
static int64_t
steady_now(void *unused)
{
	return hl_clock_steady();
}

/* Creates the state of the backend, at its first call. */
static bool
open_engine(void)
{
	if (hl_engine.http != NULL)
		return true;
	hl_engine.http =
		hl_http_create(hl_wait_for, steady_now, hl_wait_is_over, NULL);
	if (hl_engine.http == NULL)
		return false;
	ReserveExternalFD();
	hl_engine.quota.tokens = HL_QUOTA_FULL;
	on_proc_exit(forget_at_exit, (Datum) 0);
	return true;
}

/* ------------------------------------------------------------------ calls */

/* Memory context callback. */
static void
free_calls(void *argument)
{
	CallSet *set = argument;

	for (int i = 0; i < set->count; i++)
	{
		HlAttempt *attempt = &set->attempts[i];

		hl_attempt_abandon(attempt);
		hl_bytes_free(&attempt->url);
		hl_bytes_free(&attempt->host);
		hl_bytes_free(&attempt->path);
		hl_bytes_wipe(&attempt->head);
		hl_bytes_free(&attempt->code);
		hl_bytes_free(&attempt->message);
		hl_bytes_free(&attempt->network);
		hl_bytes_free(&attempt->expression);
		for (int wanted = 0; wanted < HL_HTTP_WANTED; wanted++)
			hl_bytes_free(&attempt->wanted[wanted]);
		hl_json_free(&attempt->document);
		if (set->calls[i].stream != NULL)
			hl_events_free(&attempt->events);
		hl_bytes_free(&set->calls[i].reply.body);
	}
}

HlCall *
hl_engine_calls(int count)
{
	CallSet *set = hl_owned_create(sizeof(CallSet), free_calls);

	set->calls = palloc0(sizeof(HlCall) * count);
	set->attempts = palloc0(sizeof(HlAttempt) * count);
	for (int i = 0; i < count; i++)
	{
		set->calls[i].attempt = &set->attempts[i];
		set->calls[i].protocol = &hl_awsjson;
		set->attempts[i].head.secret = true;
		set->attempts[i].memory = CurrentMemoryContext;
	}
	set->count = count;
	return set->calls;
}

void
hl_engine_limit(HlCall *call, const HlProviderRequest *request,
				const HlLimits *limits)
{
	HlLimits *own = palloc(sizeof(HlLimits));

	*own = *limits;
	own->max_in_flight = 0;
	if (request->direct)
		own->proxy = NULL;
	if (request->timeout_ms > 0)
		own->connect_timeout_ms = own->request_timeout_ms = request->timeout_ms;
	if (request->max_attempts > 0)
		own->max_attempts = Min(request->max_attempts, limits->max_attempts);
	call->limits = own;
}

HlCall *
hl_engine_request(const HlProviderRequest *request, const HlLimits *limits)
{
	HlCall *call = hl_engine_calls(1);

	call->protocol = request->form ? &hl_query : &hl_fetch;
	call->method = request->method;
	call->target = &request->target;
	call->headers = request->headers;
	call->nheaders = request->nheaders;
	call->body = request->body;
	call->body_len = request->body_len;
	call->region = request->region;
	call->service = "sts";
	call->secret = request->secret;
	call->keys = request->keys;
	call->repeatable = true;
	hl_engine_limit(call, request, limits);
	return call;
}

/* ------------------------------------------------------------------- loop */

/*
 * Keeps the fields of a reply valid while its call is in flight, since an
 * interrupt may read them.
 */
static void
note_sent(HlCall *call)
{
	if (!hl_http_sent(call->attempt->transfer))
		return;
	call->reply.sent = true;
	call->reply.may_have_run = call->changes;
}

/* Advances a call until it waits, is ready to be sent, or is done. */
static void
advance(HlCall *call, int64 now)
{
	HlAttempt *attempt = call->attempt;
	HlHttpReply *reply;

	if (attempt->stage == HL_STAGE_IN_FLIGHT)
	{
		if (call->stream != NULL)
			hl_attempt_read(call, now);
		reply = hl_http_reply(attempt->transfer);
		if (reply != NULL)
			hl_attempt_end(call, reply);
	}
	if (attempt->stage == HL_STAGE_NEEDS_KEYS && attempt->waiting == NULL)
		hl_key_wait_join(call);
	if (attempt->stage == HL_STAGE_NEEDS_KEYS)
		hl_key_wait_take(call);
	if (attempt->stage == HL_STAGE_RESTING && attempt->due_at <= now)
		attempt->stage = HL_STAGE_READY;
}

/*
 * Sends a call that has a place among those in flight, or holds it if its
 * caller wants that.
 */
static void
start(HlCall *call)
{
	HlAttempt *attempt = call->attempt;

	if (attempt->stage == HL_STAGE_READY)
		attempt->stage = call->held ? HL_STAGE_HELD : HL_STAGE_DUE;
	if (attempt->stage == HL_STAGE_HELD && !call->held)
		attempt->stage = HL_STAGE_DUE;
	if (attempt->stage == HL_STAGE_DUE)
		hl_attempt_start(call);
}

/* Whether a call occupies one of the places that max_in_flight limits. */
static bool
has_place(const HlCall *call)
{
	return call->attempt->stage == HL_STAGE_HELD ||
		   call->attempt->stage == HL_STAGE_DUE ||
		   call->attempt->stage == HL_STAGE_IN_FLIGHT;
}

/*
 * Sends calls that are ready, in the order of the set, while there are places.
 * A call occupies a place from the moment when it can be held until its reply
 * has arrived. It has no place while it waits for keys or for a retry, which
 * may take twenty seconds in which others can be sent; then it waits for a
 * place like new calls.
 */
static void
start_ready(HlCall *const *calls, int count)
{
	int places = 0;

	for (int i = 0; i < count; i++)
		places += has_place(calls[i]);
	for (int i = 0; i < count; i++)
	{
		HlCall *call = calls[i];
		int most = call->limits != NULL ? call->limits->max_in_flight : 0;

		if (call->attempt->stage == HL_STAGE_READY && most > 0 &&
			places >= most)
			continue;
		places -= has_place(call);
		start(call);
		places += has_place(call);
	}
}

/*
 * Shortens a wait to the time of a call's next attempt or timeout. If the call
 * has ended meanwhile, there is no wait.
 */
static void
look_at_rest(const HlCall *call, int64 now, long *timeout_ms)
{
	const HlAttempt *attempt = call->attempt;
	int64 us = attempt->due_at - now;
	long ms = us <= 0 ? 0 : (long) ((us + 999) / 1000);
	bool due = attempt->stage == HL_STAGE_RESTING ||
			   (attempt->stage == HL_STAGE_IN_FLIGHT && call->stream != NULL);

	if (attempt->stage == HL_STAGE_IN_FLIGHT &&
		hl_http_reply(attempt->transfer) != NULL)
		*timeout_ms = 0;
	else if (due && (*timeout_ms < 0 || ms < *timeout_ms))
		*timeout_ms = ms;
}

/* Begins the call of a provider's request. */
static void
begin_request(HlCall *call)
{
	if (call->attempt->stage == HL_STAGE_NEW)
		hl_attempt_prepare(call);
}

/*
 * Advances all calls, and the requests of providers for which some of them
 * wait. Returns whether some call is not done, and how long the engine may wait
 * (-1: as long as libcurl allows).
 */
static bool
advance_all(HlCall *const *calls, int count, long *timeout_ms)
{
	int64 now = hl_clock_steady();
	bool left = false;

	do
	{
		for (int i = 0; i < count; i++)
			advance(calls[i], now);
		for (HlKeyWait *wait = hl_key_waits; wait != NULL; wait = wait->next)
			if (wait->request != NULL)
			{
				begin_request(wait->request);
				advance(wait->request, now);
				start(wait->request);
			}
	} while (hl_key_waits != NULL && hl_key_wait_settle());
	start_ready(calls, count);
	/* after all of them, since starting one may have advanced others */
	*timeout_ms = -1;
	for (int i = 0; i < count; i++)
	{
		if (calls[i]->attempt->stage == HL_STAGE_IN_FLIGHT)
			note_sent(calls[i]);
		look_at_rest(calls[i], now, timeout_ms);
		left |= calls[i]->attempt->stage != HL_STAGE_DONE;
	}
	for (HlKeyWait *wait = hl_key_waits; wait != NULL; wait = wait->next)
		if (wait->request != NULL)
			look_at_rest(wait->request, now, timeout_ms);
	return left;
}

static void
begin_new(HlCall *const *calls, int count)
{
	bool open = open_engine();

	/* nothing is sent for a statement that is already cancelled */
	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < count; i++)
	{
		if (calls[i]->attempt->stage != HL_STAGE_NEW)
			continue;
		hl_attempt_prepare(calls[i]);
		if (!open)
			hl_attempt_run_short(calls[i]);
	}
}

/* Whether a call of the set has ended or is held. */
static bool
some_ended(HlCall *const *calls, int count)
{
	for (int i = 0; i < count; i++)
		if (calls[i]->attempt->stage == HL_STAGE_DONE ||
			calls[i]->attempt->stage == HL_STAGE_HELD)
			return true;
	return false;
}

/* Whether the reply of a call of the set has arrived. */
static bool
some_replied(HlCall *const *calls, int count)
{
	for (int i = 0; i < count; i++)
		if (calls[i]->attempt->stage == HL_STAGE_IN_FLIGHT &&
			hl_http_reply(calls[i]->attempt->transfer) != NULL)
			return true;
	return false;
}

/* Waits until something ends, unless it did when it was started. */
static void
wait_once(HlCall *const *calls, int count, long timeout_ms)
{
	if (!some_replied(calls, count))
		hl_http_step(hl_engine.http, timeout_ms);
}

/* Abandons everything that is in flight. */
static void
abandon_all(HlCall *const *calls, int count)
{
	for (int i = 0; i < count; i++)
		hl_attempt_abandon(calls[i]->attempt);
}

/* Advances calls, waits once until something ends, and advances them again. */
static void
step(HlCall *const *calls, int count, long most_ms)
{
	long timeout_ms;

	if (!advance_all(calls, count, &timeout_ms) || some_ended(calls, count))
		return;
	if (most_ms >= 0 && (timeout_ms < 0 || timeout_ms > most_ms))
		timeout_ms = most_ms;
	wait_once(calls, count, timeout_ms);
	(void) advance_all(calls, count, &timeout_ms);
}

bool
hl_engine_step(HlCall *const *calls, int count, long most_ms)
{
	begin_new(calls, count);
	PG_TRY();
	{
		step(calls, count, most_ms);
	}
	PG_CATCH();
	{
		abandon_all(calls, count);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return some_ended(calls, count);
}

void
hl_engine_run(HlCall *calls, int count)
{
	HlCall **set = palloc(sizeof(HlCall *) * count);
	long timeout_ms;

	for (int i = 0; i < count; i++)
		set[i] = &calls[i];
	begin_new(set, count);
	PG_TRY();
	{
		while (advance_all(set, count, &timeout_ms))
			wait_once(set, count, timeout_ms);
	}
	PG_CATCH();
	{
		abandon_all(set, count);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pfree(set);
}

bool
hl_engine_get_keys(HlCall *call)
{
	call->held = true;
	while (!hl_engine_step(&call, 1, -1))
		;
	call->held = false;
	return call->attempt->stage == HL_STAGE_HELD;
}

bool
hl_engine_is_held(const HlCall *call)
{
	return call->attempt->stage == HL_STAGE_HELD;
}

bool
hl_engine_is_done(const HlCall *call)
{
	return call->attempt->stage == HL_STAGE_DONE;
}

void
hl_engine_go(HlCall *call)
{
	call->held = call->held_again;
	if (call->attempt->stage == HL_STAGE_HELD)
		call->attempt->stage = HL_STAGE_DUE;
}

bool
hl_engine_preview(HlCall *call, HlPreview *preview)
{
	if (call->attempt->stage == HL_STAGE_NEW)
		hl_attempt_prepare(call);
	if (call->attempt->stage == HL_STAGE_DONE || !hl_attempt_write(call))
		return false;
	preview->url = hl_bytes_string(&call->attempt->url);
	preview->head = &call->attempt->head;
	return true;
}
