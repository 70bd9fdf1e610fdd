/*
 * transfer.c
 *	  Sets up a request on libcurl's easy handle. Fixed options are set once;
 *	  the others are set if they differ from those of the request before.
 */
#include "http/transfer.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "base/scan.h"

#if LIBCURL_VERSION_NUM < 0x074c00
#error "libcurl 7.76 or newer is needed"
#endif

/* An option with a fixed value. */
static const struct Fixed
{
	CURLoption option;
	long value;
} fixed_options[] = {
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_PATH_AS_IS, 1},
	{CURLOPT_HEADEROPT,
	 CURLHEADER_SEPARATE}, /* proxies must not see the signature */
	{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_TCP_NODELAY, 1},
	/* wiped after each transfer; bodies are usually small */
	{CURLOPT_BUFFERSIZE, 8192},
	{CURLOPT_UPLOAD_BUFFERSIZE, 16384},
	{CURLOPT_SSL_VERIFYPEER, 1},
	{CURLOPT_SSL_VERIFYHOST, 2},
	{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	{CURLOPT_PROXY_SSL_VERIFYPEER, 1},
	{CURLOPT_PROXY_SSL_VERIFYHOST, 2},
	{CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	/*
	 * If malloc() fails in its session cache, libcurl 7.88.1 frees one twice.
	 */
	{CURLOPT_SSL_SESSIONID_CACHE, 0},
#if LIBCURL_VERSION_NUM >= 0x075700
	{CURLOPT_QUICK_EXIT, 1},
	/* http/trust.c caches them; libcurl's cache would be stale */
	{CURLOPT_CA_CACHE_TIMEOUT, 0},
#endif
};

static bool
is_loopback(const struct curl_sockaddr *address)
{
	const struct sockaddr_in *in = (const void *) &address->addr;
	const struct sockaddr_in6 *in6 = (const void *) &address->addr;

	if (address->family == AF_INET)
		return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
	return address->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* The link-local addresses of AWS's credential endpoints (EC2, ECS, EKS). */
static bool
is_link_local(const struct curl_sockaddr *address)
{
	const struct sockaddr_in *in = (const void *) &address->addr;
	const struct sockaddr_in6 *in6 = (const void *) &address->addr;
	/* fd00:ec2::23 and fd00:ec2::254 */
	struct in6_addr ours = {.s6_addr = {0xfd, 0x00, 0x0e, 0xc2}};
	uint32_t ip;

	if (address->family == AF_INET)
	{
		ip = ntohl(in->sin_addr.s_addr);
		return ip == 0xa9fea9fe || ip == 0xa9feaa02 || ip == 0xa9feaa17;
	}
	if (address->family != AF_INET6)
		return false;
	ours.s6_addr[15] = in6->sin6_addr.s6_addr[15];
	ours.s6_addr[14] = ours.s6_addr[15] == 0x54 ? 0x02 : 0;
	return memcmp(&ours, &in6->sin6_addr, sizeof(ours)) == 0 &&
		   (ours.s6_addr[15] == 0x54 || ours.s6_addr[15] == 0x23);
}

/* Sets the time by which a connection must be ready. */
static void
set_connect_limit(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;
	int64_t limit =
		http->clock(http->context) + (int64_t) transfer->connect_ms * 1000;

	transfer->connect_by =
		limit < transfer->ends_at ? limit : transfer->ends_at;
}

/* Ends a transfer that is connecting; returns what makes libcurl do so. */
static int
halt(HlHttpTransfer *transfer, const char *why)
{
	transfer->fault = HL_TRANSPORT_TIMEOUT;
	transfer->halted = why;
	return 1;
}

/*
 * CURLOPT_XFERINFOFUNCTION, with a proxy only: libcurl reads a proxy's reply
 * byte by byte as long as there is one, and returns to nobody meanwhile
 * (recv_CONNECT_resp() in its sources). After that it returns by itself.
 */
static int
on_progress(void *context, curl_off_t to_receive, curl_off_t received,
			curl_off_t to_send, curl_off_t sent)
{
	HlHttpTransfer *transfer = context;
	HlHttp *http = transfer->http;

	if (!transfer->connecting)
		return 0;
	if (http->interrupted(http->context))
	{
		http->halted = true;
		return halt(transfer, "interrupted while connecting");
	}
	if (http->clock(http->context) >= transfer->connect_by)
		return halt(transfer, "connecting through the proxy took too long");
	return 0;
}

/*
 * CURLOPT_OPENSOCKETFUNCTION: child processes do not inherit the socket, and
 * http is only allowed to a loopback or link-local address.
 */
static curl_socket_t
on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	HlHttpTransfer *transfer = context;
	curl_socket_t fd;

	/* it may have been sent on a kept connection before */
	hl_reply_look(transfer);
	transfer->opened = true;
#if LIBCURL_VERSION_NUM >= 0x075000
	transfer->connecting = true;
#else
	/* that the request was sent again would not be told */
	transfer->connecting = !transfer->reply.sent;
#endif
	set_connect_limit(transfer);
	if (transfer->plain && !is_loopback(address) &&
		!(transfer->link_local && is_link_local(address)))
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
				address->protocol);
	hl_sockets_own(&transfer->http->sockets, fd);
	return fd;
}

static bool
set_fixed_options(HlHttpTransfer *transfer)
{
	for (size_t i = 0; i < sizeof(fixed_options) / sizeof(fixed_options[0]);
		 i++)
		if (!SET(transfer, fixed_options[i].option, fixed_options[i].value))
			return false;
	return hl_reply_listen(transfer) &&
		   SET(transfer, CURLOPT_PRIVATE, transfer) &&
		   SET(transfer, CURLOPT_ERRORBUFFER, transfer->error) &&
		   SET(transfer, CURLOPT_NOPROGRESS, 1L) &&
		   SET(transfer, CURLOPT_XFERINFOFUNCTION, on_progress) &&
		   SET(transfer, CURLOPT_XFERINFODATA, transfer) &&
		   SET(transfer, CURLOPT_OPENSOCKETFUNCTION, on_open) &&
		   SET(transfer, CURLOPT_OPENSOCKETDATA, transfer) &&
		   SET(transfer, CURLOPT_CLOSESOCKETFUNCTION, hl_sockets_close) &&
		   SET(transfer, CURLOPT_CLOSESOCKETDATA, &transfer->http->sockets) &&
		   SET(transfer, CURLOPT_RESOLVER_START_FUNCTION,
			   hl_signals_resolver) &&
		   SET(transfer, CURLOPT_RESOLVER_START_DATA,
			   &transfer->http->signals) &&
		   /* the environment's NO_PROXY does not count */
		   SET(transfer, CURLOPT_NOPROXY, "");
}

/* Whether a value differs from the last one; remembers it. */
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

/* Records that memory was missing: the request's values are not at fault. */
static bool
is_short(HlHttpTransfer *transfer, bool failed)
{
	if (failed)
		transfer->fault = HL_TRANSPORT_MEMORY;
	return failed;
}

/* Allows https only, or http only. */
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

/* CURLOPT_SSL_CTX_FUNCTION */
static CURLcode
on_tls(CURL *easy, void *context, void *argument)
{
	HlHttpTransfer *transfer = argument;
	HlHttp *http = transfer->http;
	CURLcode code =
		hl_trust_use(&http->trust, hl_bytes_string(&transfer->ca_bundle),
					 http->clock(http->context), context);

	if (code == CURLE_OUT_OF_MEMORY)
		transfer->fault = HL_TRANSPORT_MEMORY;
#ifdef SSL_OP_CLEANSE_PLAINTEXT
	/* replies contain keys, and OpenSSL frees its buffers as they are */
	SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
#endif
	/*
	 * libcurl has OpenSSL free the buffers of a connection after each record,
	 * which would wipe 16 kB of them each time
	 */
	SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS);
	return code;
}

static bool
set_authorities(HlHttpTransfer *transfer, const char *file, const char *folder)
{
	return SET(transfer, CURLOPT_CAINFO, file) &&
		   SET(transfer, CURLOPT_CAPATH, folder) &&
		   SET(transfer, CURLOPT_PROXY_CAINFO, file) &&
		   SET(transfer, CURLOPT_PROXY_CAPATH, folder);
}

/*
 * Sets the authorities. If on_tls() installs them, libcurl reads nothing: it
 * would search a folder only when a certificate arrives, and then the store is
 * ours. It is still given the path, as a folder even if it is a file, since it
 * distinguishes connections by that.
 */
static bool
set_trust(HlHttpTransfer *transfer, const char *bundle)
{
	const char *path = hl_trust_path(&transfer->http->trust, bundle);

	if (path == NULL)
		return set_authorities(transfer, NULL, NULL);
	if (hl_trust_is_ours())
		return set_authorities(transfer, NULL, path) &&
			   SET(transfer, CURLOPT_SSL_CTX_FUNCTION, on_tls) &&
			   SET(transfer, CURLOPT_SSL_CTX_DATA, transfer);
	return hl_trust_is_folder(path) ? set_authorities(transfer, NULL, path)
									: set_authorities(transfer, path, NULL);
}

/* Wipes and frees a string of libcurl's that may be a secret. */
static void
wipe_string(char *string)
{
	if (string != NULL)
		explicit_bzero(string, strlen(string));
	curl_free(string);
}

/*
 * Sets the proxy and its password separately, since libcurl's messages quote
 * the address of a proxy.
 */
static bool
set_proxy_parts(HlHttpTransfer *transfer, CURLU *parts, const char *proxy)
{
	HlBytes whole = {.secret = true};
	char *url = NULL, *user = NULL, *password = NULL;
	bool set;

	hl_bytes_append_string(&whole, hl_scan_scheme(proxy) > 0 ? "" : "http://");
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

/* Sets the proxy; "" keeps libcurl from reading the environment. */
static bool
set_proxy(HlHttpTransfer *transfer, const char *proxy)
{
	CURLU *parts;
	bool set;

	if (!SET(transfer, CURLOPT_NOPROGRESS, proxy[0] == '\0' ? 1L : 0L))
		return false;
	if (proxy[0] == '\0')
		return SET(transfer, CURLOPT_PROXY, "") &&
			   SET(transfer, CURLOPT_PROXYUSERNAME, NULL) &&
			   SET(transfer, CURLOPT_PROXYPASSWORD, NULL);
	parts = curl_url();
	set = parts != NULL && set_proxy_parts(transfer, parts, proxy);
	curl_url_cleanup(parts);
	return set;
}

/* Builds the list of header lines in memory that is kept. */
static bool
set_headers(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	int count = request->nheaders + 3;
	struct curl_slist *lines = transfer->lines;

	if (count > transfer->lines_size)
	{
		lines = realloc(lines, sizeof(*lines) * (size_t) count);
		if (lines == NULL)
		{
			transfer->fault = HL_TRANSPORT_MEMORY;
			return false;
		}
		transfer->lines = lines;
		transfer->lines_size = count;
	}
	for (int i = 0; i < count; i++)
		lines[i].next = i + 1 < count ? &lines[i + 1] : NULL;
	for (int i = 0; i < request->nheaders; i++)
		lines[i].data = (char *) request->headers[i];
	/* suppresses the headers that libcurl would add */
	lines[count - 3].data = (char *) "Accept:";
	lines[count - 2].data = (char *) "Expect:";
	lines[count - 1].data = (char *) "Content-Type:";
	return SET(transfer, CURLOPT_HTTPHEADER, lines);
}

/* Sets the error text in place of libcurl's. */
static bool
fail(HlHttpTransfer *transfer, const char *text)
{
	strcpy(transfer->error, text);
	return false;
}

static bool
set_route(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	/* unencrypted requests do not go through a proxy */
	const char *proxy = request->plain ? "" : request->proxy;
	bool failed = false;
	bool moved = differs(&transfer->url, request->url, &failed) ||
				 transfer->plain != request->plain;

	if (moved && (is_short(transfer, failed) ||
				  !SET(transfer, CURLOPT_URL, transfer->url.data)))
		return fail(transfer, "the URL cannot be used");
	if (moved && !set_protocol(transfer, request->plain))
		return fail(transfer, "libcurl lacks the protocol");
	if (differs(&transfer->proxy, proxy, &failed) &&
		(is_short(transfer, failed) ||
		 !set_proxy(transfer, transfer->proxy.data)))
		return fail(transfer, "the proxy is not a valid URL");
	if (differs(&transfer->ca_bundle, request->ca_bundle, &failed) &&
		(is_short(transfer, failed) ||
		 !set_trust(transfer, transfer->ca_bundle.data)))
		return fail(transfer, "the CA bundle cannot be used");
	return true;
}

/* Sets the method; after the body, since that option makes it a POST. */
static bool
set_method(HlHttpTransfer *transfer, const char *method)
{
	if (method != NULL && strcmp(method, "GET") == 0)
		return SET(transfer, CURLOPT_CUSTOMREQUEST, NULL) &&
			   SET(transfer, CURLOPT_HTTPGET, 1L);
	return SET(transfer, CURLOPT_POST, 1L) &&
		   SET(transfer, CURLOPT_CUSTOMREQUEST, method);
}

/* The time for connecting: the time for all is not known to libcurl. */
static long
connect_time(const HlHttpRequest *request)
{
	return request->timeout_ms > 0 &&
				   request->timeout_ms < request->connect_timeout_ms
			   ? request->timeout_ms
			   : request->connect_timeout_ms;
}

static bool
set_request(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	transfer->max_body =
		request->max_body > 0 ? request->max_body : HL_HTTP_MAX_BODY;
	transfer->connect_ms = connect_time(request);
	return set_headers(transfer, request) &&
		   SET(transfer, CURLOPT_POSTFIELDSIZE_LARGE,
			   (curl_off_t) request->body_len) &&
		   SET(transfer, CURLOPT_POSTFIELDS,
			   request->body ? request->body : "") &&
		   set_method(transfer, request->method) &&
		   SET(transfer, CURLOPT_CONNECTTIMEOUT_MS, connect_time(request)) &&
		   SET(transfer, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L) &&
		   SET(transfer, CURLOPT_FORBID_REUSE, 0L);
}

bool
hl_transfer_set(HlHttpTransfer *transfer, const HlHttpRequest *request)
{
	transfer->reply.body.secret = request->secret;
	transfer->link_local = request->link_local;
	transfer->wanted = request->wanted;
	transfer->nwanted = request->nwanted;
	if (!set_route(transfer, request))
		return false;
	return set_request(transfer, request) ||
		   fail(transfer, "libcurl cannot be set up");
}

HlHttpTransfer *
hl_transfer_create(HlHttp *http)
{
	HlHttpTransfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return NULL;
	transfer->http = http;
	transfer->proxy.secret = true;
	transfer->easy = curl_easy_init();
	if (transfer->easy != NULL && set_fixed_options(transfer))
		return transfer;
	hl_transfer_free(transfer);
	return NULL;
}

void
hl_transfer_free(HlHttpTransfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	hl_reply_forget(transfer);
	hl_bytes_free(&transfer->url);
	hl_bytes_free(&transfer->ca_bundle);
	hl_bytes_wipe(&transfer->proxy);
	free(transfer->lines);
	free(transfer);
}
