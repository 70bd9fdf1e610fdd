/*
 * http.c
 *	  The event loop: transfers on one kept libcurl multi handle.
 *
 * libcurl tells on_socket() and on_timer() what it waits for; hl_http_step()
 * lets the caller wait for just that, and then calls back into libcurl with
 * all signals blocked: a thread that libcurl starts (the name lookup) inherits
 * the mask, so that no handler of the program ever runs in it.
 */
#include "http/curlmemory.h"
#include "http/transfer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_KEPT_SLOTS 16
#define MAX_KEPT_CONNECTIONS 16
#define EVENTS_AT_ONCE 16

/* libcurl's timers are trusted for so long. */
#define LONGEST_WAIT_MS 1000

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
	hl_transfer_free(transfer);
}

/* A new slot, or NULL. */
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
		hl_reply_forget(transfer);
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
		hl_reply_end(transfer, code);
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
		hl_reply_look(transfer);
		hl_reply_fail(transfer, "libcurl failed");
		transfer->added = false;
	}
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	http->multi = NULL;
	http->broken = false;
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
			hl_reply_look(transfer);
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

	http->wait(http->context, http->epoll_fd, wait_time(http, timeout_ms));
	if (http->in_flight == 0)
		return;
	signals_block(&saved);
	act(http);
	settle(http);
	signals_restore(&saved);
}

/* Hands a transfer to libcurl and lets it begin: it connects, or sends. */
static bool
launch(HlHttpTransfer *transfer)
{
	HlHttp *http = transfer->http;

	if (!open_multi(http) ||
		!multi_ok(http, curl_multi_add_handle(http->multi, transfer->easy)))
		return false;
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
	if (transfer != NULL)
	{
		if (!hl_transfer_set(transfer, request))
			hl_reply_fail(transfer, transfer->error);
		else if (!launch(transfer))
			hl_reply_fail(transfer, "libcurl cannot be set up");
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

/* A redirect or an error is read at its end. */
const HlBytes *
hl_http_body(const HlHttpTransfer *transfer)
{
	int status = transfer->reply.status;

	return transfer->added && status >= 200 && status < 300
			   ? &transfer->reply.body
			   : NULL;
}

/* The connection goes with the rest of the reply, which may still come. */
void
hl_http_stop(HlHttpTransfer *transfer, HlTransport transport, const char *why)
{
	sigset_t saved;

	if (!transfer->added)
		return;
	signals_block(&saved);
	hl_reply_stop(transfer, transport, why);
	remove_transfer(transfer);
	if (transfer->http->broken)
		drop_multi(transfer->http);
	signals_restore(&saved);
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
