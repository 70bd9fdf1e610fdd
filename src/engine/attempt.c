/*
 * attempt.c
 *	  One attempt of a call: writes, signs, sends and judges it.
 */
#include "postgres.h"

#include <sys/utsname.h>

#include <curl/curl.h>

#include "aws/protocol.h"
#include "engine/key_wait.h"
#include "engine/protocol.h"
#include "engine/skew.h"
#include "server/clock.h"
#include "server/random.h"
#include "server/settings.h"

#define VERSION "1.0.0"
#define API_VERSION "2017-07-01"
/* a head, the agent, three lines of a signature and two of an attempt */
#define MAX_LINES (HL_HEAD_HEADERS + 6)
#define HTTP_BAD_REQUEST 400

/*
 * Shorter texts are not masked: they are not tokens of AWS, and may occur in
 * any text.
 */
#define SHORTEST_TOKEN 16

/* Microseconds between the last event of a stream and the end of its body. */
#define FAREWELL 1000000

/* The user agent, version 2.1; "" until it is needed. */
static char user_agent[256];

/* Composes the User-Agent. */
static const char *
name_agent(void)
{
	struct utsname system;

	if (user_agent[0] != '\0')
		return user_agent;
	if (uname(&system) != 0)
		strcpy(system.release, "unknown");
	for (char *c = system.release; *c != '\0'; c++)
		if (!isalnum((unsigned char) *c) &&
			strchr("!$%&'*+-.^_`|~", *c) == NULL)
			*c = '-';
	snprintf(user_agent, sizeof(user_agent),
			 "healthlake-pg/" VERSION " ua/2.1 os/linux#%.64s lang/c "
			 "md/postgresql#%d.%d md/libcurl#%.32s "
			 "api/healthlake#" API_VERSION " m/E cfg/retry-mode#standard",
			 system.release, PG_VERSION_NUM / 10000, PG_VERSION_NUM % 10000,
			 curl_version_info(CURLVERSION_NOW)->version);
	return user_agent;
}

void
hl_attempt_abandon(HlAttempt *attempt)
{
	if (attempt->transfer != NULL)
		hl_http_release(attempt->transfer);
	attempt->transfer = NULL;
	hl_key_wait_leave(attempt);
}

void
hl_attempt_finish(HlCall *call, HlOutcome outcome)
{
	HlReply *reply = &call->reply;
	bool invalid = outcome == HL_OUTCOME_REFUSED && reply->code != NULL &&
				   (call->whole || !reply->rest) &&
				   (strcmp(reply->code, "ValidationException") == 0 ||
					(reply->diagnosed && reply->http_status == 400));

	/*
	 * A request that is invalid now was invalid in earlier attempts. That does
	 * not hold for a patch or a bundle, which an earlier attempt that was
	 * carried out may have made invalid.
	 */
	reply->may_have_run = call->changes && call->attempt->unsettled &&
						  outcome != HL_OUTCOME_SUCCESS && !invalid;
	reply->outcome = outcome;
	call->attempt->stage = HL_STAGE_DONE;
}

HlOutcome
hl_attempt_tell(HlCall *call, HlOutcome outcome, const char *text)
{
	HlBytes *network = &call->attempt->network;

	hl_bytes_reset(network);
	hl_bytes_append_string(network, text);
	/* if there is no memory for the text */
	call->reply.network = network->failed ? (char *) "out of memory"
										  : (char *) hl_bytes_string(network);
	return outcome;
}

HlOutcome
hl_attempt_read_object(HlCall *call, const HlHttpReply *http, const char *text,
					   size_t len)
{
	HlJsonDocument *document = &call->attempt->document;

	if (hl_json_read(document, text, len) &&
		hl_json_kind(document->root) == HL_JSON_OBJECT)
	{
		call->reply.document = document->root;
		return HL_OUTCOME_SUCCESS;
	}
	if (document->fault == HL_JSON_NO_MEMORY)
		return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
	if (!http->framed)
	{
		call->attempt->transport = HL_TRANSPORT_LOST;
		return hl_attempt_tell(call, HL_OUTCOME_LOST, "the reply was cut off");
	}
	return HL_OUTCOME_MALFORMED;
}

void
hl_attempt_give_up(HlCall *call, const char *why)
{
	hl_attempt_finish(call, hl_attempt_tell(call, HL_OUTCOME_UNSIGNED, why));
}

void
hl_attempt_run_short(HlCall *call)
{
	hl_attempt_finish(
		call, hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory"));
}

bool
hl_attempt_is_signed(const HlCall *call)
{
	return call->credentials != NULL || call->keys != NULL;
}

/* The keys that sign the call. */
static const HlSigv4Credentials *
keys_of(const HlCall *call)
{
	return call->credentials != NULL ? &call->credentials->keys : call->keys;
}

/* ------------------------------------------------------------------ write */

void
hl_attempt_prepare(HlCall *call)
{
	HlAttempt *attempt = call->attempt;
	const HlTarget *target = call->target;
	HlBytes *path = &attempt->path;
	unsigned char random[HL_UUID_BYTES];

	hl_bytes_reset(&attempt->host);
	hl_bytes_reset(&attempt->url);
	hl_bytes_reset(path);
	hl_bytes_append_string(&attempt->host,
						   call->host_prefix ? call->host_prefix : "");
	hl_bytes_append_string(&attempt->host, target->authority);
	hl_bytes_append_string(path, target->path);
	hl_bytes_append_string(path, call->path ? call->path : "");
	hl_bytes_append_string(&attempt->url,
						   target->plain ? "http://" : "https://");
	hl_bytes_append(&attempt->url, attempt->host.data, attempt->host.len);
	hl_bytes_append(&attempt->url, path->data, path->len);
	if (call->query != NULL)
	{
		hl_bytes_append_char(&attempt->url, '?');
		hl_bytes_append_string(&attempt->url, call->query);
	}
	attempt->stage = HL_STAGE_NEEDS_KEYS;
	if (attempt->host.failed || attempt->url.failed || path->failed)
		hl_attempt_run_short(call);
	else if (!hl_random_bytes(random, sizeof(random)))
		hl_attempt_give_up(call, "no random numbers");
	else
		hl_uuid_write(random, attempt->invocation_id);
}

void
hl_head_add(HlHead *head, const char *name, const char *value)
{
	if (head->count == HL_HEAD_HEADERS)
		head->crowded = true;
	else
		head->headers[head->count++] = (HlHeader){name, value};
}

/* Checks a head; the signer checks that of a signed call itself. */
static HlSigv4Outcome
check_head(const HlHead *head)
{
	for (int i = 0; i < head->count; i++)
		if (!hl_sigv4_is_header(&head->headers[i]))
			return HL_SIGV4_BAD_HEADER;
	return HL_SIGV4_OK;
}

/* Signs the attempt. */
static HlSigv4Outcome
sign(HlCall *call, const HlHead *head)
{
	static uint64 settings = 0;
	HlAttempt *attempt = call->attempt;
	const char *host = hl_bytes_string(&attempt->host);
	const HlSigv4Credentials *keys = keys_of(call);
	HlSigv4Request request = {.method =
								  call->method != NULL ? call->method : "POST",
							  .path = hl_bytes_string(&attempt->path),
							  .query = call->query,
							  .headers = head->headers,
							  .nheaders = head->count,
							  .body = call->body,
							  .body_len = call->body_len};
	HlSigv4Scope scope = {.region = call->region, .service = call->service};
	int64 now = hl_clock_unix();

	/* wipe a key that was derived with other settings */
	if (settings != hl_settings_generation)
		hl_engine_forget_keys();
	settings = hl_settings_generation;
	strlcpy(attempt->key_id, keys->access_key_id, sizeof(attempt->key_id));
	attempt->offset = hl_clock_usable(now, hl_skew_of(host));
	scope.timestamp = (now + attempt->offset) / USECS_PER_SEC;
	return hl_sigv4_sign(&hl_engine.keys, &request, keys, &scope,
						 &hl_engine.signature);
}

/* Adds one header line, terminated by a zero byte. */
static void
add_line(HlBytes *lines, const char *name, const char *value)
{
	hl_bytes_append_string(lines, name);
	hl_bytes_append_string(lines, ": ");
	hl_bytes_append_string(lines, value);
	hl_bytes_append_char(lines, '\0');
}

/* Adds the header lines of a signature. */
static void
add_signature(HlBytes *lines, const HlSigv4Credentials *keys)
{
	const char *token = keys->session_token;

	add_line(lines, "X-Amz-Date", hl_engine.signature.amz_date);
	if (token != NULL && token[0] != '\0')
		add_line(lines, "X-Amz-Security-Token", token);
	add_line(lines, "Authorization",
			 hl_bytes_string(&hl_engine.signature.authorization));
}

/* Adds the header lines with which AWS correlates the attempts of a call. */
static void
add_attempt(HlCall *call, HlBytes *lines)
{
	char counted[40];

	add_line(lines, "amz-sdk-invocation-id", call->attempt->invocation_id);
	snprintf(counted, sizeof(counted), "attempt=%d; max=%d",
			 call->reply.attempts + 1, call->limits->max_attempts);
	add_line(lines, "amz-sdk-request", counted);
}

/* Writes the header lines in the order in which they are sent. */
static void
write_lines(HlCall *call, const HlHead *head)
{
	HlBytes *lines = &call->attempt->head;

	hl_bytes_reset(lines);
	for (int i = 0; i < head->count; i++)
		add_line(lines, head->headers[i].name, head->headers[i].value);
	add_line(lines, "User-Agent", name_agent());
	if (hl_attempt_is_signed(call))
		add_signature(lines, keys_of(call));
	if (call->protocol->counts)
		add_attempt(call, lines);
}

/* Ends a call whose request cannot be signed, or must not be sent. */
static void
refuse_to_sign(HlCall *call, HlSigv4Outcome outcome)
{
	if (outcome == HL_SIGV4_NO_MEMORY)
		hl_attempt_run_short(call);
	else
		hl_attempt_give_up(call, hl_sigv4_reason(outcome));
}

bool
hl_attempt_write(HlCall *call)
{
	HlHead head = {.count = 0};
	HlSigv4Outcome outcome;

	hl_head_add(&head, "Host", hl_bytes_string(&call->attempt->host));
	call->protocol->write(call, &head);
	for (int i = 0; i < call->nheaders; i++)
		hl_head_add(&head, call->headers[i].name, call->headers[i].value);
	if (head.crowded)
		outcome = HL_SIGV4_TOO_MANY;
	else if (hl_attempt_is_signed(call))
		outcome = sign(call, &head);
	else
		outcome = check_head(&head);
	if (outcome != HL_SIGV4_OK)
	{
		refuse_to_sign(call, outcome);
		return false;
	}
	write_lines(call, &head);
	if (!call->attempt->head.failed)
		return true;
	hl_attempt_run_short(call);
	return false;
}

/* ------------------------------------------------------------------- send */

/*
 * Whether libcurl must not repeat the request by itself, as it does on a kept
 * connection that dies.
 */
static bool
needs_own_connection(const HlCall *call)
{
	return !call->repeatable || (call->changes && !hl_http_tells_resends());
}

/* Passes the attempt to libcurl. */
static bool
send_attempt(HlCall *call)
{
	HlAttempt *attempt = call->attempt;
	const HlLimits *limits = call->limits;
	const char *lines[MAX_LINES];
	const char *line = hl_bytes_string(&attempt->head);
	HlHttpRequest request = {
		.url = hl_bytes_string(&attempt->url),
		.method = call->method,
		.headers = lines,
		.body = call->body,
		.body_len = call->body_len,
		.wanted = call->wanted,
		.nwanted = call->nwanted,
		.ca_bundle = limits->ca_bundle,
		.proxy = limits->proxy,
		.connect_timeout_ms = limits->connect_timeout_ms,
		.timeout_ms = call->stream == NULL ? limits->request_timeout_ms : 0,
		.max_body = limits->max_response_size,
		.plain = call->target->plain,
		.link_local = call->target->link_local,
		.secret = call->protocol->secret,
		.fresh = needs_own_connection(call)};

	while (line < attempt->head.data + attempt->head.len)
	{
		if (request.nheaders == MAX_LINES)
			return false;
		lines[request.nheaders++] = line;
		line += strlen(line) + 1;
	}
	attempt->transfer = hl_http_start(hl_engine.http, &request);
	return attempt->transfer != NULL;
}

/* The time by which the next event of a stream must arrive. */
static int64
patience_from(const HlCall *call, int64 now)
{
	return now + (int64) call->limits->request_timeout_ms * 1000;
}

void
hl_attempt_start(HlCall *call)
{
	if (!hl_attempt_write(call))
		return;
	if (call->stream != NULL)
	{
		hl_events_begin(&call->attempt->events);
		call->attempt->due_at = patience_from(call, hl_clock_steady());
	}
	if (!send_attempt(call))
	{
		hl_attempt_run_short(call);
		return;
	}
	call->reply.attempts++;
	call->attempt->stage = HL_STAGE_IN_FLIGHT;
}

/*
 * Reads new events. After the last one only the end of the body is awaited, for
 * a short time, so that the connection can be kept. After a fault nothing is
 * awaited.
 */
static void
read_events(HlCall *call, int64 now)
{
	HlAttempt *attempt = call->attempt;
	const HlBytes *body = hl_http_body(attempt->transfer);

	if (body != NULL && hl_events_read(call, body))
		attempt->due_at =
			attempt->events.ended ? now + FAREWELL : patience_from(call, now);
	if (hl_events_are_over(call) && !attempt->events.ended)
		attempt->due_at = now;
}

void
hl_attempt_read(HlCall *call, int64 now)
{
	HlAttempt *attempt = call->attempt;
	char why[64];

	read_events(call, now);
	if (attempt->due_at <= now && !hl_events_are_over(call))
	{
		/* the backend may have been away: what has arrived is not late */
		hl_http_catch_up(hl_engine.http);
		read_events(call, now);
	}
	if (attempt->due_at > now)
		return;
	snprintf(why, sizeof(why), "no event for %d ms",
			 call->limits->request_timeout_ms);
	hl_http_stop(attempt->transfer, HL_TRANSPORT_TIMEOUT, why);
}

/* ------------------------------------------------------------------ judge */

/* The outcome of an attempt that ended below HTTP. */
static HlOutcome
judge_transport(HlCall *call, const HlHttpReply *http)
{
	if (http->transport == HL_TRANSPORT_MEMORY)
		return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
	if (!http->sent)
		return hl_attempt_tell(call, HL_OUTCOME_NOT_SENT, http->error);
	switch (http->transport)
	{
		case HL_TRANSPORT_TIMEOUT:
			return hl_attempt_tell(call, HL_OUTCOME_TIMED_OUT, http->error);
		case HL_TRANSPORT_NOT_HTTP:
		case HL_TRANSPORT_TOO_LARGE:
			return hl_attempt_tell(call, HL_OUTCOME_MALFORMED, http->error);
		default:
			return hl_attempt_tell(call, HL_OUTCOME_LOST, http->error);
	}
}

/* Replaces a secret by asterisks. */
static void
hide_secret(HlBytes *said, const char *secret)
{
	size_t len = secret == NULL ? 0 : strlen(secret);
	char *rest = said->data;
	char *end = said->data + said->len;

	if (len < SHORTEST_TOKEN || rest == NULL)
		return;
	while ((rest = memmem(rest, end - rest, secret, len)) != NULL)
	{
		memset(rest, '*', len);
		rest += len;
	}
}

void
hl_attempt_hide(const HlCall *call, HlBytes *said)
{
	if (hl_attempt_is_signed(call))
		hide_secret(said, keys_of(call)->session_token);
	hide_secret(said, call->secret);
}

bool
hl_attempt_read_error(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	const HlBytes *body = &call->reply.body;
	HlErrorReply error = {.http_status = http->status,
						  .reason_phrase = NULL,
						  .error_type = http->error_type,
						  .body = hl_bytes_string(body),
						  .len = body->len};
	bool coded =
		hl_protocol_read_error(&error, &attempt->code, &attempt->message);

	hl_attempt_hide(call, &attempt->message);
	return coded;
}

/*
 * Compares the clocks: the server's Date belongs to the middle of the attempt.
 */
static void
compare_clocks(HlReply *reply, const HlHttpReply *http)
{
	int64_t server;
	int64 since = hl_clock_unix() - hl_clock_steady();
	int64 here = (http->sent_at + http->received_at) / 2 + since;

	reply->dated = http->age[0] == '\0' && hl_http_date(http->date, &server);
	if (reply->dated)
		reply->clock_skew = (int) (server - here / USECS_PER_SEC);
}

/* Copies the reply headers that the caller asked for. */
static void
take_wanted(HlCall *call, HlHttpReply *http)
{
	for (int i = 0; i < call->nwanted; i++)
	{
		HlBytes *kept = &call->attempt->wanted[i];

		*kept = http->wanted[i];
		http->wanted[i] = (HlBytes){0};
		call->reply.headers[i] = kept->data;
	}
}

/* Fills in the reply's fields and the outcome of an attempt. */
static HlOutcome
judge(HlCall *call, HlHttpReply *http)
{
	HlReply *reply = &call->reply;
	bool success;
	char text[64];

	reply->body = http->body;
	http->body = (HlBytes){0};
	take_wanted(call, http);
	reply->http_status = http->status;
	reply->too_large = http->transport == HL_TRANSPORT_TOO_LARGE;
	call->attempt->transport = http->transport;
	compare_clocks(reply, http);
	if (http->request_id[0] != '\0')
	{
		strlcpy(call->attempt->request_id, http->request_id,
				sizeof(call->attempt->request_id));
		reply->request_id = call->attempt->request_id;
	}
	success = http->status >= 200 && http->status < 300;
	if (success && call->stream != NULL)
		(void) hl_events_read(call, &reply->body);
	if (http->transport != HL_TRANSPORT_OK && !hl_events_are_over(call))
		return judge_transport(call, http);
	if (success)
		return call->protocol->judge(call, http);
	if (http->status >= 400 && http->status < 600)
		return call->protocol->explain(call, http);
	snprintf(text, sizeof(text), "unexpected HTTP status %d", http->status);
	return hl_attempt_tell(call, HL_OUTCOME_MALFORMED, text);
}

/* Clears the results of the previous attempt. */
static void
forget_attempt(HlCall *call)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;

	hl_bytes_free(&reply->body);
	hl_json_free(&attempt->document);
	attempt->document = (HlJsonDocument){0};
	hl_bytes_reset(&attempt->code);
	hl_bytes_reset(&attempt->message);
	hl_bytes_reset(&attempt->expression);
	for (int i = 0; i < HL_HTTP_WANTED; i++)
		hl_bytes_free(&attempt->wanted[i]);
	memset(reply->headers, 0, sizeof(reply->headers));
	reply->expression = NULL;
	reply->diagnosed = false;
	reply->document = NULL;
	reply->code = reply->message = reply->request_id = reply->network = NULL;
	reply->http_status = 0;
	reply->throttled = reply->passing = false;
}

/*
 * Corrects the clock if AWS refused the request because of it; returns whether
 * it did.
 */
static bool
clock_was_wrong(HlCall *call, const HlHttpReply *http)
{
	/* wall clock time at that moment, computed from the steady clock */
	int64 since = hl_clock_unix() - hl_clock_steady();
	HlClockReading reading = {.code = call->reply.code,
							  .date = http->date,
							  .age = http->age,
							  .sent_at = http->sent_at + since,
							  .received_at = http->received_at + since,
							  .offset = call->attempt->offset};
	int64_t offset;

	if (!hl_clock_skewed(&reading, &offset))
		return false;
	hl_skew_correct(hl_bytes_string(&call->attempt->host), offset);
	return true;
}

/* Whether the result of this attempt permits another one. */
static HlVerdict
judge_retry(HlCall *call, HlOutcome outcome, const HlHttpReply *http)
{
	bool streamed = call->attempt->events.failure != HL_OUTCOME_NONE;
	HlVerdict verdict = hl_retry_judge(
		call->attempt->transport,
		/* an error within a stream has no status of its own */
		streamed ? HTTP_BAD_REQUEST : http->status, call->reply.code);

	if (outcome == HL_OUTCOME_SUCCESS)
		return HL_VERDICT_SUCCESS;
	if (verdict == HL_VERDICT_SUCCESS)
		return HL_VERDICT_TERMINAL;
	if (outcome == HL_OUTCOME_REFUSED && verdict == HL_VERDICT_TERMINAL &&
		clock_was_wrong(call, http))
		return HL_VERDICT_TRANSIENT;
	return verdict;
}

/*
 * Whether a call may be repeated, by the number of attempts, the operation and
 * the retry quota.
 */
static bool
may_repeat(HlCall *call, HlVerdict verdict, bool unsettled)
{
	if (verdict != HL_VERDICT_TRANSIENT && verdict != HL_VERDICT_THROTTLING)
		return false;
	if (call->reply.attempts >= call->limits->max_attempts)
		return false;
	/* the server has begun to process it */
	if (call->attempt->events.messages > 0)
		return false;
	if (unsettled && !call->repeatable)
		return false;
	call->attempt->cost = hl_quota_take(&hl_engine.quota, verdict);
	return call->attempt->cost > 0;
}

/* Schedules the next attempt. */
static void
rest(HlCall *call, HlVerdict verdict, const HlHttpReply *http)
{
	int64 hint = hl_retry_hint(http->amz_retry_after, http->retry_after,
							   hl_clock_unix() / USECS_PER_SEC);
	int64 delay = hl_retry_delay(verdict, call->reply.attempts,
								 hl_random_fraction(), hint);

	call->attempt->due_at = hl_clock_steady() + delay * 1000;
	call->attempt->stage = HL_STAGE_RESTING;
}

/* Whether AWS reports that the credentials have expired. */
static bool
has_expired(const HlReply *reply)
{
	return reply->code != NULL &&
		   (strcmp(reply->code, "ExpiredToken") == 0 ||
			strcmp(reply->code, "InvalidToken") == 0 ||
			strcmp(reply->code, "ExpiredTokenException") == 0);
}

/*
 * Renews the credentials of a call that was refused because they have expired.
 * This is done once, and the attempt is not counted, since it had no effect.
 */
static bool
renew(HlCall *call, HlOutcome outcome)
{
	HlAttempt *attempt = call->attempt;

	if (outcome != HL_OUTCOME_REFUSED || !has_expired(&call->reply) ||
		call->credentials == NULL || attempt->renewed ||
		attempt->events.messages > 0)
		return false;
	attempt->renewed = true;
	hl_key_wait_renew(call);
	return true;
}

void
hl_attempt_end(HlCall *call, HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlOutcome outcome;
	HlVerdict verdict;
	bool unsettled;

	forget_attempt(call);
	outcome = judge(call, http);
	verdict = judge_retry(call, outcome, http);
	unsettled = http->sent && outcome != HL_OUTCOME_SUCCESS &&
				outcome != HL_OUTCOME_REFUSED;
	attempt->unsettled |= unsettled || http->resent;
	call->reply.sent |= http->sent;
	call->reply.may_have_run = call->changes && attempt->unsettled;
	call->reply.throttled = verdict == HL_VERDICT_THROTTLING;
	call->reply.passing =
		call->reply.throttled || verdict == HL_VERDICT_TRANSIENT;
	call->reply.throttles += call->reply.throttled;
	if (verdict == HL_VERDICT_SUCCESS)
		hl_quota_give(&hl_engine.quota, attempt->cost);
	if (may_repeat(call, verdict, unsettled))
		rest(call, verdict, http);
	else if (!renew(call, outcome))
		hl_attempt_finish(call, outcome);
	hl_http_release(attempt->transfer);
	attempt->transfer = NULL;
}
