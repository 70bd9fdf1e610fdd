/*
 * transfer.h
 *	  What the parts of http.c share: the event loop (http.c), setting up a
 *	  request on libcurl's easy handle (transfer.c), and taking a reply from it
 *	  (reply.c). Private to them. HlHttp owns its transfers.
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
	bool link_local;
	size_t max_body;

	/* what the callbacks know of the reply */
	HlTransport fault;
	unsigned long failures; /* of libcurl's allocations, when it began */
	bool opened;            /* a connection of its own */
	bool before_status;     /* the next line must be a status line */
	bool in_headers;
	bool chunked;
	int64_t content_length; /* -1: not said */
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
	void *context;
	HlSockets sockets;
	HlSignals signals;
	HlTrust trust;
	CURLM *multi;     /* NULL: to be made */
	bool broken;      /* the multi handle must not be called any more */
	int64_t timer_at; /* when libcurl wants to be called; -1: never */
	int in_flight;
	int nslots;
	int nused;
	int kept; /* slots and connections, at most */
	HlHttpTransfer *slots;
};

/* Sets one option; false if libcurl does not take it. */
#define SET(transfer, option, value)                                           \
	(curl_easy_setopt((transfer)->easy, option, value) == CURLE_OK)

/* A transfer with all that never changes set, or NULL. */
extern HlHttpTransfer *hl_transfer_create(HlHttp *http);
extern void hl_transfer_free(HlHttpTransfer *transfer);

/* Sets what a request asks for; false, and why in the transfer's error. */
extern bool hl_transfer_set(HlHttpTransfer *transfer,
							const HlHttpRequest *request);

/* Lets the callbacks here hear of a reply. */
extern bool hl_reply_listen(HlHttpTransfer *transfer);
/* Makes a transfer as if it had never received anything. */
extern void hl_reply_forget(HlHttpTransfer *transfer);
/* Notes whether the request may have left, where no callback says so. */
extern void hl_reply_look(HlHttpTransfer *transfer);

/* Makes a reply of what libcurl says at the end. */
extern void hl_reply_end(HlHttpTransfer *transfer, CURLcode code);
/* Makes one of what has come, for whoever wants no more of it. */
extern void hl_reply_stop(HlHttpTransfer *transfer, HlTransport transport,
						  const char *why);
/* Ends a transfer of which libcurl says nothing any more. */
extern void hl_reply_fail(HlHttpTransfer *transfer, const char *text);

#endif
