/*
 * http.c
 *	  The event loop: transfers on one libcurl multi handle that is kept.
 *
 * libcurl reports to on_socket() and on_timer() what it waits for.
 * hl_http_step() lets the caller wait for exactly that, and then calls libcurl
 * again. See signals.h for signals during such a call.
 */
#include "http/curlmemory.h"
#include "http/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/*
 * The number of slots and connections that are kept. While more transfers
 * exist, as many are kept: libcurl's limit includes connections in use, so
 * with a lower number each one would be closed at the end of its transfer.
 */
#define KEPT 16
#define EVENTS_AT_ONCE 16

/*
 * In so many passes that is read which has arrived when a time limit is over:
 * a full receive buffer, but not what a server sends without end.
 */
#define LAST_PASSES 128

/* The longest wait in ms without calling libcurl. */
#define LONGEST_WAIT_MS 1000

/*
 * Remembers an error of libcurl, after which the multi handle is not used
 * again.
 */
static bool
multi_ok(HlHttp *http, CURLMcode code)
{
	if (code != CURLM_OK)
		http->broken = true;
	return code == CURLM_OK;
}

/* CURLMOPT_SOCKETFUNCTION */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	HlHttp *http = context;
	uint32_t events = 0;

	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (hl_sockets_watch(&http->sockets, fd, events))
		return 0;
	http->broken = true;
	return -1;
}

/* CURLMOPT_TIMERFUNCTION */
static int
on_timer(CURLM *multi, long timeout_ms, void *context)
{
	HlHttp *http = context;

	http->timer_at = timeout_ms < 0 ? -1
									: http->clock(http->context) +
										  (int64_t) timeout_ms * 1000;
	return 0;
}

/* Removes a slot from the list and frees it. */
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
	hl_transfer_free(transfer);
}

static HlHttpTransfer *
new_slot(HlHttp *http)
{
	HlHttpTransfer *transfer = hl_transfer_create(http);

	if (transfer == NULL)
		return NULL;
	transfer->next = http->slots;
	http->slots = transfer;
	http->nslots++;
	return transfer;
}

/* Sets the number of slots and connections to keep. */
static void
keep(HlHttp *http, int count)
{
	http->kept = count;
	if (http->multi != NULL)
		multi_ok(http, curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS,
										 (long) count));
}

/*
 * Returns to the usual number of connections when no transfer is left. libcurl
 * closes the others later: when a transfer ends, and after two idle minutes.
 */
static void
keep_few(HlHttp *http)
{
	HlHttpTransfer *next;

	keep(http, KEPT);
	for (HlHttpTransfer *slot = http->slots;
		 slot != NULL && http->nslots > KEPT; slot = next)
	{
		next = slot->next;
		free_slot(slot);
	}
}

/* A free slot, or a new one; NULL: out of memory. */
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
		hl_reply_forget(transfer);
		transfer->used = true;
		if (++http->nused > http->kept)
			keep(http, http->nused);
	}
	return transfer;
}

static bool
open_multi(HlHttp *http)
{
	CURLM *multi = http->multi;

	if (multi != NULL)
		return true;
	hl_signals_block(&http->signals);
	multi = http->multi = curl_multi_init();
	http->broken = false;
	http->timer_at = -1;
	hl_sockets_forget(&http->sockets);
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
											(long) http->kept));
}

static void
remove_transfer(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;

	if (transfer->added && http->multi != NULL && !http->broken)
		multi_ok(http, curl_multi_remove_handle(http->multi, transfer->easy));
	if (transfer->added && --http->in_flight == 0)
		http->ends_at = INT64_MAX;
	transfer->added = false;
}

/* Ends the transfers that libcurl has completed. */
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
		hl_reply_end(transfer, code);
		remove_transfer(transfer);
	}
}

/* Ends all transfers of a multi handle that must not be used any more. */
static void
drop_multi(HlHttp *http)
{
	for (HlHttpTransfer *transfer = http->slots; transfer != NULL;
		 transfer = transfer->next)
	{
		if (!transfer->added)
			continue;
		hl_reply_look(transfer);
		hl_reply_fail(transfer, "libcurl failed");
		transfer->added = false;
	}
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	http->multi = NULL;
	http->broken = false;
	http->in_flight = 0;
	http->ends_at = INT64_MAX;
	http->timer_at = -1;
}

/*
 * Lets libcurl handle timeouts, including those of transfers that were just
 * started.
 */
static void
act_on_clock(HlHttp *http)
{
	int running;

	http->timer_at = -1;
	multi_ok(http, curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0,
											&running));
}

/* Reports the events of a socket to libcurl. */
static void
act_on_socket(HlHttp *http, int fd, uint32_t events)
{
	int ready = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
				(events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
	int running;

	multi_ok(http, curl_multi_socket_action(http->multi, fd, ready, &running));
}

/* Whether libcurl's timeout has elapsed. */
static bool
is_due(const HlHttp *http)
{
	return http->timer_at >= 0 && http->timer_at <= http->clock(http->context);
}

/*
 * Lets libcurl handle ready sockets; returns their number. If only one socket
 * is watched, it is not checked first, since reading from it has the same
 * effect. The exception is a wait that libcurl's timer may have ended: if it
 * is told of a socket within a millisecond before its timeout, libcurl drops
 * the timer (add_next_timeout() in its multi.c).
 */
static int
act_on_sockets(HlHttp *http)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int alone = is_due(http) ? -1 : hl_sockets_alone(&http->sockets);
	int count;

	if (alone >= 0)
	{
		act_on_socket(http, alone, EPOLLIN);
		return 1;
	}
	count = epoll_wait(http->sockets.epoll_fd, events, EVENTS_AT_ONCE, 0);
	for (int i = 0; i < count && !http->broken; i++)
		if (!hl_sockets_unpark(&http->sockets, events[i].data.fd))
			act_on_socket(http, events[i].data.fd, events[i].events);
	return count;
}

/* Lets libcurl handle ready sockets and timeouts. */
static void
act(HlHttp *http)
{
	int count = act_on_sockets(http);

	if (!http->broken && (count <= 0 || is_due(http)))
		act_on_clock(http);
}

/* Checks all transfers in flight, for hl_http_sent(). */
static void
look_at_flights(HlHttp *http)
{
	for (HlHttpTransfer *transfer = http->slots; transfer != NULL;
		 transfer = transfer->next)
		if (transfer->added)
			hl_reply_look(transfer);
}

/* Ends completed transfers, and notes for the others whether they were sent. */
static void
settle(HlHttp *http)
{
	if (!http->broken)
		collect(http);
	if (http->broken)
		drop_multi(http);
	look_at_flights(http);
}

/*
 * Handles what has arrived. libcurl reads a part at a time: the rest is read in
 * further passes.
 */
static void
catch_up(HlHttp *http)
{
	struct epoll_event event;

	for (int pass = 0;
		 pass < LAST_PASSES && http->in_flight > 0 &&
		 (is_due(http) || epoll_wait(http->sockets.epoll_fd, &event, 1, 0) > 0);
		 pass++)
	{
		act(http);
		settle(http);
	}
}

void
hl_http_catch_up(HlHttp *http)
{
	hl_signals_enter(&http->signals);
	catch_up(http);
	hl_signals_leave(&http->signals);
}

/* Ends a transfer whose time is over, with libcurl's words. */
static void
time_out(HlHttpTransfer *transfer, int64_t now)
{
	int64_t took = (now - transfer->began_at) / 1000;
	char why[128];

	if (!transfer->reply.sent)
		snprintf(why, sizeof(why),
				 "Connection timed out after %" PRId64 " milliseconds", took);
	else if (transfer->content_length < 0)
		snprintf(why, sizeof(why),
				 "Operation timed out after %" PRId64
				 " milliseconds with %zu bytes received",
				 took, transfer->reply.body.len);
	else
		snprintf(why, sizeof(why),
				 "Operation timed out after %" PRId64
				 " milliseconds with %zu out of %" PRId64 " bytes received",
				 took, transfer->reply.body.len, transfer->content_length);
	hl_reply_stop(transfer, HL_TRANSPORT_TIMEOUT, why);
	remove_transfer(transfer);
}

/*
 * Ends transfers whose time is over. The caller may have been away for longer
 * than that: a reply that has arrived is not late. So this limit is not
 * libcurl's, which would check it before it reads.
 */
static void
end_late(HlHttp *http, int64_t now)
{
	int64_t next = INT64_MAX;

	catch_up(http);
	for (HlHttpTransfer *transfer = http->slots; transfer != NULL;
		 transfer = transfer->next)
	{
		if (transfer->added && transfer->ends_at <= now)
			time_out(transfer, now);
		else if (transfer->added && transfer->ends_at < next)
			next = transfer->ends_at;
	}
	http->ends_at = next;
	if (http->broken)
		drop_multi(http);
}

/*
 * The time to wait: until libcurl's timeout, the end of a transfer's time or
 * the caller's; -1 without limit.
 */
static long
wait_time(HlHttp *http, long timeout_ms)
{
	int64_t until = http->ends_at;

	if (http->in_flight == 0)
		return timeout_ms;
	if (timeout_ms < 0 || timeout_ms > LONGEST_WAIT_MS)
		timeout_ms = LONGEST_WAIT_MS;
	if (http->timer_at >= 0 && http->timer_at < until)
		until = http->timer_at;
	if (until == INT64_MAX)
		return timeout_ms;
	until -= http->clock(http->context);
	until = until <= 0 ? 0 : (until + 999) / 1000;
	return until < timeout_ms ? (long) until : timeout_ms;
}

/*
 * If nothing is in flight, a kept connection that the server has closed would
 * end every wait. libcurl notices the close when it needs the connection.
 */
static void
unpark_closed(HlHttp *http)
{
	struct epoll_event event;

	if (http->sockets.parked >= 0 &&
		epoll_wait(http->sockets.epoll_fd, &event, 1, 0) == 1)
		(void) hl_sockets_unpark(&http->sockets, event.data.fd);
}

void
hl_http_step(HlHttp *http, long timeout_ms)
{
	int64_t now;

	http->wait(http->context, http->sockets.epoll_fd,
			   wait_time(http, timeout_ms));
	if (http->in_flight == 0)
	{
		unpark_closed(http);
		return;
	}
	http->halted = false;
	hl_signals_enter(&http->signals);
	act(http);
	settle(http);
	now = http->clock(http->context);
	if (http->ends_at <= now)
		end_late(http, now);
	hl_signals_leave(&http->signals);
	/* a transfer was halted for that: the call must not end with its failure */
	if (http->halted)
		http->wait(http->context, http->sockets.epoll_fd, 0);
}

/* Passes a transfer to libcurl and starts it: it connects, or sends. */
static bool
launch(HlHttpTransfer *transfer, long timeout_ms)
{
	HlHttp *http = transfer->http;

	if (!open_multi(http) ||
		!multi_ok(http, curl_multi_add_handle(http->multi, transfer->easy)))
		return false;
	transfer->added = true;
	transfer->began_at = http->clock(http->context);
	transfer->ends_at = timeout_ms > 0
							? transfer->began_at + (int64_t) timeout_ms * 1000
							: INT64_MAX;
	if (transfer->ends_at < http->ends_at)
		http->ends_at = transfer->ends_at;
	http->in_flight++;
	act_on_clock(http);
	return true;
}

HlHttpTransfer *
hl_http_start(HlHttp *http, const HlHttpRequest *request)
{
	HlHttpTransfer *transfer;

	hl_signals_enter(&http->signals);
	transfer = take_slot(http);
	if (transfer != NULL)
	{
		if (!hl_transfer_set(transfer, request))
			hl_reply_fail(transfer, transfer->error);
		else if (!launch(transfer, request->timeout_ms))
			hl_reply_fail(transfer, "libcurl cannot be set up");
	}
	settle(http);
	hl_signals_leave(&http->signals);
	return transfer;
}

HlHttpReply *
hl_http_reply(HlHttpTransfer *transfer)
{
	return transfer->ended ? &transfer->reply : NULL;
}

bool
hl_http_sent(const HlHttpTransfer *transfer)
{
	return transfer->reply.sent;
}

/*
 * Only a success's body is given while in flight: redirects and errors are
 * read when they are complete.
 */
const HlBytes *
hl_http_body(const HlHttpTransfer *transfer)
{
	int status = transfer->reply.status;

	return transfer->added && status >= 200 && status < 300
			   ? &transfer->reply.body
			   : NULL;
}

/* The connection is closed, since the rest of the reply may still arrive. */
void
hl_http_stop(HlHttpTransfer *transfer, HlTransport transport, const char *why)
{
	HlHttp *http = transfer->http;

	if (!transfer->added)
		return;
	hl_signals_enter(&http->signals);
	hl_reply_stop(transfer, transport, why);
	remove_transfer(transfer);
	if (http->broken)
		drop_multi(http);
	hl_signals_leave(&http->signals);
}

/*
 * A handle on which libcurl has repeated a request is not used again: before
 * 8.17 libcurl counts repetitions over the life of the handle, and fails at
 * the sixth (https://github.com/curl/curl/pull/19066).
 */
void
hl_http_release(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;

	if (transfer->added)
	{
		hl_signals_enter(&http->signals);
		remove_transfer(transfer);
		if (http->broken)
			drop_multi(http);
		hl_signals_leave(&http->signals);
	}
	transfer->used = false;
	http->nused--;
	if (!SET(transfer, CURLOPT_POSTFIELDS, NULL) ||
		!SET(transfer, CURLOPT_HTTPHEADER, NULL))
		transfer->spoiled = true;
	hl_bytes_free(&transfer->reply.body);
	if (transfer->spoiled || transfer->reply.resent)
		free_slot(transfer);
	if (http->nused == 0 && http->kept > KEPT)
		keep_few(http);
}

HlHttp *
hl_http_create(HlWait wait, HlClock clock, HlAsk interrupted, void *context)
{
	HlHttp *http = calloc(1, sizeof(*http));
	bool initialised;

	if (http == NULL)
		return NULL;
	http->wait = wait;
	http->clock = clock;
	http->interrupted = interrupted;
	http->context = context;
	http->timer_at = -1;
	http->ends_at = INT64_MAX;
	http->kept = KEPT;
	hl_sockets_forget(&http->sockets);
	hl_signals_init(&http->signals);
	http->sockets.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	hl_signals_block(&http->signals);
	initialised = hl_curlmemory_init();
	hl_signals_leave(&http->signals);
	if (http->sockets.epoll_fd >= 0 && initialised)
		return http;
	if (http->sockets.epoll_fd >= 0)
		close(http->sockets.epoll_fd);
	free(http);
	return NULL;
}

/*
 * Closes all connections, unless one is in use, and frees everything that was
 * kept except the certificate authorities, which are not secret.
 */
void
hl_http_forget(HlHttp *http)
{
	HlHttpTransfer *next;

	if (http == NULL || http->in_flight > 0)
		return;
	hl_signals_block(&http->signals);
	drop_multi(http);
	for (HlHttpTransfer *slot = http->slots; slot != NULL; slot = next)
	{
		next = slot->next;
		if (!slot->used)
			free_slot(slot);
	}
	hl_signals_leave(&http->signals);
}

void
hl_http_destroy(HlHttp *http)
{

	if (http == NULL)
		return;
	hl_signals_block(&http->signals);
	for (HlHttpTransfer *transfer = http->slots; transfer != NULL;
		 transfer = transfer->next)
		remove_transfer(transfer);
	drop_multi(http);
	while (http->slots != NULL)
		free_slot(http->slots);
	hl_trust_free(&http->trust);
	close(http->sockets.epoll_fd);
	hl_signals_leave(&http->signals);
	free(http);
}

bool
hl_http_leaves_lookups(void)
{
	curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

	return LIBCURL_VERSION_NUM >= 0x075700 &&
		   version->version_num >= 0x075700 &&
		   (version->features & CURL_VERSION_ASYNCHDNS) != 0;
}

bool
hl_http_tells_resends(void)
{
	return LIBCURL_VERSION_NUM >= 0x075000;
}
