/*
 * client.c
 *	  The engine that drives calls to their ends.
 *
 * A call is due, in flight, resting between two attempts, or done. One loop
 * starts what is due, waits once for everything, and judges what has ended.
 * Only the wait throws; hl_client_run() then gives up what is in flight, and
 * all else that was allocated by malloc() hangs on the calls, whose memory
 * context frees it.
 */
#include "postgres.h"

#include "client/client.h"

#include <curl/curl.h>
#include <sys/utsname.h>
#include <time.h>

#include "aws/http.h"
#include "aws/protocol.h"
#include "aws/retry.h"
#include "aws/sts.h"
#include "aws/uuid.h"
#include "client/wait.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#define VERSION "1.0.0"
#define API_VERSION "2017-07-01"
#define MAX_LINES 12
#define MAX_CLOCKS 4
#define MAX_CONCURRENT 64

/* What is shorter is no token of AWS's, and may stand in any text. */
#define SHORTEST_TOKEN 16

/* PostgreSQL's time begins thirty years after Unix's. */
#define EPOCH_SHIFT                                                            \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

typedef enum Stage
{
	STAGE_NEW,
	STAGE_DUE,
	STAGE_IN_FLIGHT,
	STAGE_RESTING,
	STAGE_DONE
} Stage;

/* What a call's attempts need, and what the last one brought. */
typedef struct HlAttempt
{
	Stage stage;
	int64 due_at;     /* by the steady clock, when it rests */
	bool unsettled;   /* some attempt was sent, and nobody knows its end */
	bool renewed;     /* its credentials were, and that once */
	int cost;         /* of the last repetition, from the quota */
	char key_id[129]; /* it was signed with */
	int64 offset;     /* of the clock, when it was signed */
	HlTransport transport;
	HlHttpTransfer *transfer; /* NULL: not in flight */
	char invocation_id[HL_UUID_SIZE];
	char request_id[128];
	HlBytes url;
	HlBytes host;
	HlBytes head; /* the header lines, each ended by a zero */
	HlBytes code;
	HlBytes message;
	HlBytes network;
	HlJsonDocument document;
} HlAttempt;

/* The calls of one memory context, and what frees what hangs on them. */
typedef struct CallSet
{
	int count;
	HlAttempt *attempts;
	HlCall *calls;
	MemoryContextCallback callback;
} CallSet;

/* How wrong this machine's clock is, as a server sees it. */
typedef struct ServerClock
{
	char authority[256];
	int64 offset; /* microseconds to add */
} ServerClock;

/* What a backend keeps from call to call. */
static struct
{
	HlHttp *http;
	HlQuota quota;
	HlSigv4Keys keys;
	HlSigv4Signed signature;
	ServerClock clocks[MAX_CLOCKS];
	int next_clock;
	char user_agent[256];
	unsigned char random[512];
	size_t random_left; /* of its bytes, those that nobody has had */
} engine;

/* Microseconds of a clock that is never set back. */
static int64_t
steady_now(void *context)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * USECS_PER_SEC + now.tv_nsec / 1000;
}

/* Microseconds since 1970, by this machine's clock. */
static int64
wall_now(void)
{
	return GetCurrentTimestamp() + EPOCH_SHIFT;
}

/* Random bytes, from a stock: nothing that must stay secret. */
static bool
take_random(void *bytes, size_t len)
{
	if (engine.random_left < len)
	{
		if (!pg_strong_random(engine.random, sizeof(engine.random)))
			return false;
		engine.random_left = sizeof(engine.random);
	}
	engine.random_left -= len;
	memcpy(bytes, engine.random + engine.random_left, len);
	return true;
}

/* A random number from 0 to 1; without randomness the longest wait. */
static double
jitter(void)
{
	uint32 number;

	if (!take_random(&number, sizeof(number)))
		return 1;
	return number / (double) PG_UINT32_MAX;
}

/* Writes a random UUID. */
static bool
make_uuid(char uuid[HL_UUID_SIZE])
{
	unsigned char random[HL_UUID_BYTES];

	if (!take_random(random, sizeof(random)))
		return false;
	hl_uuid_write(random, uuid);
	return true;
}

/* Composes what tells AWS who calls: its user agent, version 2.1. */
static void
make_user_agent(void)
{
	struct utsname system;

	if (uname(&system) != 0)
		strcpy(system.release, "unknown");
	for (char *c = system.release; *c != '\0'; c++)
		if (!isalnum((unsigned char) *c) &&
			strchr("!$%&'*+-.^_`|~", *c) == NULL)
			*c = '-';
	snprintf(engine.user_agent, sizeof(engine.user_agent),
			 "healthlake-pg/" VERSION " ua/2.1 os/linux#%.64s lang/c "
			 "md/postgresql#%d.%d md/libcurl#%.32s "
			 "api/healthlake#" API_VERSION " m/E cfg/retry-mode#standard",
			 system.release, PG_VERSION_NUM / 10000, PG_VERSION_NUM % 10000,
			 curl_version_info(CURLVERSION_NOW)->version);
}

/* Wipes the signing key that the backend keeps. */
void
hl_client_forget_keys(void)
{
	hl_sigv4_wipe_keys(&engine.keys);
	hl_sigv4_wipe_signed(&engine.signature);
}

/* Forgets what the session's last client has sent. */
void
hl_client_forget(void)
{
	hl_client_forget_keys();
	hl_http_forget(engine.http);
}

/* At the end of the backend's life. */
static void
forget_at_exit(int code, Datum unused)
{
	hl_client_forget_keys();
}

/* Whether a hanging name lookup can be left behind. */
bool
hl_client_leaves_lookups(void)
{
	return hl_http_leaves_lookups();
}

/* Opens what the backend keeps, at its first call. */
static bool
open_engine(void)
{
	if (engine.http != NULL)
		return true;
	engine.http = hl_http_create(hl_wait_for, steady_now, NULL);
	if (engine.http == NULL)
		return false;
	ReserveExternalFD();
	engine.quota.tokens = HL_QUOTA_FULL;
	make_user_agent();
	on_proc_exit(forget_at_exit, (Datum) 0);
	return true;
}

/* The clock's correction for a server; 0 where none is known. */
static int64
clock_offset(const char *authority)
{
	for (int i = 0; i < MAX_CLOCKS; i++)
		if (strcmp(engine.clocks[i].authority, authority) == 0)
			return engine.clocks[i].offset;
	return 0;
}

/* Remembers a clock's correction, in place of the oldest. */
static void
correct_clock(const char *authority, int64 offset)
{
	ServerClock *clock = NULL;

	for (int i = 0; i < MAX_CLOCKS && clock == NULL; i++)
		if (strcmp(engine.clocks[i].authority, authority) == 0)
			clock = &engine.clocks[i];
	if (clock == NULL)
		clock = &engine.clocks[engine.next_clock++ % MAX_CLOCKS];
	strlcpy(clock->authority, authority, sizeof(clock->authority));
	clock->offset = offset;
}

/* Gives up what is in flight. */
static void
abandon(HlAttempt *attempt)
{
	if (attempt->transfer != NULL)
		hl_http_release(attempt->transfer);
	attempt->transfer = NULL;
}

/* Frees all that hangs on a set of calls: its memory context goes. */
static void
free_calls(void *argument)
{
	CallSet *set = argument;

	for (int i = 0; i < set->count; i++)
	{
		HlAttempt *attempt = &set->attempts[i];

		abandon(attempt);
		hl_bytes_free(&attempt->url);
		hl_bytes_free(&attempt->host);
		hl_bytes_wipe(&attempt->head);
		hl_bytes_free(&attempt->code);
		hl_bytes_free(&attempt->message);
		hl_bytes_free(&attempt->network);
		hl_json_free(&attempt->document);
		hl_bytes_free(&set->calls[i].reply.body);
	}
}

/* Zeroed calls in CurrentMemoryContext. */
HlCall *
hl_client_calls(int count)
{
	CallSet *set = palloc0(sizeof(CallSet));

	set->calls = palloc0(sizeof(HlCall) * count);
	set->attempts = palloc0(sizeof(HlAttempt) * count);
	for (int i = 0; i < count; i++)
	{
		set->calls[i].attempt = &set->attempts[i];
		set->attempts[i].head.secret = true;
	}
	set->count = count;
	set->callback.func = free_calls;
	set->callback.arg = set;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &set->callback);
	return set->calls;
}

/* Ends a call. */
static void
finish(HlCall *call, HlOutcome outcome)
{
	HlReply *reply = &call->reply;
	bool invalid = outcome == HL_OUTCOME_REFUSED && reply->code != NULL &&
				   strcmp(reply->code, "ValidationException") == 0;

	/* what is not valid now was not valid before */
	reply->may_have_run = call->changes && call->attempt->unsettled &&
						  outcome != HL_OUTCOME_SUCCESS && !invalid;
	reply->outcome = outcome;
	call->attempt->stage = STAGE_DONE;
}

/* Ends a call of which this attempt cannot be made. */
static void
give_up(HlCall *call, const char *why)
{
	hl_bytes_reset(&call->attempt->network);
	hl_bytes_append_string(&call->attempt->network, why);
	call->reply.network = (char *) hl_bytes_string(&call->attempt->network);
	finish(call, HL_OUTCOME_UNSIGNED);
}

/* Whether a call needs credentials. */
static bool
is_signed(const HlCall *call)
{
	return call->kind == HL_CALL_OPERATION || call->kind == HL_CALL_QUERY;
}

/* Signs the attempt that is about to be made. */
static HlSigv4Outcome
sign(HlCall *call)
{
	bool query = call->kind == HL_CALL_QUERY;
	HlHeader headers[] = {
		{"Content-Type",
		 query ? HL_STS_CONTENT_TYPE : HL_PROTOCOL_CONTENT_TYPE},
		{"Host", hl_bytes_string(&call->attempt->host)},
		{"X-Amz-Target", call->operation},
	};
	HlSigv4Request request = {.method = "POST",
							  .path = call->target->path,
							  .headers = headers,
							  .nheaders = lengthof(headers) - (query ? 1 : 0),
							  .body = call->body,
							  .body_len = call->body_len};
	HlSigv4Scope scope = {.region = call->region, .service = call->service};
	const HlSigv4Credentials *credentials = call->config->credentials;
	int64 now;

	if (!is_signed(call))
		return HL_SIGV4_OK;
	strlcpy(call->attempt->key_id, credentials->access_key_id,
			sizeof(call->attempt->key_id));
	now = wall_now();
	call->attempt->offset = hl_clock_usable(
		now, clock_offset(hl_bytes_string(&call->attempt->host)));
	scope.timestamp = (now + call->attempt->offset) / USECS_PER_SEC;
	return hl_sigv4_sign(&engine.keys, &request, credentials, &scope,
						 &engine.signature);
}

/* Adds one header line, ended by a zero. */
static void
add_line(HlBytes *head, const char *name, const char *value)
{
	hl_bytes_append_string(head, name);
	hl_bytes_append_string(head, ": ");
	hl_bytes_append_string(head, value);
	hl_bytes_append_char(head, '\0');
}

/* Adds the header lines of a signature. */
static void
add_signature(HlBytes *head, const HlSigv4Credentials *credentials)
{
	const char *token = credentials->session_token;

	add_line(head, "X-Amz-Date", engine.signature.amz_date);
	if (token != NULL && token[0] != '\0')
		add_line(head, "X-Amz-Security-Token", token);
	add_line(head, "Authorization",
			 hl_bytes_string(&engine.signature.authorization));
}

/* Adds the header lines by which AWS knows a call and its attempts. */
static void
add_attempt(HlCall *call)
{
	char counted[40];

	add_line(&call->attempt->head, "amz-sdk-invocation-id",
			 call->attempt->invocation_id);
	snprintf(counted, sizeof(counted), "attempt=%d; max=%d",
			 call->reply.attempts + 1, call->config->max_attempts);
	add_line(&call->attempt->head, "amz-sdk-request", counted);
}

/* Writes the head of the attempt. */
static void
write_head(HlCall *call)
{
	HlBytes *head = &call->attempt->head;

	hl_bytes_reset(head);
	add_line(head, "Host", hl_bytes_string(&call->attempt->host));
	if (call->kind == HL_CALL_OPERATION)
		add_line(head, "X-Amz-Target", call->operation);
	if (call->kind != HL_CALL_FETCH)
		add_line(head, "Content-Type",
				 call->kind == HL_CALL_OPERATION ? HL_PROTOCOL_CONTENT_TYPE
												 : HL_STS_CONTENT_TYPE);
	add_line(head, "User-Agent", engine.user_agent);
	for (int i = 0; i < call->nheaders; i++)
		add_line(head, call->headers[i].name, call->headers[i].value);
	if (is_signed(call))
		add_signature(head, call->config->credentials);
	if (call->kind != HL_CALL_FETCH)
		add_attempt(call);
}

/* Whether libcurl must not send it twice, which happens on kept connections. */
static bool
needs_own_connection(const HlCall *call)
{
	return !call->repeatable || (call->changes && !hl_http_tells_resends());
}

/* Hands the attempt to libcurl. */
static bool
send_attempt(HlCall *call)
{
	HlAttempt *attempt = call->attempt;
	const HlClientConfig *config = call->config;
	const char *lines[MAX_LINES];
	const char *line = hl_bytes_string(&attempt->head);
	HlHttpRequest request = {.url = hl_bytes_string(&attempt->url),
							 .method = call->method,
							 .headers = lines,
							 .body = call->body,
							 .body_len = call->body_len,
							 .ca_bundle = config->ca_bundle,
							 .proxy = config->proxy,
							 .connect_timeout_ms = config->connect_timeout_ms,
							 .timeout_ms = config->request_timeout_ms,
							 .max_body = config->max_response_size,
							 .plain = call->target->plain,
							 .link_local = call->target->link_local,
							 .secret = call->kind != HL_CALL_OPERATION,
							 .fresh = needs_own_connection(call)};

	while (line < attempt->head.data + attempt->head.len)
	{
		lines[request.nheaders++] = line;
		line += strlen(line) + 1;
	}
	attempt->transfer = hl_http_start(engine.http, &request);
	return attempt->transfer != NULL;
}

/* Makes the next attempt of a call. */
static void
start_attempt(HlCall *call)
{
	HlSigv4Outcome outcome = sign(call);

	if (outcome != HL_SIGV4_OK)
	{
		give_up(call, hl_sigv4_reason(outcome));
		return;
	}
	write_head(call);
	if (call->attempt->head.failed || !send_attempt(call))
	{
		give_up(call, "out of memory");
		return;
	}
	call->reply.attempts++;
	call->attempt->stage = STAGE_IN_FLIGHT;
}

/* Prepares what is the same at every attempt of a call. */
static void
prepare(HlCall *call)
{
	HlAttempt *attempt = call->attempt;
	const HlTarget *target = call->target;

	hl_bytes_reset(&attempt->host);
	hl_bytes_reset(&attempt->url);
	hl_bytes_append_string(&attempt->host,
						   call->host_prefix ? call->host_prefix : "");
	hl_bytes_append_string(&attempt->host, target->authority);
	hl_bytes_append_string(&attempt->url,
						   target->plain ? "http://" : "https://");
	hl_bytes_append(&attempt->url, attempt->host.data, attempt->host.len);
	hl_bytes_append_string(&attempt->url, target->path);
	attempt->stage = STAGE_DUE;
	if (attempt->host.failed || attempt->url.failed)
		give_up(call, "out of memory");
	else if (!make_uuid(attempt->invocation_id))
		give_up(call, "no random numbers");
	else if (is_signed(call) && call->config->credentials == NULL)
		give_up(call, "no credentials");
}

/* Shows what the next attempt would send. */
bool
hl_client_preview(HlCall *call, HlPreview *preview)
{
	HlSigv4Outcome outcome;

	if (engine.user_agent[0] == '\0')
		make_user_agent();
	prepare(call);
	if (call->attempt->stage == STAGE_DONE)
		return false;
	outcome = sign(call);
	if (outcome != HL_SIGV4_OK)
	{
		give_up(call, hl_sigv4_reason(outcome));
		return false;
	}
	write_head(call);
	preview->url = hl_bytes_string(&call->attempt->url);
	preview->head = &call->attempt->head;
	return true;
}

/* Puts words of our own beside a reply. */
static HlOutcome
told(HlCall *call, HlOutcome outcome, const char *text)
{
	HlBytes *network = &call->attempt->network;

	hl_bytes_reset(network);
	hl_bytes_append_string(network, text);
	call->reply.network = (char *) hl_bytes_string(network);
	return outcome;
}

/* What became of an attempt that ended below HTTP. */
static HlOutcome
judge_transport(HlCall *call, const HlHttpReply *http)
{
	if (!http->sent)
		return told(call, HL_OUTCOME_NOT_SENT, http->error);
	switch (http->transport)
	{
		case HL_TRANSPORT_TIMEOUT:
			return told(call, HL_OUTCOME_TIMED_OUT, http->error);
		case HL_TRANSPORT_NOT_HTTP:
		case HL_TRANSPORT_TOO_LARGE:
			return told(call, HL_OUTCOME_MALFORMED, http->error);
		default:
			return told(call, HL_OUTCOME_LOST, http->error);
	}
}

/* Tells whether a body is nothing but blanks, which stands for {}. */
static bool
is_blank(const HlBytes *body)
{
	for (size_t i = 0; i < body->len; i++)
		if (strchr(" \t\r\n", body->data[i]) == NULL || body->data[i] == '\0')
			return false;
	return true;
}

/* What became of an attempt whose status is a success. */
static HlOutcome
judge_success(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlJsonDocument *document = &attempt->document;
	bool blank = is_blank(&call->reply.body);
	char text[200];

	if (!(blank && !http->framed) &&
		hl_json_read(document, blank ? "{}" : call->reply.body.data,
					 blank ? 2 : call->reply.body.len) &&
		hl_json_kind(document->root) == HL_JSON_OBJECT)
	{
		call->reply.document = document->root;
		return HL_OUTCOME_SUCCESS;
	}
	if (!http->framed)
	{
		/* nothing said where the reply ends: it was cut */
		attempt->transport = HL_TRANSPORT_LOST;
		return told(call, HL_OUTCOME_LOST, "the reply was cut off");
	}
	if (document->root != NULL)
		return told(call, HL_OUTCOME_MALFORMED,
					"the reply is not a JSON object");
	snprintf(text, sizeof(text), "the reply is not JSON: %s, at byte %zu",
			 document->reason ? document->reason : "", document->offset);
	return told(call, HL_OUTCOME_MALFORMED, text);
}

/* Puts asterisks over a secret. */
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

/*
 * Hides the session token in what AWS says: to explain that a signature does
 * not match, it repeats the headers that it has received.
 */
static void
hide_token(const HlCall *call, HlBytes *said)
{
	if (call->config->credentials != NULL)
		hide_secret(said, call->config->credentials->session_token);
	hide_secret(said, call->secret);
}

/*
 * What became of an attempt to fetch that was answered with an error. Nobody
 * knows what is in such a reply, so nothing of it is told but STS's own words.
 */
static HlOutcome
judge_fetch_error(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;

	if (call->kind != HL_CALL_FETCH &&
		hl_sts_read_error(hl_bytes_string(&reply->body), reply->body.len,
						  &attempt->code, &attempt->message))
	{
		hide_token(call, &attempt->code);
		hide_token(call, &attempt->message);
		reply->code = (char *) hl_bytes_string(&attempt->code);
		reply->message = (char *) hl_bytes_string(&attempt->message);
	}
	if (http->status >= 500)
		return HL_OUTCOME_FAULT;
	if (reply->code != NULL || call->kind == HL_CALL_FETCH ||
		http->status == 429)
		return HL_OUTCOME_REFUSED;
	return told(call, HL_OUTCOME_MALFORMED,
				"the reply is an error, but none of STS's");
}

/* What became of an attempt that was answered with an error. */
static HlOutcome
judge_error(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;
	HlErrorReply error = {.http_status = http->status,
						  .reason_phrase = NULL,
						  .error_type = http->error_type,
						  .body = hl_bytes_string(&reply->body),
						  .len = reply->body.len};
	bool coded;

	hide_token(call, &reply->body);
	coded = hl_protocol_read_error(&error, &attempt->code, &attempt->message);
	hide_token(call, &attempt->message);
	reply->code = (char *) hl_bytes_string(&attempt->code);
	reply->message = (char *) hl_bytes_string(&attempt->message);
	if (hl_json_read(&attempt->document, error.body, error.len) &&
		hl_json_kind(attempt->document.root) == HL_JSON_OBJECT)
		reply->document = attempt->document.root;
	if (http->status >= 500)
		return HL_OUTCOME_FAULT;
	/* who says that it is too much has not carried it out, whoever it is */
	if (coded || reply->document != NULL || http->status == 429)
		return HL_OUTCOME_REFUSED;
	return told(call, HL_OUTCOME_MALFORMED,
				"the reply is an error, but none of AWS's");
}

/* Compares the clocks, at the middle of the attempt. */
static void
compare_clocks(HlReply *reply, const HlHttpReply *http)
{
	int64_t server;
	int64 since = wall_now() - steady_now(NULL);
	int64 here = (http->sent_at + http->received_at) / 2 + since;

	reply->dated = http->age[0] == '\0' && hl_http_date(http->date, &server);
	if (reply->dated)
		reply->clock_skew = (int) (server - here / USECS_PER_SEC);
}

/* What became of an attempt: the reply's fields, and the outcome. */
static HlOutcome
judge_attempt(HlCall *call, HlHttpReply *http)
{
	HlReply *reply = &call->reply;
	char text[64];

	reply->body = http->body;
	http->body = (HlBytes){0};
	reply->http_status = http->status;
	call->attempt->transport = http->transport;
	compare_clocks(reply, http);
	if (http->request_id[0] != '\0')
	{
		strlcpy(call->attempt->request_id, http->request_id,
				sizeof(call->attempt->request_id));
		reply->request_id = call->attempt->request_id;
	}
	if (http->transport != HL_TRANSPORT_OK)
		return judge_transport(call, http);
	if (http->status >= 200 && http->status < 300)
		return call->kind == HL_CALL_OPERATION ? judge_success(call, http)
											   : HL_OUTCOME_SUCCESS;
	if (http->status >= 400 && http->status < 600)
		return call->kind == HL_CALL_OPERATION ? judge_error(call, http)
											   : judge_fetch_error(call, http);
	snprintf(text, sizeof(text), "unexpected HTTP status %d", http->status);
	return told(call, HL_OUTCOME_MALFORMED, text);
}

/* Forgets what an earlier attempt brought. */
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
	reply->document = NULL;
	reply->code = reply->message = reply->request_id = reply->network = NULL;
	reply->http_status = 0;
	reply->throttled = false;
}

/* Corrects the clock where that was why AWS refused; true if it was. */
static bool
clock_was_wrong(HlCall *call, const HlHttpReply *http)
{
	/* what the wall showed then, by what the steady clock says since */
	int64 since = wall_now() - steady_now(NULL);
	HlClockReading reading = {.code = call->reply.code,
							  .date = http->date,
							  .age = http->age,
							  .sent_at = http->sent_at + since,
							  .received_at = http->received_at + since,
							  .offset = call->attempt->offset};
	int64_t offset;

	if (!hl_clock_skewed(&reading, &offset))
		return false;
	correct_clock(hl_bytes_string(&call->attempt->host), offset);
	return true;
}

/* Whether trying again is worth it, for this attempt's sake. */
static HlVerdict
judge_retry(HlCall *call, HlOutcome outcome, const HlHttpReply *http)
{
	HlVerdict verdict = hl_retry_judge(call->attempt->transport, http->status,
									   call->reply.code);

	if (outcome == HL_OUTCOME_SUCCESS)
		return HL_VERDICT_SUCCESS;
	if (verdict == HL_VERDICT_SUCCESS)
		return HL_VERDICT_TERMINAL;
	if (outcome == HL_OUTCOME_REFUSED && verdict == HL_VERDICT_TERMINAL &&
		clock_was_wrong(call, http))
		return HL_VERDICT_TRANSIENT;
	return verdict;
}

/* Whether a call may try again: attempts, what is at stake, and the quota. */
static bool
may_repeat(HlCall *call, HlVerdict verdict, bool unsettled)
{
	if (verdict != HL_VERDICT_TRANSIENT && verdict != HL_VERDICT_THROTTLING)
		return false;
	if (call->reply.attempts >= call->config->max_attempts)
		return false;
	if (unsettled && !call->repeatable)
		return false;
	call->attempt->cost = hl_quota_take(&engine.quota, verdict);
	return call->attempt->cost > 0;
}

/* Lets a call rest until its next attempt. */
static void
rest(HlCall *call, HlVerdict verdict, const HlHttpReply *http)
{
	int64 hint = hl_retry_hint(http->amz_retry_after, http->retry_after,
							   wall_now() / USECS_PER_SEC);
	int64 delay = hl_retry_delay(verdict, call->reply.attempts, jitter(), hint);

	call->attempt->due_at = steady_now(NULL) + delay * 1000;
	call->attempt->stage = STAGE_RESTING;
}

/* Whether AWS says that the credentials have expired. */
static bool
has_expired(const HlReply *reply)
{
	return reply->code != NULL &&
		   (strcmp(reply->code, "ExpiredToken") == 0 ||
			strcmp(reply->code, "InvalidToken") == 0 ||
			strcmp(reply->code, "ExpiredTokenException") == 0);
}

/*
 * Gets other credentials for a call that was refused because its own have
 * expired; once, and without counting that attempt, which did nothing. Other
 * calls may run meanwhile, and an interrupt may throw.
 */
static bool
renew(HlCall *call, HlOutcome outcome)
{
	const HlClientConfig *config = call->config;
	const char *why = NULL;

	if (outcome != HL_OUTCOME_REFUSED || !has_expired(&call->reply) ||
		config->renew == NULL || call->attempt->renewed)
		return false;
	call->attempt->renewed = true;
	if (config->renew(config->holder, call->attempt->key_id, &why))
	{
		call->attempt->stage = STAGE_DUE;
		return true;
	}
	if (why != NULL)
	{
		told(call, outcome, why);
		call->reply.hint = "Look after what the credentials come from; "
						   "healthlake_check() tells more of it.";
	}
	return false;
}

/* Judges a call whose transfer has ended: done, or once more. */
static void
end_attempt(HlCall *call, HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlOutcome outcome;
	HlVerdict verdict;
	bool unsettled;

	forget_attempt(call);
	outcome = judge_attempt(call, http);
	verdict = judge_retry(call, outcome, http);
	unsettled = http->sent && outcome != HL_OUTCOME_SUCCESS &&
				outcome != HL_OUTCOME_REFUSED;
	attempt->unsettled |= unsettled || http->resent;
	call->reply.sent |= http->sent;
	call->reply.may_have_run = call->changes && attempt->unsettled;
	call->reply.throttled = verdict == HL_VERDICT_THROTTLING;
	call->reply.throttles += call->reply.throttled;
	if (verdict == HL_VERDICT_SUCCESS)
		hl_quota_give(&engine.quota, attempt->cost);
	if (may_repeat(call, verdict, unsettled))
		rest(call, verdict, http);
	else if (!renew(call, outcome))
		finish(call, outcome);
	abandon(attempt);
}

/* Keeps the reply of a call in flight true, for whoever is interrupted. */
static void
note_sent(HlCall *call)
{
	if (!hl_http_sent(call->attempt->transfer))
		return;
	call->reply.sent = true;
	call->reply.may_have_run = call->changes;
}

/* Moves a call on as far as it goes without waiting; true: not yet done. */
static bool
advance(HlCall *call, int64 now)
{
	HlAttempt *attempt = call->attempt;
	HlHttpReply *reply;

	if (attempt->stage == STAGE_IN_FLIGHT)
	{
		reply = hl_http_reply(attempt->transfer);
		if (reply != NULL)
			end_attempt(call, reply);
	}
	if (attempt->stage == STAGE_RESTING && attempt->due_at <= now)
		attempt->stage = STAGE_DUE;
	if (attempt->stage == STAGE_DUE)
		start_attempt(call);
	return attempt->stage != STAGE_DONE;
}

/* How long the engine may wait for this call: -1, as long as libcurl likes. */
static long
rest_left(const HlAttempt *attempt, int64 now)
{
	int64 us = attempt->due_at - now;

	if (attempt->stage != STAGE_RESTING)
		return -1;
	return us <= 0 ? 0 : (long) ((us + 999) / 1000);
}

/* Moves all calls on; true while some are not done, and when to look again. */
static bool
advance_all(HlCall *const *calls, int count, long *timeout_ms)
{
	int64 now = steady_now(NULL);
	bool left = false;

	*timeout_ms = -1;
	for (int i = 0; i < count; i++)
		left |= advance(calls[i], now);
	/* starting one may have moved others on, so this comes after them all */
	for (int i = 0; i < count; i++)
	{
		long ms = rest_left(calls[i]->attempt, now);

		if (calls[i]->attempt->stage == STAGE_IN_FLIGHT)
			note_sent(calls[i]);
		if (ms >= 0 && (*timeout_ms < 0 || ms < *timeout_ms))
			*timeout_ms = ms;
	}
	return left;
}

/* Begins those calls that are new. */
static void
begin_new(HlCall *const *calls, int count)
{
	bool open = open_engine();

	/* nothing is sent for a statement that was cancelled before */
	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < count; i++)
	{
		if (calls[i]->attempt->stage != STAGE_NEW)
			continue;
		prepare(calls[i]);
		if (!open)
			give_up(calls[i], "out of memory or descriptors");
	}
}

/* Whether a call of the set has ended. */
static bool
some_ended(HlCall *const *calls, int count)
{
	for (int i = 0; i < count; i++)
		if (calls[i]->attempt->stage == STAGE_DONE)
			return true;
	return false;
}

/* Gives up all that is in flight. */
static void
abandon_all(HlCall *const *calls, int count)
{
	for (int i = 0; i < count; i++)
		abandon(calls[i]->attempt);
}

/* Drives calls until one has ended, but waits once at most. */
bool
hl_client_step(HlCall *const *calls, int count, long most_ms)
{
	long timeout_ms;

	begin_new(calls, count);
	PG_TRY();
	{
		if (advance_all(calls, count, &timeout_ms) && !some_ended(calls, count))
		{
			if (timeout_ms < 0 || timeout_ms > most_ms)
				timeout_ms = most_ms;
			hl_http_step(engine.http, timeout_ms);
			(void) advance_all(calls, count, &timeout_ms);
		}
	}
	PG_CATCH();
	{
		abandon_all(calls, count);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return some_ended(calls, count);
}

/* Drives all calls to their ends; throws only what an interrupt throws. */
void
hl_client_run(HlCall *calls, int count)
{
	HlCall **set = palloc(sizeof(HlCall *) * count);
	long timeout_ms;

	for (int i = 0; i < count; i++)
		set[i] = &calls[i];
	begin_new(set, count);
	PG_TRY();
	{
		while (advance_all(set, count, &timeout_ms))
			hl_http_step(engine.http, timeout_ms);
	}
	PG_CATCH();
	{
		abandon_all(set, count);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pfree(set);
}
