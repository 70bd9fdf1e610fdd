/*
 * http.h
 *	  HTTP/1.1 by libcurl: one kept multi handle, its sockets in one epoll
 *	  descriptor, any number of transfers at once. The function that waits is
 *	  handed in and may longjmp away: no frame of libcurl is on the stack then,
 *	  and hl_http_release() frees what hangs on a transfer. Ignore SIGPIPE.
 */
#ifndef HL_HTTP_HTTP_H
#define HL_HTTP_HTTP_H

#include <stdint.h>
#include "base/bytes.h"
#include "http/header.h"
#include "http/transport.h"

#define HL_HTTP_MAX_BODY (8 * 1024 * 1024)

/* Returns when epoll_fd is readable or timeout_ms (-1: none) is over. */
typedef void (*HlWait)(void *context, int epoll_fd, long timeout_ms);

/* Microseconds of a clock that is never set back. */
typedef int64_t (*HlClock)(void *context);

/* Everything must live until the transfer has ended or was released. */
typedef struct HlHttpRequest
{
	const char *url;
	const char *method;         /* NULL: POST; else GET, PUT, PATCH or DELETE */
	const char *const *headers; /* "Name: value", Host among them */
	int nheaders;
	const char *const *wanted; /* names of headers of the reply, all kept */
	int nwanted;               /* at most HL_HTTP_WANTED */
	const char *body;
	size_t body_len;
	const char *ca_bundle; /* NULL or "": the one libcurl was built with */
	const char *proxy;     /* NULL or "": none; its password is not told */
	long connect_timeout_ms;
	long timeout_ms;    /* from connecting to the last byte; 0: none */
	size_t max_body;    /* 0: HL_HTTP_MAX_BODY */
	bool plain;         /* http, to a loopback address and nowhere else */
	bool link_local;    /* or to AWS's own addresses on the link */
	bool fresh, secret; /* its connection is its own; the reply is wiped */
} HlHttpRequest;

/* Headers are "" where they did not come. */
typedef struct HlHttpReply
{
	HlTransport transport;
	bool sent;   /* the first byte may have left: certain where false */
	bool resent; /* libcurl sent it twice: what became of the first? */
	bool framed; /* the end of the body was announced, and came */
	int status;  /* 0: none came */
	HlBytes body;
	char error[256]; /* of libcurl, without secrets; "" after OK */
	char request_id[128], error_type[256], content_type[128], date[64];
	char age[32], retry_after[64], amz_retry_after[32];
	HlBytes wanted[HL_HTTP_WANTED]; /* may be taken; no data: did not come */
	int64_t sent_at, received_at;   /* by the clock that was handed in */
} HlHttpReply;

typedef struct HlHttp HlHttp;
typedef struct HlHttpTransfer HlHttpTransfer;
/* Create and start give NULL if memory or a descriptor is missing. */
extern HlHttp *hl_http_create(HlWait wait, HlClock clock, void *context);
extern HlHttpTransfer *hl_http_start(HlHttp *http,
									 const HlHttpRequest *request);
/*
 * Waits once, at most timeout_ms (-1: none), and does what is to be done. Any
 * call here may end any transfer, so a caller first looks at all of its own:
 * nothing wakes it for one that has ended before.
 */
extern void hl_http_step(HlHttp *http, long timeout_ms);
/* The reply of a transfer that has ended, else NULL. Its body may be taken. */
extern HlHttpReply *hl_http_reply(HlHttpTransfer *transfer);
extern bool hl_http_sent(const HlHttpTransfer *transfer);
/* What has come of a success's body while it is in flight; NULL: nothing. */
extern const HlBytes *hl_http_body(const HlHttpTransfer *transfer);
/* Ends a transfer in flight as the network would, and closes its connection. */
extern void hl_http_stop(HlHttpTransfer *transfer, HlTransport transport,
						 const char *why);
/* Releases a transfer, in flight or ended. */
extern void hl_http_release(HlHttpTransfer *transfer);
/* Closes what is idle: libcurl's buffers hold what was sent last. */
extern void hl_http_forget(HlHttp *http);
extern void hl_http_destroy(HlHttp *http);
/* What an older libcurl cannot do: the first at once, when they hang. */
extern bool hl_http_leaves_lookups(void);
extern bool hl_http_tells_resends(void);

#endif
