/*
 * transfer.c
 *	  A request's way onto libcurl's easy handle. What never changes is set
 *	  once; most of the rest is as it was for the request before, and is only
 *	  set where it differs.
 */
#include "http/transfer.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#if LIBCURL_VERSION_NUM < 0x074c00
#error "libcurl 7.76 or newer is needed"
#endif

/* What never changes on an easy handle. */
static const struct Fixed
{
	CURLoption option;
	long value;
} fixed_options[] = {
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_PATH_AS_IS, 1},
	{CURLOPT_HEADEROPT, CURLHEADER_SEPARATE}, /* no signature to a proxy */
	{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_NOPROGRESS, 1},
	{CURLOPT_TCP_NODELAY, 1},
	/* wiped after each transfer; both bodies are small, as a rule */
	{CURLOPT_BUFFERSIZE, 8192},
	{CURLOPT_UPLOAD_BUFFERSIZE, 16384},
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
	/* http/trust.c keeps them: libcurl would keep what is no longer so */
	{CURLOPT_CA_CACHE_TIMEOUT, 0},
#endif
};

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

/* Tells whether an address is one of those where AWS hands credentials out. */
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

/* Callback: a socket that no child inherits, and http on loopback alone. */
static curl_socket_t
on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	HlHttpTransfer *transfer = context;
	curl_socket_t fd;

	/* a kept connection may have been tried before this one */
	hl_reply_look(transfer);
	transfer->opened = true;
	if (transfer->plain && !is_loopback(address) &&
		!(transfer->link_local && is_link_local(address)))
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
				address->protocol);
	hl_sockets_own(&transfer->http->sockets, fd);
	return fd;
}

/* Sets all that never changes. */
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
		   SET(transfer, CURLOPT_OPENSOCKETFUNCTION, on_open) &&
		   SET(transfer, CURLOPT_OPENSOCKETDATA, transfer) &&
		   SET(transfer, CURLOPT_CLOSESOCKETFUNCTION, hl_sockets_close) &&
		   SET(transfer, CURLOPT_CLOSESOCKETDATA, &transfer->http->sockets) &&
		   SET(transfer, CURLOPT_RESOLVER_START_FUNCTION,
			   hl_signals_resolver) &&
		   SET(transfer, CURLOPT_RESOLVER_START_DATA,
			   &transfer->http->signals) &&
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

/* Remembers that memory was missing, which is no fault of what was given. */
static bool
is_short(HlHttpTransfer *transfer, bool failed)
{
	if (failed)
		transfer->fault = HL_TRANSPORT_MEMORY;
	return failed;
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

/* Callback: a connection's certificates are to be verified. */
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
	return code;
}

/* Has libcurl read authorities from a file, or from a folder. */
static bool
set_authorities(HlHttpTransfer *transfer, const char *file, const char *folder)
{
	return SET(transfer, CURLOPT_CAINFO, file) &&
		   SET(transfer, CURLOPT_CAPATH, folder) &&
		   SET(transfer, CURLOPT_PROXY_CAINFO, file) &&
		   SET(transfer, CURLOPT_PROXY_CAPATH, folder);
}

/*
 * Whom to trust. Where on_tls() sees to that, libcurl reads nothing: a folder it
 * would look into when a certificate comes, and then its store is ours. But it
 * is told of one, be it a file, since it tells connections apart by that.
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
	/* what libcurl would add by itself */
	lines[count - 3].data = (char *) "Accept:";
	lines[count - 2].data = (char *) "Expect:";
	lines[count - 1].data = (char *) "Content-Type:";
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

/* By which method; after the body, which would make it a POST. */
static bool
set_method(HlHttpTransfer *transfer, const char *method)
{
	if (method != NULL && strcmp(method, "GET") == 0)
		return SET(transfer, CURLOPT_CUSTOMREQUEST, NULL) &&
			   SET(transfer, CURLOPT_HTTPGET, 1L);
	return SET(transfer, CURLOPT_POST, 1L) &&
		   SET(transfer, CURLOPT_CUSTOMREQUEST, method);
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
		   set_method(transfer, request->method) &&
		   SET(transfer, CURLOPT_CONNECTTIMEOUT_MS,
			   request->connect_timeout_ms) &&
		   SET(transfer, CURLOPT_TIMEOUT_MS, request->timeout_ms) &&
		   SET(transfer, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L) &&
		   SET(transfer, CURLOPT_FORBID_REUSE, 0L);
}

/* Sets what a request asks for. */
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

/* A transfer with all that never changes set, or NULL. */
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

/* Gives all that a transfer has back. */
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
