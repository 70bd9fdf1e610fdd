/*
 * memory.c
 *	  The ground floor without memory: the linker replaces libc's allocation
 *	  functions by those here (see the Makefile), and libcurl and OpenSSL use
 *	  them, too. One allocation after the other fails: once, three times, or
 *	  from there on. Nothing may crash, leak or count as a success, and no
 *	  other reason than memory may be reported.
 */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "aws/command.h"
#include "aws/endpoint.h"
#include "aws/eventstream.h"
#include "aws/form.h"
#include "aws/issued.h"
#include "aws/link.h"
#include "aws/profile.h"
#include "aws/protocol.h"
#include "aws/searchset.h"
#include "aws/sigv4.h"
#include "aws/sts.h"
#include "aws/validate.h"
#include "http/curlmemory.h"
#include "http/http.h"

#include "peer.h"
#include "tap.h"

extern void *__real_malloc(size_t size);
extern void *__real_realloc(void *memory, size_t size);
extern void *__real_calloc(size_t count, size_t size);
extern void *__wrap_malloc(size_t size);
extern void *__wrap_realloc(void *memory, size_t size);
extern void *__wrap_calloc(size_t count, size_t size);

/* only in this thread: the server's allocations succeed */
static _Thread_local int until_failure = 0; /* 0: none fails */
static _Thread_local int failures_left = 0;
static int failures = 0;
static bool crypto_alone = false; /* only allocations of OpenSSL fail */
static bool crypto_failed;      /* one of OpenSSL has failed in this request */
static bool has_crypto = false; /* OpenSSL uses our functions */

/* Whether this allocation may succeed. */
static int
may_allocate(void)
{
	if (until_failure == 0 || --until_failure > 0)
		return 1;
	failures++;
	until_failure = --failures_left > 0 ? 1 : 0;
	return 0;
}

void *
__wrap_malloc(size_t size)
{
	return crypto_alone || may_allocate() ? __real_malloc(size) : NULL;
}

void *
__wrap_realloc(void *memory, size_t size)
{
	return crypto_alone || may_allocate() ? __real_realloc(memory, size) : NULL;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return crypto_alone || may_allocate() ? __real_calloc(count, size) : NULL;
}

/* Whether an allocation of OpenSSL may succeed. */
static int
crypto_may_allocate(void)
{
	int may = may_allocate();

	crypto_failed |= !may;
	return may;
}

static void *
crypto_malloc(size_t size, const char *file, int line)
{
	return crypto_may_allocate() ? __real_malloc(size) : NULL;
}

static void *
crypto_realloc(void *memory, size_t size, const char *file, int line)
{
	return crypto_may_allocate() ? __real_realloc(memory, size) : NULL;
}

static void
crypto_free(void *memory, const char *file, int line)
{
	free(memory);
}

static const HlShape Text = {.name = "Text", .kind = HL_KIND_STRING};
static const HlShape Texts = {
	.name = "Texts", .kind = HL_KIND_LIST, .element = &Text};
static const HlMember members[] = {
	{"Name", "name", &Text, .required = true},
	{"List", "list", &Texts},
	{"Text", "text", &Text, .form = HL_FORM_JSON_TEXT},
};
static const HlShape All = {.name = "All",
							.kind = HL_KIND_STRUCTURE,
							.members = members,
							.nmembers = 3};

/* Reads and writes; true on success. */
static bool
write_body(void)
{
	static const char text[] = "{\"Name\":\"a\",\"List\":[\"b\"],\"Text\":"
							   "{\"c\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
							   "17,18,19,20,21,22,23,24,25,26,27,28,29,30]}}";
	HlJsonDocument document = {.secret = true};
	HlBytes body = {.secret = true};
	bool fine = hl_json_read(&document, text, sizeof(text) - 1);

	if (!fine && document.fault != HL_JSON_NO_MEMORY)
		ok(0, "a text is refused for another reason");
	if (fine)
		hl_protocol_write_request(&body, &All, document.root, "token");
	fine = fine && !body.failed && body.len > 100;
	hl_bytes_wipe(&body);
	hl_json_free(&document);
	return fine;
}

/* Validates; true if all faults were found. */
static bool
find_faults(void)
{
	static const char text[] = "{\"Nam\":1,\"List\":[1,2,3,4,5,6,7,8,9,null]}";
	HlJsonDocument document = {0};
	HlFaults faults = {0};
	bool fine = hl_json_read(&document, text, sizeof(text) - 1);

	if (fine && hl_validate(&faults, document.root, &All, false))
		ok(0, "a request with faults is never valid");
	fine = fine && !faults.failed && faults.count == 12;
	hl_faults_free(&faults);
	hl_json_free(&document);
	return fine;
}

/* Reads a success; true if that succeeded. */
static bool
read_reply(void)
{
	static const char text[] = "{\"Name\":\"a\",\"List\":[\"b\",null]}";
	HlJsonDocument document = {0};
	HlBytes reason = {0};
	bool fine = hl_protocol_read_reply(&document, &All, text, sizeof(text) - 1,
									   &reason);

	hl_bytes_free(&reason);
	hl_json_free(&document);
	return fine;
}

/* Reads an error; true if code and message are complete. */
static bool
read_error(void)
{
	static const char text[] = "{\"__type\":\"ns#X\",\"Message\":\"m\"}";
	HlErrorReply reply = {
		.http_status = 400, .body = text, .len = sizeof(text) - 1};
	HlBytes code = {0};
	HlBytes message = {0};
	bool fine = hl_protocol_read_error(&reply, &code, &message) &&
				strcmp(hl_bytes_string(&code), "X") == 0 &&
				strcmp(hl_bytes_string(&message), "m") == 0;

	hl_bytes_free(&code);
	hl_bytes_free(&message);
	return fine;
}

/* Signs a request; true if the signature is correct. */
static bool
sign_request(void)
{
	HlHeader headers[] = {{"Host", "example.com"}};
	HlSigv4Request request = {.method = "POST",
							  .path = "/a//b/../c%20d",
							  .query = "b=2&a=1&%C3%A9=3",
							  .headers = headers,
							  .nheaders = 1};
	HlSigv4Credentials credentials = {"AKIDEXAMPLE", "a secret", "a token"};
	HlSigv4Scope scope = {"eu-west-2", "healthlake", 1700000000};
	HlSigv4Keys keys = {0};
	HlSigv4Signed result = {0};
	HlSigv4Outcome outcome =
		hl_sigv4_sign(&keys, &request, &credentials, &scope, &result);

	if (outcome != HL_SIGV4_OK && outcome != HL_SIGV4_NO_MEMORY)
		ok(0, "a request is refused for another reason");
	hl_sigv4_wipe_keys(&keys);
	hl_sigv4_wipe_signed(&result);
	return outcome == HL_SIGV4_OK;
}

/* Reads profiles; true if all were read. */
static bool
read_profiles(void)
{
	static const char text[] =
		"[profile a]\nkey = 1234567890123456789012345678901234567890\n"
		"  continued 1234567890123456789012345678901234567890\n"
		"nested =\n  x = 1\n[services b]\n[default]\na = b\n";
	HlProfiles profiles = {0};
	HlBytes value = {0};
	bool fine =
		hl_profile_read(&profiles, HL_PROFILE_CONFIG, text, sizeof(text) - 1);

	if (!fine && !profiles.no_memory)
		ok(0, "profiles are refused for another reason");
	if (fine &&
		!hl_profile_nested_value(&profiles.profiles[0], "nested", "x", &value))
		fine = false;
	fine = fine && profiles.count == 3 && !value.failed;
	hl_bytes_wipe(&value);
	hl_profile_wipe(&profiles);
	return fine;
}

/* Reads a message of an event stream, byte by byte; true if it is complete. */
static bool
read_event(void)
{
	/* the header 0123456789 is true */
	static const char text[] =
		"\x00\x00\x00\x8e\x00\x00\x00\x0c\x62\x42\x9d\xb1\x0a"
		"0123456789\0"
		"{\"Message\":\"01234567890123456789012345678901234567890123456"
		"78901234567890123456789012345678901234567890123456789\"}"
		"\xa2\xb0\x2e\x62";
	HlEventStream stream = {0};
	HlEventMessage message;
	HlEventStep step = HL_EVENT_STEP_MORE;

	for (size_t i = 0; i < sizeof(text) - 1 && step == HL_EVENT_STEP_MORE; i++)
	{
		const char *data = text + i;
		size_t len = 1;

		step = hl_eventstream_read(&stream, &data, &len, &message);
	}
	if (step == HL_EVENT_STEP_BROKEN)
		ok(0, "a message is refused: %s", stream.reason);
	hl_eventstream_free(&stream);
	return step == HL_EVENT_STEP_MESSAGE;
}

/* Reads a link; true if it is complete. */
static bool
read_link(void)
{
	static const HlTarget target = {.authority = "proxy.example", .path = "/"};
	HlLinkBase base = {.target = &target,
					   .region = "us-east-1",
					   .datastore_id = "0123456789abcdef0123456789abcdef"};
	HlLink link = {0};
	HlLinkOutcome outcome = hl_link_read(
		&base,
		"https://proxy.example/datastore/0123456789abcdef0123456789abcdef/r4/"
		"Observation/0123456789abcdef0123456789abcdef/_history/1?_count=100&"
		"page=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd==",
		&link);
	bool whole = outcome == HL_LINK_OK;

	if (whole)
		whole = link.path.len == 55 && link.query.len == 84;
	else
		ok(outcome == HL_LINK_NO_MEMORY, "a link is not taken for a bad one");
	hl_link_free(&link);
	return whole;
}

/* Reads the URL of an endpoint; true if it is complete. */
static bool
read_endpoint(void)
{
	HlEndpoint endpoint;
	HlEndpointOutcome outcome =
		hl_endpoint_read_url("https://Proxy.example:8443/a%20b", &endpoint);

	if (outcome == HL_ENDPOINT_OK)
		return strcmp(endpoint.url, "https://proxy.example:8443/a%20b/") == 0;
	ok(outcome == HL_ENDPOINT_NO_MEMORY, "a URL is not taken for a bad one");
	return false;
}

/* Reads the credentials of STS; true if they are complete. */
static bool
read_role(void)
{
	static const char text[] =
		"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>"
		"ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
		"<SessionToken>0123456789&amp;0123456789012345678901234567890123456789"
		"</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>"
		"</Credentials></AssumeRoleResult></AssumeRoleResponse>";
	HlIssued issued = {0};
	bool fine = hl_sts_read_role(&issued, false, text, sizeof(text) - 1);

	if (!fine)
		ok(issued.no_memory, "STS is not blamed: %s", issued.reason);
	fine = fine && issued.session_token.len == 51 && issued.expires;
	hl_issued_wipe(&issued);
	return fine;
}

/* Reads an error of STS, and an identity. */
static bool
read_sts(void)
{
	static const char error[] = "<ErrorResponse><Error><Code>Denied</Code>"
								"<Message>No.</Message></Error>"
								"</ErrorResponse>";
	static const char text[] =
		"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:x</Arn>"
		"<Account>123456789012</Account></GetCallerIdentityResult>"
		"</GetCallerIdentityResponse>";
	HlStsIdentity identity = {{0}, {0}};
	HlBytes code = {0};
	HlBytes message = {0};
	bool fine = hl_sts_read_error(error, sizeof(error) - 1, &code, &message) &&
				hl_sts_read_identity(&identity, text, sizeof(text) - 1) &&
				strcmp(hl_bytes_string(&code), "Denied") == 0 &&
				strcmp(hl_bytes_string(&message), "No.") == 0 &&
				strcmp(hl_bytes_string(&identity.account), "123456789012") == 0;

	hl_bytes_free(&code);
	hl_bytes_free(&message);
	hl_bytes_free(&identity.arn);
	hl_bytes_free(&identity.account);
	return fine;
}

/* Writes the form of a role. */
static bool
write_role(void)
{
	HlStsRole role = {"arn:aws:iam::123456789012:role/x", "a session",
					  "an external id", "3600", NULL};
	HlBytes form = {0};
	bool fine;

	hl_sts_write_role(&form, &role);
	fine =
		!form.failed && strstr(hl_bytes_string(&form), "ExternalId=an") != NULL;
	hl_bytes_wipe(&form);
	return fine;
}

/* Reads the credentials of a container's endpoint. */
static bool
read_issued(void)
{
	static const char text[] = "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":"
							   "\"s\",\"Token\":\"t\",\"Expiration\":"
							   "\"2999-01-01T00:00:00Z\"}";
	HlIssued issued = {0};
	bool fine =
		hl_issued_read(&issued, HL_ISSUED_CONTAINER, text, sizeof(text) - 1);

	if (!fine)
		ok(issued.no_memory, "the container is not blamed: %s", issued.reason);
	fine = fine && issued.secret_access_key.len == 1;
	hl_issued_wipe(&issued);
	return fine;
}

/* Splits a command line. */
static bool
split_command(void)
{
	HlCommand command = {.count = 0};
	bool fine = hl_command_split(&command, "/bin/x 'a b' \"c d\" e\\ f");

	fine = fine && command.count == 4 && strcmp(command.words[3], "e f") == 0;
	hl_command_free(&command);
	return fine;
}

/* Writes the form of a search, and reads its page. */
static bool
search(void)
{
	static const char text[] =
		"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{"
		"\"resourceType\":\"Patient\",\"id\":\"p\"}}],\"name\":[\"a&b\",1],"
		"\"x\":true}";
	static const char parameters[] =
		"{\"name\":[\"a&b\",1,\"0123456789012345678901234567890123456789\"]}";
	HlJsonDocument document = {0};
	HlJsonDocument page = {0};
	HlBytes form = {0};
	HlSearchset set;
	HlEntry entry;
	const char *name;
	bool fine =
		hl_json_read(&document, parameters, sizeof(parameters) - 1) &&
		hl_form_write(&form, document.root, true, &name) == HL_FORM_OK &&
		strncmp(hl_bytes_string(&form), "name=a%26b&name=1&", 18) == 0 &&
		hl_json_read(&page, text, sizeof(text) - 1) &&
		hl_searchset_read(&set, page.root) && hl_searchset_step(&set, &entry) &&
		strcmp(entry.id, "p") == 0;

	hl_bytes_free(&form);
	hl_json_free(&document);
	hl_json_free(&page);
	return fine;
}

/* ------------------------------------------------------------------- HTTP */

static HlHttp *kept; /* NULL: each fetch creates its own */
static char url[64];
static char ca_path[] = "/tmp/healthlake-memory-XXXXXX";

/* Handler: answers until the client disconnects. */
static void
answer(Peer *peer)
{
	while (peer_request(peer))
		peer_say(peer, "HTTP/1.1 200 OK\r\nETag: W/\"1\"\r\n"
					   "Content-Length: 11\r\n\r\n{\"a\":\"b c\"}");
}

/* Waits like a backend. */
static void
wait_for(void *context, int epoll_fd, long timeout_ms)
{
	struct epoll_event event;

	epoll_wait(epoll_fd, &event, 1, timeout_ms < 0 ? 5000 : (int) timeout_ms);
}

static bool
is_interrupted(void *context)
{
	return false;
}

static int64_t
clock_now(void *context)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * INT64_C(1000000) + at.tv_nsec / 1000;
}

/*
 * Whether a result is acceptable. Some versions of libcurl report OpenSSL's
 * lack of memory as a broken connection, and some wait for the reply to a
 * request that they could not send, until the timeout.
 */
static bool
is_blameless(HlTransport transport)
{
	return transport == HL_TRANSPORT_MEMORY ||
		   (transport == HL_TRANSPORT_TIMEOUT && failures > 0) ||
		   (crypto_failed && transport != HL_TRANSPORT_NOT_HTTP &&
			transport != HL_TRANSPORT_TOO_LARGE);
}

/* Performs one request; true if its reply is complete. */
static bool
perform(HlHttp *http)
{
	static const char *const headers[] = {"Host: localhost",
										  "X-Amz-Target: HealthLake.X"};
	static const char *const wanted[] = {"etag"};
	HlHttpRequest request = {.url = url,
							 .headers = headers,
							 .nheaders = 2,
							 .wanted = wanted,
							 .nwanted = 1,
							 .body = "{}",
							 .body_len = 2,
							 .connect_timeout_ms = 5000,
							 .timeout_ms = 5000,
							 .ca_bundle = ca_path,
							 .plain = url[4] == ':'};
	HlHttpTransfer *transfer;
	HlHttpReply *reply = NULL;
	bool fine;

	crypto_failed = false;
	transfer = hl_http_start(http, &request);

	if (transfer == NULL)
		return false;
	while ((reply = hl_http_reply(transfer)) == NULL)
		hl_http_step(http, 5000);
	fine = reply->transport == HL_TRANSPORT_OK;
	if (!fine)
		ok(is_blameless(reply->transport),
		   "the other side is not blamed: transport %d, %s",
		   (int) reply->transport, reply->error);
	else
		ok(reply->status == 200 && reply->body.len == 11 &&
			   strcmp(hl_bytes_string(&reply->wanted[0]), "W/\"1\"") == 0,
		   "a reply is whole, or none");
	hl_http_release(transfer);
	return fine;
}

/* Makes a request on a new or a kept connection. */
static bool
fetch(void)
{
	HlHttp *http = kept != NULL ? kept
								: hl_http_create(wait_for, clock_now,
												 is_interrupted, NULL);
	bool fine = http != NULL && perform(http);

	if (kept == NULL && http != NULL)
		hl_http_destroy(http);
	return fine;
}

/* Leaks of OpenSSL 3.5 and later when they lack memory. */
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
extern const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:crypto_malloc\nleak:crypto_realloc\n";
}

extern const char *__lsan_default_options(void);
const char *
__lsan_default_options(void)
{
	return "print_suppressions=0"; /* not between the lines of this program */
}
#endif

/* ------------------------------------------------------------------- main */

/* Lets the nth allocation fail, and further ones; returns whether one has. */
static bool
fail_at(int n, int many, bool (*work)(void))
{
	if (kept != NULL)
		work(); /* establishes a connection again */
	failures = 0;
	until_failure = n;
	failures_left = many;
	work();
	until_failure = 0;
	return failures > 0;
}

/* Lets the first allocation fail, then the second, until none is left. */
static void
run_short(bool (*work)(void), const char *name)
{
	static const int runs[] = {1, 3, INT_MAX};

	for (int i = 0; i < 3; i++)
	{
		int n = 1;

		while (n < 10000 && fail_at(n, runs[i], work))
			n++;
		ok(n > 1 && n < 10000 && work(),
		   "%s: %d allocations, each failed once with the %d after it", name,
		   n - 1, runs[i] - 1);
	}
}

/* The same for transfers. */
static void
test_http(void)
{
	PeerServer server = peer_serve(answer);

	peer_start(&server);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
	run_short(fetch, "a first request");
	kept = hl_http_create(wait_for, clock_now, is_interrupted, NULL);
	run_short(fetch, "a request on what is kept");
	hl_http_destroy(kept);
	peer_stop(&server);

	server = peer_serve(answer);
	peer_use_tls(&server, ca_path);
	peer_start(&server);
	snprintf(url, sizeof(url), "https://localhost:%d/", server.port);
	kept = hl_http_create(wait_for, clock_now, is_interrupted, NULL);
	run_short(fetch, "a request on what is kept of TLS");
	crypto_alone = true;
	if (has_crypto)
		run_short(fetch, "the same, for OpenSSL alone");
	crypto_alone = false;
	hl_http_destroy(kept);
	peer_stop(&server);
}

int
main(void)
{
	/* fails if OpenSSL has allocated before */
	has_crypto = CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc,
										  crypto_free) == 1;
	printf("# OpenSSL's memory %s\n",
		   has_crypto ? "fails, too" : "never fails");
	hl_curlmemory_init();
	sign_request(); /* initialization is not tested here */
	run_short(write_body, "writing a request");
	run_short(find_faults, "finding faults");
	run_short(read_reply, "reading a reply");
	run_short(read_error, "reading an error");
	run_short(sign_request, "signing a request");
	run_short(read_profiles, "reading profiles");
	run_short(read_event, "reading an event");
	run_short(read_link, "reading a link");
	run_short(read_endpoint, "reading an endpoint");
	run_short(read_role, "reading a role's keys");
	run_short(read_sts, "reading STS");
	run_short(write_role, "asking for a role");
	run_short(read_issued, "reading issued keys");
	run_short(split_command, "splitting a command");
	run_short(search, "a search");
	signal(SIGPIPE, SIG_IGN);
	close(mkstemp(ca_path));
	test_http();
	unlink(ca_path);
	return tap_end();
}
