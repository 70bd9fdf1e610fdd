/*
 * transfer.h
 *	  Private to the room: the event loop (http.c), the setup of a request on
 *	  libcurl's easy handle (transfer.c), the reply (reply.c). HlHttp owns all.
 */
#ifndef HL_HTTP_TRANSFER_H
#define HL_HTTP_TRANSFER_H

#include "http/http.h"
#include "http/signals.h"
#include "http/sockets.h"
#include "http/trust.h"

#include <curl/curl.h>

/* One transfer; the easy handle and its settings are kept for the next. */
struct HlHttpTransfer
{
	HlHttpTransfer *next;
	HlHttp *http;
	CURL *easy;
	bool used, ended;
	bool added;   /* to the multi handle */
	bool spoiled; /* must be freed: its settings are incomplete */
	HlHttpReply reply;

	/* what was set last on the easy handle */
	HlBytes url, ca_bundle, proxy;
	struct curl_slist *lines;
	int lines_size;
	bool plain, link_local;
	size_t max_body;
	long connect_ms;

	int64_t began_at, connect_by, ends_at; /* INT64_MAX: no limit */

	/* state of the callbacks */
	HlTransport fault;
	unsigned long failures; /* hl_curlmemory_failures() at the start */
	bool opened;            /* it has opened a connection */
	bool connecting;        /* and has sent no request on it */
	const char *halted;     /* why a callback has ended it; NULL: none has */
	bool before_status;     /* the next line must be a status line */
	bool in_headers, chunked;
	int64_t content_length; /* -1: not sent */
	int header_lines;
	size_t header_bytes;
	int request_id_rank;
	const char *const *wanted; /* the request's */
	int nwanted;
	char error[CURL_ERROR_SIZE];
};

struct HlHttp
{
	HlWait wait;
	HlClock clock;
	HlAsk interrupted;
	void *context;
	HlSockets sockets;
	HlSignals signals;
	HlTrust trust;
	CURLM *multi;     /* NULL: not created yet */
	bool broken;      /* the multi handle must not be called any more */
	bool halted;      /* an interrupt has ended a transfer */
	int64_t timer_at; /* libcurl's timeout, microseconds; -1: none */
	int64_t ends_at;  /* when the time of some transfer may be over */
	int in_flight;
	int nslots, nused, kept; /* kept: the most slots and connections */
	HlHttpTransfer *slots;
};

/* Sets one option; false if libcurl does not take it. */
#define SET(transfer, option, value)                                           \
	(curl_easy_setopt((transfer)->easy, option, value) == CURLE_OK)

/* A transfer with all fixed options set; NULL: out of memory. */
extern HlHttpTransfer *hl_transfer_create(HlHttp *http);
extern void hl_transfer_free(HlHttpTransfer *transfer);

/* Sets the options of a request; false: see the transfer's error. */
extern bool hl_transfer_set(HlHttpTransfer *transfer,
							const HlHttpRequest *request);

/* Installs the callbacks of reply.c. */
extern bool hl_reply_listen(HlHttpTransfer *transfer);
/* Resets everything that was received. */
extern void hl_reply_forget(HlHttpTransfer *transfer);
/* Updates reply.sent, for a libcurl without the callback that does so. */
extern void hl_reply_look(HlHttpTransfer *transfer);

/* Completes the reply after libcurl has reported its result. */
extern void hl_reply_end(HlHttpTransfer *transfer, CURLcode code);
/* Completes the reply early, with what was received so far. */
extern void hl_reply_stop(HlHttpTransfer *transfer, HlTransport transport,
						  const char *why);
/* Ends a transfer about which libcurl reports nothing any more. */
extern void hl_reply_fail(HlHttpTransfer *transfer, const char *text);

#endif
