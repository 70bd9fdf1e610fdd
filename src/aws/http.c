/*
 * http.c
 *	  Transfers on one kept libcurl multi handle.
 *
 * libcurl tells on_socket() and on_timer() what it waits for; hl_http_step()
 * lets the caller wait for just that, and then calls back into libcurl with
 * all signals blocked: a thread that libcurl starts (the name lookup) inherits
 * the mask, so that no handler of the program ever runs in it. Callbacks copy
 * and return; they fail by setting "fault" and a return value, nothing else.
 */
#include "aws/http.h"

#include "aws/curlmemory.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#if LIBCURL_VERSION_NUM < 0x074c00
#error "libcurl 7.76 or newer is needed"
#endif

#define MAX_HEADER_LINES 200
#define MAX_HEADER_BYTES (64 * 1024)
#define MAX_KEPT_SLOTS 16
#define MAX_KEPT_CONNECTIONS 16
#define EVENTS_AT_ONCE 16

/* libcurl's timers are trusted for so long. */
#define LONGEST_WAIT_MS 1000

/* One transfer; the easy handle and its settings are kept for the next. */
struct HlHttpTransfer
{
	HlHttpTransfer *next;
	HlHttp *http;
	CURL *easy;
	bool used;
	bool added; /* to the multi handle */
	bool ended;
	bool spoiled; /* not to be kept: its settings are incomplete */
	HlHttpReply reply;

	/* what was set last on the easy handle */
	HlBytes url;
	HlBytes ca_bundle;
	HlBytes proxy;
	struct curl_slist *lines;
	int lines_size;
	bool plain;
	size_t max_body;

	/* what the callbacks know of the reply */
	HlTransport fault;
	bool opened;        /* a connection of its own */
	bool before_status; /* the next line must be a status line */
	bool in_headers;
	bool chunked;
	int64_t content_length; /* -1: not said */
	int header_lines;
	size_t header_bytes;
	int request_id_rank;
	char error[CURL_ERROR_SIZE];
};

struct HlHttp
{
	HlWait wait;
	HlClock clock;
	void *context;
	int epoll_fd;
	CURLM *multi;     /* NULL: to be made */
	bool broken;      /* the multi handle must not be called any more */
	bool eager;       /* a transfer ended since the caller looked */
	int64_t timer_at; /* when libcurl wants to be called; -1: never */
	int in_flight;
	int nslots;
	HlHttpTransfer *slots;
};

/* A header that is handed on, and where it goes. */
static const struct Wanted
{
	const char *name;
	size_t offset;
	size_t size;
	int request_id_rank; /* the lowest that comes is taken; 0: no such */
} wanted_headers[] = {
#define WANTED(name, member, rank)                                             \
	{                                                                          \
		name, offsetof(HlHttpReply, member),                                   \
			sizeof(((HlHttpReply *) NULL)->member), rank                       \
	}
	WANTED("x-amzn-requestid", request_id, 1),
	WANTED("x-amzn-request-id", request_id, 2),
	WANTED("x-amz-request-id", request_id, 3),
	WANTED("x-amzn-errortype", error_type, 0),
	WANTED("content-type", content_type, 0),
	WANTED("date", date, 0),
	WANTED("age", age, 0),
	WANTED("retry-after", retry_after, 0),
	WANTED("x-amz-retry-after", amz_retry_after, 0),
#undef WANTED
};

/* What never changes on an easy handle. */
static const struct Fixed
{
	CURLoption option;
	long value;
} fixed_options[] = {
	{CURLOPT_POST, 1},
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_PATH_AS_IS, 1},
	{CURLOPT_HEADEROPT, CURLHEADER_SEPARATE}, /* no signature to a proxy */
	{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_NOPROGRESS, 1},
	{CURLOPT_TCP_NODELAY, 1},
	{CURLOPT_SSL_VERIFYPEER, 1},
	{CURLOPT_SSL_VERIFYHOST, 2},
	{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	{CURLOPT_PROXY_SSL_VERIFYPEER, 1},
	{CURLOPT_PROXY_SSL_VERIFYHOST, 2},
	{CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	/* A failed malloc in its cache of sessions freed one twice (7.88.1). */
	{CURLOPT_SSL_SESSIONID_CACHE, 0},
#if LIBCURL_VERSION_NUM >= 0x075700
	{CURLOPT_QUICK_EXIT, 1},
	/* seconds: a bundle that was repaired is read soon */
	{CURLOPT_CA_CACHE_TIMEOUT, 60},
#endif
};

/* Blocks what may be blocked: handlers are for the program's own thread. */
static void
signals_block(sigset_t *saved)
{
	static const int faults[] = {SIGTRAP, SIGABRT, SIGILL, SIGFPE,
								 SIGSEGV, SIGBUS,  SIGSYS};
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, saved);
}

/* Ends what signals_block() began. */
static void
signals_restore(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

/* Remembers a bad answer of libcurl: that multi handle is not called again. */
static bool
multi_ok(HlHttp *http, CURLMcode code)
{
	if (code != CURLM_OK)
		http->broken = true;
	return code == CURLM_OK;
}

/* Callback: which events of a socket libcurl waits for. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	HlHttp *http = context;
	struct epoll_event event = {.data.fd = fd};

	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		event.events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ||
		(errno == EEXIST &&
		 epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0))
		return 0;
	http->broken = true;
	return -1;
}

/* Callback: when libcurl wants to be called next. */
static int
on_timer(CURLM *multi, long timeout_ms, void *context)
{
	HlHttp *http = context;

	http->timer_at = timeout_ms < 0 ? -1
									: http->clock(http->context) +
										  (int64_t) timeout_ms * 1000;
	return 0;
}

/* Notes that the request may now be on its way to the server. */
static void
note_sent(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;

	transfer->reply.sent_at = http->clock(http->context);
	transfer->reply.sent = true;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/*
 * Callback: connected, TLS and proxy done; the request is what comes next.
 * A second time, when a kept connection broke before the first byte of a
 * reply: libcurl repeats a POST then, and has no switch for it.
 */
static int
on_request(void *context, char *server_ip, char *local_ip, int server_port,
		   int local_port)
{
	HlHttpTransfer *transfer = context;

	transfer->reply.resent = transfer->reply.sent;
	note_sent(transfer);
	return CURL_PREREQFUNC_OK;
}

/* With a callback there is nothing to look for. */
static void
look_whether_sent(HlHttpTransfer *transfer)
{
}
#else
/* Without that callback: bytes were sent, and not just a proxy's CONNECT. */
static void
look_whether_sent(HlHttpTransfer *transfer)
{
	long size = 0;
	curl_off_t secured = 0;

	if (transfer->reply.sent)
		return;
	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &size);
	curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	if (size > 0 && (transfer->plain || secured > 0 || !transfer->opened))
		note_sent(transfer);
}
#endif

/* Tells whether an address is this machine's own. */
static bool
is_loopback(const struct curl_sockaddr *address)
{
	const struct sockaddr_in *in = (const void *) &address->addr;
	const struct sockaddr_in6 *in6 = (const void *) &address->addr;

	if (address->family == AF_INET)
		return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
	return address->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* Callback: a socket that no child inherits, and http on loopback alone. */
static curl_socket_t
on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	HlHttpTransfer *transfer = context;

	/* a kept connection may have been tried before this one */
	look_whether_sent(transfer);
	transfer->opened = true;
	if (transfer->plain && !is_loopback(address))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
				  address->protocol);
}

/* Ends a transfer from within a callback, and says why. */
static size_t
refuse(HlHttpTransfer *transfer, HlTransport fault)
{
	transfer->fault = fault;
	return 0;
}

/* Callback: more of the body. */
static size_t
on_body(char *data, size_t size, size_t count, void *context)
{
	HlHttpTransfer *transfer = context;
	HlBytes *body = &transfer->reply.body;
	size_t len = size * count;

	if (len > transfer->max_body - body->len)
		return refuse(transfer, HL_TRANSPORT_TOO_LARGE);
	hl_bytes_append(body, data, len);
	return body->failed ? refuse(transfer, HL_TRANSPORT_MEMORY) : len;
}

/* Reads Content-Length: digits alone, and the same number each time. */
static HlTransport
read_content_length(HlHttpTransfer *transfer, const char *value, size_t len)
{
	int64_t number = 0;

	if (len == 0)
		return HL_TRANSPORT_NOT_HTTP;
	for (size_t i = 0; i < len; i++)
	{
		if (value[i] < '0' || value[i] > '9')
			return HL_TRANSPORT_NOT_HTTP;
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, value[i] - '0', &number))
			return HL_TRANSPORT_NOT_HTTP;
	}
	if (transfer->content_length >= 0 && transfer->content_length != number)
		return HL_TRANSPORT_NOT_HTTP;
	transfer->content_length = number;
	return (uint64_t) number > transfer->max_body ? HL_TRANSPORT_TOO_LARGE
												  : HL_TRANSPORT_OK;
}

/* Keeps a header that is wanted: its first value, or the best request id. */
static void
keep_header(HlHttpTransfer *transfer, const struct Wanted *wanted,
			const char *value, size_t len)
{
	char *kept = (char *) &transfer->reply + wanted->offset;
	int *rank = &transfer->request_id_rank;

	if (wanted->request_id_rank != 0 && *rank > wanted->request_id_rank)
		kept[0] = '\0';
	if (kept[0] != '\0')
		return;
	if (wanted->request_id_rank != 0)
		*rank = wanted->request_id_rank;
	if (len >= wanted->size)
		len = wanted->size - 1;
	memcpy(kept, value, len);
	kept[len] = '\0';
}

/* Tells whether a header line's name is this one, whatever its case. */
static bool
is_named(const char *line, size_t name_len, const char *name)
{
	return strlen(name) == name_len && strncasecmp(line, name, name_len) == 0;
}

/* Reads one "Name: value" line. */
static HlTransport
read_header(HlHttpTransfer *transfer, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *end = line + len;
	const char *value = colon + 1;

	if (colon == NULL)
		return HL_TRANSPORT_OK;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	if (is_named(line, (size_t) (colon - line), "content-length"))
		return read_content_length(transfer, value, (size_t) (end - value));
	if (is_named(line, (size_t) (colon - line), "transfer-encoding"))
		transfer->chunked = true;
	for (size_t i = 0; i < sizeof(wanted_headers) / sizeof(wanted_headers[0]);
		 i++)
		if (is_named(line, (size_t) (colon - line), wanted_headers[i].name))
			keep_header(transfer, &wanted_headers[i], value,
						(size_t) (end - value));
	return HL_TRANSPORT_OK;
}

/* Forgets the headers of an interim reply: the real one begins. */
static void
begin_headers(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;
	HlHttpReply *reply = &transfer->reply;

	transfer->before_status = false;
	transfer->in_headers = true;
	transfer->chunked = false;
	transfer->content_length = -1;
	transfer->request_id_rank = 0;
	reply->received_at = http->clock(http->context);
	for (size_t i = 0; i < sizeof(wanted_headers) / sizeof(wanted_headers[0]);
		 i++)
		((char *) reply)[wanted_headers[i].offset] = '\0';
}

/* The headers are complete; after an interim reply (1xx) others follow. */
static HlTransport
end_headers(HlHttpTransfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->in_headers = false;
	transfer->before_status = status >= 100 && status < 200;
	if (transfer->chunked && transfer->content_length >= 0)
		return HL_TRANSPORT_NOT_HTTP;
	return HL_TRANSPORT_OK;
}

/* Callback: one line of the reply's head, or of its trailer. */
static size_t
on_header(char *line, size_t size, size_t count, void *context)
{
	HlHttpTransfer *transfer = context;
	HlTransport fault = HL_TRANSPORT_OK;
	size_t len = size * count;

	transfer->header_lines++;
	transfer->header_bytes += len;
	if (transfer->header_lines > MAX_HEADER_LINES ||
		transfer->header_bytes > MAX_HEADER_BYTES)
		return refuse(transfer, HL_TRANSPORT_NOT_HTTP);
	if (transfer->before_status)
		begin_headers(transfer);
	else if (transfer->in_headers && (line[0] == '\r' || line[0] == '\n'))
		fault = end_headers(transfer);
	else if (transfer->in_headers)
		fault = read_header(transfer, line, len);
	return fault == HL_TRANSPORT_OK ? len : refuse(transfer, fault);
}

/* Sets one option; false where libcurl does not take it. */
#define SET(transfer, option, value)                                           \
	(curl_easy_setopt((transfer)->easy, option, value) == CURLE_OK)

/* Sets all that never changes. */
static bool
set_fixed_options(HlHttpTransfer *transfer)
{
	for (size_t i = 0; i < sizeof(fixed_options) / sizeof(fixed_options[0]);
		 i++)
		if (!SET(transfer, fixed_options[i].option, fixed_options[i].value))
			return false;
#if LIBCURL_VERSION_NUM >= 0x075000
	if (!SET(transfer, CURLOPT_PREREQFUNCTION, on_request) ||
		!SET(transfer, CURLOPT_PREREQDATA, transfer))
		return false;
#endif
	return SET(transfer, CURLOPT_PRIVATE, transfer) &&
		   SET(transfer, CURLOPT_ERRORBUFFER, transfer->error) &&
		   SET(transfer, CURLOPT_WRITEFUNCTION, on_body) &&
		   SET(transfer, CURLOPT_WRITEDATA, transfer) &&
		   SET(transfer, CURLOPT_HEADERFUNCTION, on_header) &&
		   SET(transfer, CURLOPT_HEADERDATA, transfer) &&
		   SET(transfer, CURLOPT_OPENSOCKETFUNCTION, on_open) &&
		   SET(transfer, CURLOPT_OPENSOCKETDATA, transfer) &&
		   /* the environment's NO_PROXY has no say */
		   SET(transfer, CURLOPT_NOPROXY, "");
}

/* Remembers a setting and tells whether it is another than the last. */
static bool
differs(HlBytes *kept, const char *value, bool *failed)
{
	if (value == NULL)
		value = "";
	if (kept->data != NULL && strcmp(kept->data, value) == 0)
		return false;
	hl_bytes_reset(kept);
	hl_bytes_append_string(kept, value);
	*failed |= kept->failed;
	return true;
}

/* https alone, or http alone where a loopback address is called. */
static bool
set_protocol(HlHttpTransfer *transfer, bool plain)
{
	transfer->plain = plain;
#if LIBCURL_VERSION_NUM >= 0x075500
	return SET(transfer, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
#else
	return SET(transfer, CURLOPT_PROTOCOLS,
			   (long) (plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
}

/* The bundle that libcurl was built with; NULL where it has none. */
static const char *
builtin_bundle(void)
{
	curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

	return version->age >= CURLVERSION_SEVENTH ? version->cainfo : NULL;
}

/* Whom to trust. A folder beside the bundle would defeat libcurl's cache. */
static bool
set_trust(HlHttpTransfer *transfer, const char *bundle)
{
	if (bundle[0] == '\0')
		bundle = builtin_bundle();
	return bundle == NULL || (SET(transfer, CURLOPT_CAINFO, bundle) &&
							  SET(transfer, CURLOPT_CAPATH, NULL) &&
							  SET(transfer, CURLOPT_PROXY_CAINFO, bundle) &&
							  SET(transfer, CURLOPT_PROXY_CAPATH, NULL));
}

/* Frees a string of libcurl's that is or may be a secret. */
static void
wipe_string(char *string)
{
	if (string != NULL)
		explicit_bzero(string, strlen(string));
	curl_free(string);
}

/* Sets a proxy without its password, which libcurl's messages would repeat. */
static bool
set_proxy_parts(HlHttpTransfer *transfer, CURLU *parts, const char *proxy)
{
	HlBytes whole = {.secret = true};
	char *url = NULL, *user = NULL, *password = NULL;
	bool set;

	hl_bytes_append_string(&whole, strstr(proxy, "://") ? "" : "http://");
	hl_bytes_append_string(&whole, proxy);
	set = !whole.failed && curl_url_set(parts, CURLUPART_URL, whole.data,
										CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
	hl_bytes_wipe(&whole);
	if (!set)
		return false;
	curl_url_get(parts, CURLUPART_USER, &user, CURLU_URLDECODE);
	curl_url_get(parts, CURLUPART_PASSWORD, &password, CURLU_URLDECODE);
	set = curl_url_set(parts, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
		  curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
		  curl_url_get(parts, CURLUPART_URL, &url, 0) == CURLUE_OK &&
		  SET(transfer, CURLOPT_PROXY, url) &&
		  SET(transfer, CURLOPT_PROXYUSERNAME, user) &&
		  SET(transfer, CURLOPT_PROXYPASSWORD, password);
	curl_free(url);
	wipe_string(user);
	wipe_string(password);
	return set;
}

/* Which proxy; "" keeps libcurl from asking the environment. */
static bool
set_proxy(HlHttpTransfer *transfer, const char *proxy)
{
	CURLU *parts;
	bool set;

	if (proxy[0] == '\0')
		return SET(transfer, CURLOPT_PROXY, "") &&
			   SET(transfer, CURLOPT_PROXYUSERNAME, NULL) &&
			   SET(transfer, CURLOPT_PROXYPASSWORD, NULL);
	parts = curl_url();
	set = parts != NULL && set_proxy_parts(transfer, parts, proxy);
	curl_url_cleanup(parts);
	return set;
}

/* Links the header lines into a list, in memory that is kept. */
static bool
set_headers(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	int count = request->nheaders + 2;
	struct curl_slist *lines = transfer->lines;

	if (count > transfer->lines_size)
	{
		lines = realloc(lines, sizeof(*lines) * (size_t) count);
		if (lines == NULL)
			return false;
		transfer->lines = lines;
		transfer->lines_size = count;
	}
	for (int i = 0; i < count; i++)
		lines[i].next = i + 1 < count ? &lines[i + 1] : NULL;
	for (int i = 0; i < request->nheaders; i++)
		lines[i].data = (char *) request->headers[i];
	/* what libcurl would add by itself */
	lines[count - 2].data = (char *) "Accept:";
	lines[count - 1].data = (char *) "Expect:";
	return SET(transfer, CURLOPT_HTTPHEADER, lines);
}

/* Puts an error of our own where libcurl would have put its. */
static bool
fail(HlHttpTransfer *transfer, const char *text)
{
	strcpy(transfer->error, text);
	return false;
}

/* Where the request goes, and how; most of it is as it was last time. */
static bool
set_route(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	/* nothing that is not encrypted is handed to a proxy */
	const char *proxy = request->plain ? "" : request->proxy;
	bool failed = false;

	if (differs(&transfer->url, request->url, &failed) &&
		(failed || !SET(transfer, CURLOPT_URL, transfer->url.data)))
		return fail(transfer, "the URL cannot be used");
	if (differs(&transfer->proxy, proxy, &failed) &&
		(failed || !set_proxy(transfer, transfer->proxy.data)))
		return fail(transfer, "the proxy is not a valid URL");
	if (differs(&transfer->ca_bundle, request->ca_bundle, &failed) &&
		(failed || !set_trust(transfer, transfer->ca_bundle.data)))
		return fail(transfer, "the CA bundle cannot be used");
	return set_protocol(transfer, request->plain) ||
		   fail(transfer, "libcurl lacks the protocol");
}

/* What is sent, and for how long. */
static bool
set_request(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	transfer->max_body =
		request->max_body > 0 ? request->max_body : HL_HTTP_MAX_BODY;
	return set_headers(transfer, request) &&
		   SET(transfer, CURLOPT_POSTFIELDSIZE_LARGE,
			   (curl_off_t) request->body_len) &&
		   SET(transfer, CURLOPT_POSTFIELDS,
			   request->body ? request->body : "") &&
		   SET(transfer, CURLOPT_CONNECTTIMEOUT_MS,
			   request->connect_timeout_ms) &&
		   SET(transfer, CURLOPT_TIMEOUT_MS, request->timeout_ms) &&
		   SET(transfer, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L) &&
		   SET(transfer, CURLOPT_FORBID_REUSE, 0L);
}

/* Makes a slot as if nothing had ever been received by it. */
static void
forget_reply(HlHttpTransfer *transfer)
{
	hl_bytes_free(&transfer->reply.body);
	memset(&transfer->reply, 0, sizeof(transfer->reply));
	transfer->ended = false;
	transfer->fault = HL_TRANSPORT_OK;
	transfer->opened = false;
	transfer->before_status = true;
	transfer->in_headers = false;
	transfer->chunked = false;
	transfer->content_length = -1;
	transfer->header_lines = 0;
	transfer->header_bytes = 0;
	transfer->request_id_rank = 0;
	transfer->error[0] = '\0';
}

/* Takes a slot out of the list and gives all that it has back. */
static void
free_slot(HlHttpTransfer *transfer)
{
	HlHttpTransfer **link = &transfer->http->slots;

	while (*link != NULL && *link != transfer)
		link = &(*link)->next;
	if (*link != NULL)
	{
		*link = transfer->next;
		transfer->http->nslots--;
	}
	curl_easy_cleanup(transfer->easy);
	hl_bytes_free(&transfer->reply.body);
	hl_bytes_free(&transfer->url);
	hl_bytes_free(&transfer->ca_bundle);
	hl_bytes_wipe(&transfer->proxy);
	free(transfer->lines);
	free(transfer);
}

/* A new slot, or NULL; it hangs on http before there is anything to lose. */
static HlHttpTransfer *
new_slot(HlHttp *http)
{
	HlHttpTransfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return NULL;
	transfer->http = http;
	transfer->proxy.secret = true;
	transfer->next = http->slots;
	http->slots = transfer;
	http->nslots++;
	transfer->easy = curl_easy_init();
	if (transfer->easy != NULL && set_fixed_options(transfer))
		return transfer;
	free_slot(transfer);
	return NULL;
}

/* A slot that nobody uses, or NULL where memory is missing. */
static HlHttpTransfer *
take_slot(HlHttp *http)
{
	HlHttpTransfer *transfer = http->slots;

	while (transfer != NULL && transfer->used)
		transfer = transfer->next;
	if (transfer == NULL)
		transfer = new_slot(http);
	if (transfer != NULL)
	{
		forget_reply(transfer);
		transfer->used = true;
	}
	return transfer;
}

/* Makes the multi handle where there is none. */
static bool
open_multi(HlHttp *http)
{
	CURLM *multi = http->multi;

	if (multi != NULL)
		return true;
	multi = http->multi = curl_multi_init();
	http->broken = false;
	http->timer_at = -1;
	if (multi == NULL)
		return false;
#if LIBCURL_VERSION_NUM >= 0x081400
	if (!multi_ok(http, curl_multi_setopt(multi, CURLMOPT_QUICK_EXIT, 1L)))
		return false;
#endif
	return multi_ok(http, curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
											on_socket)) &&
		   multi_ok(http,
					curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http)) &&
		   multi_ok(http, curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
											on_timer)) &&
		   multi_ok(http, curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http)) &&
		   multi_ok(http, curl_multi_setopt(multi, CURLMOPT_PIPELINING,
											(long) CURLPIPE_NOTHING)) &&
		   multi_ok(http, curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
											(long) MAX_KEPT_CONNECTIONS));
}

/* What libcurl's code means; a timeout is one at any stage. */
static HlTransport
transport_of(CURLcode code)
{
	switch (code)
	{
		case CURLE_OK:
			return HL_TRANSPORT_OK;
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
			return HL_TRANSPORT_DNS;
		case CURLE_COULDNT_CONNECT:
		case CURLE_PROXY:
			return HL_TRANSPORT_CONNECT;
		case CURLE_SSL_CONNECT_ERROR:
			return HL_TRANSPORT_TLS;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_ENGINE_NOTFOUND:
		case CURLE_SSL_ENGINE_SETFAILED:
		case CURLE_SSL_ENGINE_INITFAILED:
		case CURLE_SSL_CRL_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		case CURLE_SSL_INVALIDCERTSTATUS:
			return HL_TRANSPORT_UNTRUSTED;
		case CURLE_OPERATION_TIMEDOUT:
			return HL_TRANSPORT_TIMEOUT;
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_BAD_CONTENT_ENCODING:
		case CURLE_TOO_MANY_REDIRECTS:
			return HL_TRANSPORT_NOT_HTTP;
		case CURLE_OUT_OF_MEMORY:
			return HL_TRANSPORT_MEMORY;
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_PARTIAL_FILE:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
			return HL_TRANSPORT_LOST;
		default:
			return HL_TRANSPORT_UNUSABLE;
	}
}

/* The same, knowing whether there was a server to speak with. */
static HlTransport
judge_code(const HlHttpTransfer *transfer, CURLcode code)
{
	HlTransport transport = transport_of(code);

	/* a proxy's refusal is a lost connection to libcurl 7.88 */
	if (transport == HL_TRANSPORT_LOST && !transfer->reply.sent)
		return HL_TRANSPORT_CONNECT;
	/* unasked-for HTTP/0.9, among others */
	if (transport == HL_TRANSPORT_UNUSABLE && transfer->reply.sent)
		return HL_TRANSPORT_NOT_HTTP;
	return transport;
}

/* Judges what libcurl takes for complete: a cut head, too, is that to it. */
static HlTransport
judge_reply(HlHttpTransfer *transfer)
{
	HlHttpReply *reply = &transfer->reply;
	bool bodyless = reply->status == 204 || reply->status == 304;

	if (transfer->in_headers || transfer->before_status)
		return HL_TRANSPORT_LOST;

	reply->framed =
		bodyless || transfer->chunked || transfer->content_length >= 0;
	if (!bodyless && transfer->content_length >= 0 &&
		(uint64_t) transfer->content_length != reply->body.len)
		return HL_TRANSPORT_LOST;
	return HL_TRANSPORT_OK;
}

/* Our own words for what the callbacks found. */
static const char *
fault_text(HlTransport fault)
{
	switch (fault)
	{
		case HL_TRANSPORT_TOO_LARGE:
			return "the reply is larger than allowed";
		case HL_TRANSPORT_NOT_HTTP:
			return "the reply's headers are too many, or contradict "
				   "each other";
		case HL_TRANSPORT_MEMORY:
			return "out of memory";
		default:
			return NULL;
	}
}

/* Copies an error text: printable, on one line. */
static void
copy_error(HlHttpReply *reply, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len >= sizeof(reply->error))
		len = sizeof(reply->error) - 1;
	for (size_t i = 0; i < len; i++)
		reply->error[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	reply->error[len] = '\0';
}

/* Says why a transfer did not go well. */
static void
tell_error(HlHttpTransfer *transfer, CURLcode code)
{
	const char *text = fault_text(transfer->fault);

	if (transfer->reply.transport == HL_TRANSPORT_OK)
		return;
	if (text == NULL && transfer->error[0] != '\0')
		text = transfer->error;
	if (text == NULL && code == CURLE_OK)
		text = "the reply was cut off";
	copy_error(&transfer->reply, text ? text : curl_easy_strerror(code));
}

/* Takes an easy handle off the multi handle. */
static void
remove_transfer(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;

	if (transfer->added && http->multi != NULL && !http->broken)
		multi_ok(http, curl_multi_remove_handle(http->multi, transfer->easy));
	if (transfer->added)
		http->in_flight--;
	transfer->added = false;
}

/* Makes a reply of what libcurl says at the end. */
static void
end_transfer(HlHttpTransfer *transfer, CURLcode code)
{
	HlHttpReply *reply = &transfer->reply;
	long status = 0;

	look_whether_sent(transfer);
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	reply->status = reply->sent ? (int) status : 0;
	if (transfer->fault != HL_TRANSPORT_OK)
		reply->transport = transfer->fault;
	else if (code == CURLE_OK)
		reply->transport = judge_reply(transfer);
	else
		reply->transport = judge_code(transfer, code);
	tell_error(transfer, code);
	transfer->ended = true;
	transfer->http->eager = true;
}

/* Ends the transfers that libcurl is through with. */
static void
collect(HlHttp *http)
{
	CURLMsg *message;
	int left;

	while (http->multi != NULL && !http->broken &&
		   (message = curl_multi_info_read(http->multi, &left)) != NULL)
	{
		CURLcode code = message->data.result;
		void *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		end_transfer(transfer, code);
		remove_transfer(transfer);
	}
}

/* Ends all that is in flight on a multi handle that must not be used more. */
static void
drop_multi(HlHttp *http)
{
	for (HlHttpTransfer *transfer = http->slots; transfer != NULL;
		 transfer = transfer->next)
	{
		if (!transfer->added)
			continue;
		look_whether_sent(transfer);
		transfer->reply.transport =
			transfer->reply.sent ? HL_TRANSPORT_LOST : HL_TRANSPORT_UNUSABLE;
		copy_error(&transfer->reply, "libcurl failed");
		transfer->ended = true;
		transfer->spoiled = true;
		transfer->added = false;
	}
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	http->multi = NULL;
	http->broken = false;
	http->eager = true;
	http->in_flight = 0;
	http->timer_at = -1;
}

/* Lets libcurl do what is due by its clock: also, what was just started. */
static void
act_on_clock(HlHttp *http)
{
	int running;

	http->timer_at = -1;
	multi_ok(http, curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0,
											&running));
}

/* Lets libcurl act on sockets that are ready, and on its clock. */
static void
act(HlHttp *http)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(http->epoll_fd, events, EVENTS_AT_ONCE, 0);
	int running;

	for (int i = 0; i < count && !http->broken; i++)
	{
		int ready = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
					(events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);

		multi_ok(http, curl_multi_socket_action(http->multi, events[i].data.fd,
												ready, &running));
	}
	if (!http->broken &&
		(count <= 0 ||
		 (http->timer_at >= 0 && http->timer_at <= http->clock(http->context))))
		act_on_clock(http);
}

/* Looks at all that is in flight, for hl_http_sent(). */
static void
look_at_flights(HlHttp *http)
{
	for (HlHttpTransfer *transfer = http->slots; transfer != NULL;
		 transfer = transfer->next)
		if (transfer->added)
			look_whether_sent(transfer);
}

/* Ends what has ended, and notes of the rest whether it was sent. */
static void
settle(HlHttp *http)
{
	if (!http->broken)
		collect(http);
	if (http->broken)
		drop_multi(http);
	look_at_flights(http);
}

/* How long to wait: until libcurl's time or the caller's, -1 for ever. */
static long
wait_time(HlHttp *http, long timeout_ms)
{
	int64_t until;

	if (http->in_flight == 0)
		return timeout_ms;
	if (timeout_ms < 0 || timeout_ms > LONGEST_WAIT_MS)
		timeout_ms = LONGEST_WAIT_MS;
	if (http->timer_at < 0)
		return timeout_ms;
	until = http->timer_at - http->clock(http->context);
	until = until <= 0 ? 0 : (until + 999) / 1000;
	return until < timeout_ms ? (long) until : timeout_ms;
}

/* Waits once, at most timeout_ms (-1: none), and does what is to be done. */
void
hl_http_step(HlHttp *http, long timeout_ms)
{
	sigset_t saved;

	if (!http->eager)
		http->wait(http->context, http->epoll_fd, wait_time(http, timeout_ms));
	if (http->in_flight > 0)
	{
		signals_block(&saved);
		act(http);
		settle(http);
		signals_restore(&saved);
	}
	/* the caller looks at every transfer now */
	http->eager = false;
}

/* Sets a slot up and lets libcurl begin: it connects, or sends at once. */
static bool
launch(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	HlHttp *http = transfer->http;

	if (!set_route(transfer, request))
		return false;
	if (!set_request(transfer, request) || !open_multi(http))
		return fail(transfer, "libcurl cannot be set up");
	if (!multi_ok(http, curl_multi_add_handle(http->multi, transfer->easy)))
		return fail(transfer, "libcurl cannot be set up");
	transfer->added = true;
	http->in_flight++;
	act_on_clock(http);
	return true;
}

/* Starts a transfer; NULL where memory is missing. */
HlHttpTransfer *
hl_http_start(HlHttp *http, const HlHttpRequest *request)
{
	HlHttpTransfer *transfer;
	sigset_t saved;

	signals_block(&saved);
	transfer = take_slot(http);
	if (transfer != NULL && !launch(transfer, request))
	{
		transfer->ended = true;
		transfer->spoiled = true;
		transfer->reply.transport = HL_TRANSPORT_UNUSABLE;
		copy_error(&transfer->reply, transfer->error);
		http->eager = true;
	}
	settle(http);
	signals_restore(&saved);
	return transfer;
}

/* The reply of a transfer that has ended, else NULL. */
HlHttpReply *
hl_http_reply(HlHttpTransfer *transfer)
{
	return transfer->ended ? &transfer->reply : NULL;
}

/* Whether the first byte of the request may have left. */
bool
hl_http_sent(const HlHttpTransfer *transfer)
{
	return transfer->reply.sent;
}

/* Gives a transfer back, in flight or ended. */
void
hl_http_release(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;
	sigset_t saved;

	if (transfer->added)
	{
		signals_block(&saved);
		remove_transfer(transfer);
		if (http->broken)
			drop_multi(http);
		signals_restore(&saved);
	}
	transfer->used = false;
	if (!SET(transfer, CURLOPT_POSTFIELDS, NULL) ||
		!SET(transfer, CURLOPT_HTTPHEADER, NULL))
		transfer->spoiled = true;
	hl_bytes_free(&transfer->reply.body);
	if (transfer->spoiled || http->nslots > MAX_KEPT_SLOTS)
		free_slot(transfer);
}

/* NULL where memory or a descriptor is missing. */
HlHttp *
hl_http_create(HlWait wait, HlClock clock, void *context)
{
	HlHttp *http = calloc(1, sizeof(*http));
	sigset_t saved;
	bool initialised;

	if (http == NULL)
		return NULL;
	http->wait = wait;
	http->clock = clock;
	http->context = context;
	http->timer_at = -1;
	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signals_block(&saved);
	initialised = hl_curlmemory_init();
	signals_restore(&saved);
	if (http->epoll_fd >= 0 && initialised)
		return http;
	if (http->epoll_fd >= 0)
		close(http->epoll_fd);
	free(http);
	return NULL;
}

/* Closes every connection, unless one is in use, and all that was kept. */
void
hl_http_forget(HlHttp *http)
{
	HlHttpTransfer *next;
	sigset_t saved;

	if (http == NULL || http->in_flight > 0)
		return;
	signals_block(&saved);
	drop_multi(http);
	for (HlHttpTransfer *slot = http->slots; slot != NULL; slot = next)
	{
		next = slot->next;
		if (!slot->used)
			free_slot(slot);
	}
	signals_restore(&saved);
}

/* Frees everything, whatever is in flight. */
void
hl_http_destroy(HlHttp *http)
{
	sigset_t saved;

	if (http == NULL)
		return;
	signals_block(&saved);
	for (HlHttpTransfer *transfer = http->slots; transfer != NULL;
		 transfer = transfer->next)
		remove_transfer(transfer);
	drop_multi(http);
	while (http->slots != NULL)
		free_slot(http->slots);
	close(http->epoll_fd);
	signals_restore(&saved);
	free(http);
}

/* Whether a hanging name lookup can be left behind at once. */
bool
hl_http_leaves_lookups(void)
{
	curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

	return LIBCURL_VERSION_NUM >= 0x075700 &&
		   version->version_num >= 0x075700 &&
		   (version->features & CURL_VERSION_ASYNCHDNS) != 0;
}

/* Whether HlHttpReply.resent can be relied upon. */
bool
hl_http_tells_resends(void)
{
	return LIBCURL_VERSION_NUM >= 0x075000;
}
