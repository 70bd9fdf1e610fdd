/*
 * reply.c
 *	  The reply: libcurl's callbacks, and the check of what libcurl considers
 *	  complete. A callback only copies; it fails by setting "fault" and
 *	  returning an error.
 */
#include "base/line.h"
#include "http/curlmemory.h"
#include "http/transfer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_HEADER_LINES 200
#define MAX_HEADER_BYTES (64 * 1024)

/* A reply header that is returned, and the field it is copied to. */
static const struct Wanted
{
	const char *name;
	size_t offset;
	size_t size;
	int request_id_rank; /* the lowest rank received is kept; 0: no id */
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

static void
note_sent(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;

	transfer->reply.sent_at = http->clock(http->context);
	transfer->reply.sent = true;
	transfer->connecting = false;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/*
 * CURLOPT_PREREQFUNCTION: connected, and TLS and the proxy are done; the
 * request is sent next. libcurl calls it again when a kept connection broke
 * before the first byte of a reply and it repeats the POST, which cannot be
 * disabled.
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

/* on_request() does it */
void
hl_reply_look(HlHttpTransfer *transfer)
{
}
#else
/* without the callback: bytes were sent, not just a proxy's CONNECT */
void
hl_reply_look(HlHttpTransfer *transfer)
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

/* Ends a transfer from within a callback, with a reason. */
static size_t
refuse(HlHttpTransfer *transfer, HlTransport fault)
{
	transfer->fault = fault;
	return 0;
}

/* CURLOPT_WRITEFUNCTION */
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

/*
 * Reads Content-Length: only digits, and the same number if it is repeated
 * (RFC 9112, section 6.3).
 */
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

/* Keeps the first value of a header, or the request id of the best rank. */
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
	hl_line_copy(kept, wanted->size, value, len);
}

/* Keeps the first value of a header that the caller wants. */
static HlTransport
keep_wanted(HlBytes *kept, const char *value, size_t len)
{
	if (kept->data == NULL)
		hl_bytes_append(kept, value, len);
	return kept->failed ? HL_TRANSPORT_MEMORY : HL_TRANSPORT_OK;
}

static void
forget_wanted(HlHttpReply *reply)
{
	for (int i = 0; i < HL_HTTP_WANTED; i++)
		hl_bytes_free(&reply->wanted[i]);
}

/* Compares the name of a header line, ignoring case. */
static bool
is_named(const char *line, size_t name_len, const char *name)
{
	return strlen(name) == name_len && strncasecmp(line, name, name_len) == 0;
}

static HlTransport
read_header(HlHttpTransfer *transfer, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *end = line + len;
	const char *value;

	/* a folded line */
	if (colon == NULL)
		return HL_TRANSPORT_OK;
	value = colon + 1;
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
	for (int i = 0; i < transfer->nwanted; i++)
		if (is_named(line, (size_t) (colon - line), transfer->wanted[i]))
			return keep_wanted(&transfer->reply.wanted[i], value,
							   (size_t) (end - value));
	return HL_TRANSPORT_OK;
}

/*
 * Resets the headers at a status line: those before were of an interim reply.
 */
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
	forget_wanted(reply);
}

/* The headers are complete; after an interim reply (1xx) others follow. */
static HlTransport
end_headers(HlHttpTransfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->in_headers = false;
	transfer->reply.status = (int) status;
	transfer->before_status = status >= 100 && status < 200;
	if (transfer->chunked && transfer->content_length >= 0)
		return HL_TRANSPORT_NOT_HTTP;
	return HL_TRANSPORT_OK;
}

/* CURLOPT_HEADERFUNCTION: one line of the head, or of the trailer. */
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

bool
hl_reply_listen(HlHttpTransfer *transfer)
{
#if LIBCURL_VERSION_NUM >= 0x075000
	if (!SET(transfer, CURLOPT_PREREQFUNCTION, on_request) ||
		!SET(transfer, CURLOPT_PREREQDATA, transfer))
		return false;
#endif
	return SET(transfer, CURLOPT_WRITEFUNCTION, on_body) &&
		   SET(transfer, CURLOPT_WRITEDATA, transfer) &&
		   SET(transfer, CURLOPT_HEADERFUNCTION, on_header) &&
		   SET(transfer, CURLOPT_HEADERDATA, transfer);
}

void
hl_reply_forget(HlHttpTransfer *transfer)
{
	hl_bytes_free(&transfer->reply.body);
	forget_wanted(&transfer->reply);
	memset(&transfer->reply, 0, sizeof(transfer->reply));
	transfer->ended = false;
	transfer->fault = HL_TRANSPORT_OK;
	transfer->failures = hl_curlmemory_failures();
	transfer->opened = transfer->connecting = false;
	transfer->halted = NULL;
	transfer->before_status = true;
	transfer->in_headers = false;
	transfer->chunked = false;
	transfer->content_length = -1;
	transfer->header_lines = 0;
	transfer->header_bytes = 0;
	transfer->request_id_rank = 0;
	transfer->error[0] = '\0';
}

/* libcurl's errors for a header line that is longer than its limit. */
static bool
is_line_limit(CURLcode code)
{
#if LIBCURL_VERSION_NUM >= 0x080600
	if (code == CURLE_TOO_LARGE)
		return true;
#endif
	return code == CURLE_OUT_OF_MEMORY;
}

/* The meaning of libcurl's error; a timeout can occur at any stage. */
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
#if LIBCURL_VERSION_NUM >= 0x080600
		case CURLE_TOO_LARGE:
#endif
		case CURLE_OUT_OF_MEMORY:
			/* no allocation has failed: a line was too long */
			return HL_TRANSPORT_NOT_HTTP;
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

/*
 * Whether the chunks of a reply are malformed. libcurl reports that with the
 * same code as a broken connection; only its message differs.
 */
static bool
has_bad_chunks(const HlHttpTransfer *transfer, CURLcode code)
{
	return code == CURLE_RECV_ERROR && transfer->chunked &&
		   strstr(transfer->error, "chunk") != NULL;
}

static bool
has_begun(const HlHttpTransfer *transfer)
{
	curl_off_t micros = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T, &micros);
	return micros > 0;
}

/*
 * Whether memory was missing. Before 8.6 libcurl also reports so for a reply
 * line that is longer than its limit. If no reply has begun, OpenSSL lacked
 * memory.
 */
static bool
is_out_of_memory(const HlHttpTransfer *transfer, CURLcode code)
{
	if (code != CURLE_OUT_OF_MEMORY)
		return hl_curlmemory_failures() != transfer->failures;
	return hl_curlmemory_failed(transfer->failures) || !has_begun(transfer) ||
		   curl_version_info(CURLVERSION_NOW)->version_num >= 0x080600;
}

/* The meaning of libcurl's error, given what has happened in the transfer. */
static HlTransport
judge_code(const HlHttpTransfer *transfer, CURLcode code)
{
	HlTransport transport = transport_of(code);

	if (is_out_of_memory(transfer, code))
		return HL_TRANSPORT_MEMORY;
	if (has_bad_chunks(transfer, code))
		return HL_TRANSPORT_NOT_HTTP;
	/* libcurl 7.88 reports a proxy's refusal as a lost connection */
	if (transport == HL_TRANSPORT_LOST && !transfer->reply.sent)
		return HL_TRANSPORT_CONNECT;
	/* HTTP/0.9, among others */
	if (transport == HL_TRANSPORT_UNUSABLE && transfer->reply.sent)
		return HL_TRANSPORT_NOT_HTTP;
	return transport;
}

/* Checks a reply that libcurl considers complete: a truncated head is, too. */
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

static const char *
fault_text(const HlHttpTransfer *transfer, CURLcode code)
{
	HlTransport fault = transfer->fault;

	/* libcurl's message would be wrong or useless */
	if (fault == HL_TRANSPORT_OK &&
		(transfer->reply.transport == HL_TRANSPORT_MEMORY ||
		 is_line_limit(code)))
		fault = transfer->reply.transport;
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

/* Copies an error text as one line of printable characters. */
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

static void
tell_error(HlHttpTransfer *transfer, CURLcode code)
{
	const char *text =
		transfer->halted ? transfer->halted : fault_text(transfer, code);

	if (transfer->reply.transport == HL_TRANSPORT_OK)
		return;
	if (text == NULL && has_bad_chunks(transfer, code))
		text = "the reply's chunks are malformed";
	if (text == NULL && code == CURLE_SSL_CACERT_BADFILE &&
		transfer->http->trust.reason[0] != '\0')
		text = transfer->http->trust.reason;
	if (text == NULL && transfer->error[0] != '\0')
		text = transfer->error;
	if (text == NULL && code == CURLE_OK)
		text = "the reply was cut off";
	copy_error(&transfer->reply, text ? text : curl_easy_strerror(code));
}

void
hl_reply_end(HlHttpTransfer *transfer, CURLcode code)
{
	HlHttpReply *reply = &transfer->reply;
	long status = 0;

	hl_reply_look(transfer);
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
}

void
hl_reply_stop(HlHttpTransfer *transfer, HlTransport transport, const char *why)
{
	snprintf(transfer->error, sizeof(transfer->error), "%s", why);
	transfer->fault = transport;
	hl_reply_end(transfer, CURLE_ABORTED_BY_CALLBACK);
}

void
hl_reply_fail(HlHttpTransfer *transfer, const char *text)
{
	bool failed = transfer->fault == HL_TRANSPORT_MEMORY ||
				  hl_curlmemory_failures() != transfer->failures;

	transfer->reply.transport = failed                 ? HL_TRANSPORT_MEMORY
								: transfer->reply.sent ? HL_TRANSPORT_LOST
													   : HL_TRANSPORT_UNUSABLE;
	copy_error(&transfer->reply, failed ? "out of memory" : text);
	transfer->ended = true;
	transfer->spoiled = true;
}
