/*
 * http.h
 *	  HTTP/1.1 by libcurl: one multi handle that is kept, its sockets in one
 *	  epoll descriptor, any number of transfers at a time. The caller supplies
 *	  the function that waits. It may longjmp away: no frame of libcurl is on
 *	  the stack then, and hl_http_release() frees the transfers. SIGPIPE must
 *	  be ignored.
 */
#ifndef HL_HTTP_HTTP_H
#define HL_HTTP_HTTP_H

#include <stdint.h>
#include "base/bytes.h"
#include "http/header.h"
#include "http/transport.h"

#define HL_HTTP_MAX_BODY (8 * 1024 * 1024)

/* Returns when epoll_fd is readable or after timeout_ms (-1: no limit). */
typedef void (*HlWait)(void *context, int epoll_fd, long timeout_ms);

/* A monotonic clock, in microseconds. */
typedef int64_t (*HlClock)(void *context);

/* Whether HlWait would jump; called within libcurl, so it must not. */
typedef bool (*HlAsk)(void *context);

/*
 * The strings and arrays must live until the transfer has ended or was
 * released.
 */
typedef struct HlHttpRequest
{
	const char *url;
	const char *method;         /* NULL: POST; else GET, PUT, PATCH or DELETE */
	const char *const *headers; /* "Name: value", with Host */
	int nheaders;
	const char *const *wanted; /* names of reply headers to return */
	int nwanted;               /* at most HL_HTTP_WANTED */
	const char *body;
	size_t body_len;
	const char *ca_bundle; /* NULL or "": libcurl's default */
	const char *proxy;     /* NULL or "": none; errors omit its password */
	long connect_timeout_ms;
	long timeout_ms;    /* from connecting to the last byte; 0: none */
	size_t max_body;    /* 0: HL_HTTP_MAX_BODY */
	bool plain;         /* http, only to a loopback address */
	bool link_local;    /* http also to AWS's link-local addresses */
	bool fresh, secret; /* not on a kept connection; wipe the reply */
} HlHttpRequest;

/* A header that was not in the reply is "". */
typedef struct HlHttpReply
{
	HlTransport transport;
	bool sent;   /* the first byte may have been sent; false is certain */
	bool resent; /* libcurl sent it twice; the first may have run */
	bool framed; /* the body has a length or chunks, and is complete */
	int status;  /* 0: no reply */
	HlBytes body;
	char error[256]; /* libcurl's message, without secrets; "" after OK */
	char request_id[128], error_type[256], content_type[128], date[64];
	char age[32], retry_after[64], amz_retry_after[32];
	HlBytes wanted[HL_HTTP_WANTED]; /* without data: not in the reply */
	int64_t sent_at, received_at;   /* in microseconds of the HlClock */
} HlHttpReply;

typedef struct HlHttp HlHttp;
typedef struct HlHttpTransfer HlHttpTransfer;
/* Both return NULL without memory or descriptors. HlHttp owns its transfers. */
extern HlHttp *hl_http_create(HlWait wait, HlClock clock, HlAsk interrupted,
							  void *context);
extern HlHttpTransfer *hl_http_start(HlHttp *http,
									 const HlHttpRequest *request);
/*
 * Waits once, at most timeout_ms (-1: no limit), and handles what is ready.
 * Any call here may end any transfer, so the caller must check all its
 * transfers before it waits: a transfer that has ended does not end the wait.
 */
extern void hl_http_step(HlHttp *http, long timeout_ms);
/* Handles what has arrived, without waiting. */
extern void hl_http_catch_up(HlHttp *http);
/* The reply after the end, else NULL; the caller may take its body. */
extern HlHttpReply *hl_http_reply(HlHttpTransfer *transfer);
extern bool hl_http_sent(const HlHttpTransfer *transfer);
/* The received part of a success's body while in flight; NULL: nothing yet. */
extern const HlBytes *hl_http_body(const HlHttpTransfer *transfer);
/* Ends a transfer in flight with that result, and closes its connection. */
extern void hl_http_stop(HlHttpTransfer *transfer, HlTransport transport,
						 const char *why);
/* Releases a transfer, in flight or ended. */
extern void hl_http_release(HlHttpTransfer *transfer);
/* Closes idle connections, since libcurl's buffers hold what was sent last. */
extern void hl_http_forget(HlHttp *http);
extern void hl_http_destroy(HlHttp *http);
/* This libcurl: abandons hanging name lookups at once; reports resends. */
extern bool hl_http_leaves_lookups(void);
extern bool hl_http_tells_resends(void);

#endif
