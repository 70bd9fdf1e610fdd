/*
 * http.c
 *	  Transfers against the test's own servers, on loopback.
 *
 * getaddrinfo(), connect() and recv() replace those of libc: the test resolves
 * names under .test, only connects to loopback, and receives in small parts.
 */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "http/http.h"

#include "peer.h"
#include "tap.h"

#include <curl/curl.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>

#define LARGE (2 * 1024 * 1024)

static HlHttp *http;
static bool leaves; /* abandons hanging lookups at once */
static char ca_path[256];
static char other_ca_path[256];

/* state and orders of the replaced functions */
static atomic_int strange_connects;
static atomic_int lookups_under_way;
static atomic_bool lookup_was_interruptible;
static atomic_int handlers_changed;
static int multi_failures;
static int epoll_changes;

/* orders and counters of the waiting function */
static jmp_buf escape;
static int waits_until_escape;
static int waits;

/* Ignores leaks that are not ours, from here on, or no longer. */
static void
forgive_leaks(bool forgive)
{
#ifdef __SANITIZE_ADDRESS__
	if (forgive)
		__lsan_disable();
	else
		__lsan_enable();
#else
	(void) forgive;
#endif
}

/* Replaces libc's: resolves names under .test as the test specifies. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
				struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	sigset_t mask;

	if (node == NULL || strstr(node, ".test") == NULL)
		return real(node, service, hints, result);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGINT) || !sigismember(&mask, SIGALRM) ||
		!sigismember(&mask, SIGUSR1) || !sigismember(&mask, SIGTERM))
		lookup_was_interruptible = true;
	if (strcmp(node, "strange.test") == 0)
		return real("192.0.2.1", service, hints, result);
	if (strcmp(node, "slow.test") == 0)
	{
		lookups_under_way++;
		usleep(700 * 1000);
		lookups_under_way--;
	}
	return EAI_NONAME;
}

/* Replaces libc's: refuses connections to other machines. */
int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	int (*real)(int, const struct sockaddr *, socklen_t) =
		dlsym(RTLD_NEXT, "connect");
	const struct sockaddr_in *in = (const void *) address;
	const struct sockaddr_in6 *in6 = (const void *) address;

	if ((address->sa_family == AF_INET &&
		 ntohl(in->sin_addr.s_addr) >> 24 != 127) ||
		(address->sa_family == AF_INET6 &&
		 !IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)))
	{
		strange_connects++;
		errno = ENETUNREACH;
		return -1;
	}
	return real(fd, address, len);
}

/* Replaces libc's: records changes to the program's signal handlers. */
int
sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	int (*real)(int, const struct sigaction *, struct sigaction *) =
		dlsym(RTLD_NEXT, "sigaction");

	if (action != NULL && (number == SIGPIPE || number == SIGALRM))
		handlers_changed++;
	return real(number, action, old);
}

/* Replaces libc's: counts changes of the epoll set. */
int
epoll_ctl(int epoll_fd, int change, int fd, struct epoll_event *event)
{
	int (*real)(int, int, int, struct epoll_event *) =
		dlsym(RTLD_NEXT, "epoll_ctl");

	epoll_changes++;
	return real(epoll_fd, change, fd, event);
}

/* Replaces libcurl's: fails as often as the test specifies. */
CURLMcode
curl_multi_socket_action(CURLM *multi, curl_socket_t fd, int events,
						 int *running)
{
	CURLMcode (*real)(CURLM *, curl_socket_t, int, int *) =
		dlsym(RTLD_NEXT, "curl_multi_socket_action");

	if (multi_failures > 0)
	{
		multi_failures--;
		return CURLM_INTERNAL_ERROR;
	}
	return real(multi, fd, events, running);
}

/* The offset of the clock that is passed to the loop. */
static int64_t clock_ahead = 0;

/* A monotonic clock, in microseconds. */
static int64_t
now(void *context)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return clock_ahead + time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000;
}

/* Waits like a program, and jumps out if the test specifies that. */
static void
wait_for(void *context, int epoll_fd, long timeout_ms)
{
	struct pollfd fd = {.fd = epoll_fd, .events = POLLIN};

	waits++;
	if (waits_until_escape > 0 && --waits_until_escape == 0)
		longjmp(escape, 1);
	poll(&fd, 1, (int) timeout_ms);
}

/* Whether the caller is interrupted: once so many have asked. */
static int asked;
static int asks_until_interrupt;

static bool
is_interrupted(void *context)
{
	asked++;
	return asks_until_interrupt > 0 && asked >= asks_until_interrupt;
}

/* The number of open descriptors, without those of the test's servers. */
static int
descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = -peers_alive;

	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static const char *const some_headers[] = {"Host: localhost",
										   "Authorization: AWS4 secret"};

/* The usual request of tests. */
static HlHttpRequest
request_to(const char *url)
{
	return (HlHttpRequest){.url = url,
						   .headers = some_headers,
						   .nheaders = 2,
						   .body = "{\"a\":1}",
						   .body_len = 7,
						   .connect_timeout_ms = 2000,
						   .timeout_ms = 5000,
						   .plain = strncmp(url, "http:", 5) == 0};
}

/* Until it is sent, or has ended before. */
static void
send_off(HlHttpTransfer *transfer)
{
	while (!hl_http_sent(transfer) && hl_http_reply(transfer) == NULL)
		hl_http_step(http, 10);
}

/* Drives a transfer to its end. */
static HlHttpReply *
finish(HlHttpTransfer *transfer)
{
	while (hl_http_reply(transfer) == NULL)
		hl_http_step(http, -1);
	return hl_http_reply(transfer);
}

/* The address of a server. */
static const char *
url_of(const PeerServer *server, const char *path)
{
	static char url[128];

	snprintf(url, sizeof(url), "http%s://%s:%d%s", server->tls ? "s" : "",
			 server->tls ? "localhost" : "127.0.0.1", server->port, path);
	return url;
}

static const char *const transport_names[] = {
	"OK",   "DNS",      "CONNECT",   "TLS",    "UNTRUSTED", "TIMEOUT",
	"LOST", "NOT_HTTP", "TOO_LARGE", "MEMORY", "UNUSABLE"};

/* Makes one request and checks how it ends. */
static void
ends(const HlHttpRequest *request, HlTransport transport, bool sent,
	 const char *name)
{
	HlHttpTransfer *transfer = hl_http_start(http, request);
	HlHttpReply *reply = finish(transfer);

	if (!ok(reply->transport == transport && reply->sent == sent &&
				(transport == HL_TRANSPORT_OK) == (reply->error[0] == '\0'),
			"%s", name) ||
		transport != HL_TRANSPORT_OK)
		printf("# %s, %ssent, status %d, %zu bytes: %s\n",
			   transport_names[reply->transport], reply->sent ? "" : "not ",
			   reply->status, reply->body.len, reply->error);
	hl_http_release(transfer);
}

/* Handler: answers every request with a success. */
static void
answer(Peer *peer)
{
	while (peer_request(peer))
		peer_say(peer, "HTTP/1.1 200 OK\r\n"
					   "x-amzn-RequestId: id\x1b-1\r\n"
					   "X-Amz-Request-Id: id-3\r\n"
					   "Date: Wed, 21 Oct 2015 07:28:00 GMT\r\n"
					   "Content-Type: application/x-amz-json-1.0\r\n"
					   "Content-Length: 8\r\n\r\n{\"b\": 2}");
}

/* Checks the sent bytes and the fields of the reply. */
static void
test_success(void)
{
	PeerServer server = peer_serve(answer);
	HlHttpRequest request = request_to(url_of(&server, "/a/../b/"));
	HlHttpTransfer *transfer;
	HlHttpReply *reply;
	int64_t began = now(NULL);

	peer_start(&server);
	transfer = hl_http_start(http, &request);
	reply = finish(transfer);
	ok(reply->transport == HL_TRANSPORT_OK && reply->status == 200 &&
		   reply->sent && !reply->resent && reply->framed,
	   "a reply comes");
	is(hl_bytes_string(&reply->body), "{\"b\": 2}", "with its body");
	is(reply->request_id, "id -1", "the first of the request ids, as a line");
	is(reply->date, "Wed, 21 Oct 2015 07:28:00 GMT", "the date");
	is(reply->content_type, "application/x-amz-json-1.0", "the content type");
	is(reply->age, "", "a header that did not come is empty");
	ok(began <= reply->sent_at && reply->sent_at <= reply->received_at &&
		   reply->received_at <= now(NULL),
	   "times are in order");
	is(peer_last,
	   "POST /a/../b/ HTTP/1.1\r\nHost: localhost\r\n"
	   "Authorization: AWS4 secret\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
	   "libcurl adds Content-Length, and no Content-Type");
	hl_http_release(transfer);
	peer_stop(&server);
}

/* Handler: an interim reply, and then duplicate headers. */
static void
answer_headers(Peer *peer)
{
	while (peer_request(peer))
		peer_say(peer, "HTTP/1.1 103 Early Hints\r\nETag: W/\"0\"\r\n"
					   "Link: <a>\r\n\r\n"
					   "HTTP/1.1 200 OK\r\netag:  W/\"7\" \r\n"
					   "ETag: W/\"8\"\r\nLocation:\r\n"
					   "Content-Length: 2\r\n\r\n{}");
}

/* Only the requested headers are returned. */
static void
test_wanted_headers(void)
{
	static const char *const wanted[] = {"ETag", "Location", "Link"};
	PeerServer server = peer_serve(answer_headers);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	HlHttpTransfer *transfer;
	HlHttpReply *reply;

	request.wanted = wanted;
	request.nwanted = 3;
	peer_start(&server);
	transfer = hl_http_start(http, &request);
	reply = finish(transfer);
	is(hl_bytes_string(&reply->wanted[0]), "W/\"7\"",
	   "a header that is wanted, by any case, the first of two");
	ok(reply->wanted[1].data != NULL && reply->wanted[1].len == 0,
	   "one that is empty is there");
	ok(reply->wanted[2].data == NULL,
	   "one that came with an interim reply alone is not");
	hl_http_release(transfer);
	request.nwanted = 0;
	transfer = hl_http_start(http, &request);
	reply = finish(transfer);
	ok(reply->wanted[0].data == NULL, "nothing is left of it for the next");
	hl_http_release(transfer);
	peer_stop(&server);
}

/* Whether children would inherit a connection to a port. */
static bool
is_inherited(int port)
{
	struct sockaddr_in peer;

	for (int fd = 0; fd < 256; fd++)
	{
		socklen_t len = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *) &peer, &len) == 0 &&
			peer.sin_family == AF_INET && ntohs(peer.sin_port) == port &&
			(fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
			return true;
	}
	return false;
}

/* Other methods, one after the other in the same slot. */
static void
test_methods(void)
{
	static const char *const headers[] = {"Host: localhost", "Content-Type:"};
	static const struct
	{
		const char *method;
		const char *body;
		const char *request;
	} cases[] = {
		{"GET", NULL, "GET /x?y HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"PUT", NULL,
		 "PUT /x?y HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
		 "\r\n"},
		{"GET", NULL, "GET /x?y HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{NULL, "a=b",
		 "POST /x?y HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
		 "\r\na=b"},
	};
	PeerServer server = peer_serve(answer);
	HlHttpRequest request = request_to(url_of(&server, "/x?y"));

	request.headers = headers;
	request.link_local = true;
	request.secret = true;
	peer_start(&server);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HlHttpTransfer *transfer;

		request.method = cases[i].method;
		request.body = cases[i].body;
		request.body_len = cases[i].body != NULL ? strlen(cases[i].body) : 0;
		transfer = hl_http_start(http, &request);
		ok(finish(transfer)->status == 200 &&
			   hl_http_reply(transfer)->body.secret,
		   "%s is answered", cases[i].method != NULL ? cases[i].method : "");
		is(peer_last, cases[i].request, "and was sent as it should be");
		hl_http_release(transfer);
	}
	peer_stop(&server);
}

/* Connections are kept, unless a new one is requested. */
static void
test_connections(void)
{
	PeerServer server = peer_serve(answer);
	HlHttpRequest request = request_to(url_of(&server, "/"));

	peer_start(&server);
	for (int i = 0; i < 3; i++)
		ends(&request, HL_TRANSPORT_OK, true, "one of three requests");
	ok(peer_connections == 1 && peer_requests == 3,
	   "three requests take one connection");
	ok(!is_inherited(server.port), "which no child inherits");
	request.fresh = true;
	ends(&request, HL_TRANSPORT_OK, true, "a fresh one");
	ok(peer_connections == 2, "takes another connection");
	peer_stop(&server);
}

/* Handler: answers, and closes the kept connection later. */
static void
answer_and_leave(Peer *peer)
{
	peer_request(peer);
	peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	usleep(50 * 1000);
}

/* A kept connection that the peer closes does not end every wait. */
static void
test_left_connection(void)
{
	PeerServer server = peer_serve(answer_and_leave);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	int64_t began;

	hl_http_forget(http); /* close other kept connections */
	peer_start(&server);
	ends(&request, HL_TRANSPORT_OK, true, "a request before the other leaves");
	hl_http_step(http, 300);
	began = now(NULL);
	hl_http_step(http, 300);
	ok(now(NULL) - began > 250 * 1000,
	   "a connection that was closed ends no wait but the first");
	ends(&request, HL_TRANSPORT_OK, true, "and the next request");
	ok(peer_connections == 2, "takes another connection");
	peer_stop(&server);
}

/* Handler: answers once, and closes the connection at the next request. */
static void
answer_once(Peer *peer)
{
	peer_request(peer);
	peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	if (peer->nth == 0)
		peer_request(peer);
	peer_reset(peer);
}

/* Requests that libcurl repeats itself, and those that it must not. */
static void
test_dead_connection(void)
{
	PeerServer server = peer_serve(answer_once);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	HlHttpTransfer *transfer;

	peer_start(&server);
	ends(&request, HL_TRANSPORT_OK, true, "a first request");
	transfer = hl_http_start(http, &request);
	ok(finish(transfer)->transport == HL_TRANSPORT_OK,
	   "libcurl repeats one whose kept connection dies");
	ok(hl_http_reply(transfer)->resent == hl_http_tells_resends(),
	   "which is told, where libcurl can");
	hl_http_release(transfer);
	ok(peer_requests == 3, "so the server sees it twice");
	peer_stop(&server);

	server = peer_serve(answer_once);
	request = request_to(url_of(&server, "/"));
	peer_start(&server);
	ends(&request, HL_TRANSPORT_OK, true, "a first request");
	request.fresh = true;
	ends(&request, HL_TRANSPORT_OK, true, "a fresh connection");
	ok(peer_requests == 2, "lets nothing be sent twice");
	peer_stop(&server);
}

/*
 * Handler: answers once on each connection, and closes it at the next request.
 */
static void
answer_once_each(Peer *peer)
{
	peer_request(peer);
	peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	peer_request(peer);
	peer_reset(peer);
}

/*
 * Before 8.17 libcurl counts repetitions over the life of a handle, and fails
 * at the sixth.
 */
static void
test_many_dead_connections(void)
{
	PeerServer server = peer_serve(answer_once_each);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	int repeated = 0;

	peer_start(&server);
	ends(&request, HL_TRANSPORT_OK, true, "a first request");
	for (int i = 0; i < 12; i++)
	{
		HlHttpTransfer *transfer = hl_http_start(http, &request);

		repeated += finish(transfer)->transport == HL_TRANSPORT_OK;
		hl_http_release(transfer);
	}
	ok(repeated == 12 || !hl_http_tells_resends(),
	   "12 kept connections die, and each request is repeated (%d)", repeated);
	peer_stop(&server);
}

/* Handler: reads a request that is larger than its buffer. */
static void
swallow(Peer *peer)
{
	char rest[65536];
	size_t len = 0;
	int got;

	while (len <= LARGE && (got = peer_receive(peer, rest, sizeof(rest))) > 0)
	{
		if (len == 0)
			memcpy(peer_last, rest, (size_t) got - 1); /* and a zero */
		len += (size_t) got;
	}
	peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

/* A large body is sent without Expect: 100-continue. */
static void
test_large_request(void)
{
	PeerServer server = peer_serve(swallow);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	char *body = malloc(LARGE);

	memset(body, 'x', LARGE);
	request.body = body;
	request.body_len = LARGE;
	peer_start(&server);
	ends(&request, HL_TRANSPORT_OK, true, "a large request");
	ok(strstr(peer_last, "POST / ") == peer_last &&
		   strcasestr(peer_last, "\r\nexpect:") == NULL,
	   "asks for no leave");
	peer_stop(&server);
	free(body);
}

/* Handler: answers with increasing delays. */
static void
answer_slowly(Peer *peer)
{
	peer_request(peer);
	usleep(100 * 1000);
	peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	peer_wait(peer);
}

/* Many transfers share one wait. */
static void
test_many(void)
{
	PeerServer server = peer_serve(answer_slowly);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	HlHttpTransfer *transfers[30];
	int64_t began = now(NULL);
	int good = 0;

	peer_start(&server);
	for (int i = 0; i < 30; i++)
		transfers[i] = hl_http_start(http, &request);
	for (int i = 0; i < 30; i++)
		if (finish(transfers[i])->transport == HL_TRANSPORT_OK)
			good++;
	ok(good == 30, "thirty transfers end well");
	ok(now(NULL) - began < 1500 * 1000, "beside each other");
	for (int i = 0; i < 30; i++)
		hl_http_release(transfers[i]);
	peer_stop(&server);
}

/* The socket of the connection used last stays in the epoll set. */
static void
test_parked(void)
{
	PeerServer first = peer_serve(answer);
	PeerServer second = peer_serve(answer);
	HlHttpRequest request;

	peer_start(&first);
	peer_start(&second);
	request = request_to(url_of(&first, "/"));
	ends(&request, HL_TRANSPORT_OK, true, "a request to one host");
	request.url = url_of(&second, "/");
	ends(&request, HL_TRANSPORT_OK, true, "and to another");
	epoll_changes = 0;
	for (int i = 0; i < 10; i++)
		ends(&request, HL_TRANSPORT_OK, true, "again");
	/* since 8.17 libcurl removes the socket of an idle connection itself */
	ok(epoll_changes == 0 ||
		   curl_version_info(CURLVERSION_NOW)->version_num >= 0x081100,
	   "changes nothing that is waited for: %d", epoll_changes);
	peer_stop(&first);
	peer_stop(&second);
}

/* With more transfers than the usual number, connections are still kept. */
static void
test_waves(void)
{
	PeerServer server = peer_serve(answer);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	HlHttpTransfer *transfers[40];
	int fine = 0, next = 0;

	peer_start(&server);
	for (int i = 0; i < 40; i++)
		transfers[i] = hl_http_start(http, &request);
	for (int ended = 0; ended < 200; ended++, next = (next + 1) % 40)
	{
		fine += finish(transfers[next])->transport == HL_TRANSPORT_OK;
		hl_http_release(transfers[next]);
		transfers[next] = ended < 160 ? hl_http_start(http, &request) : NULL;
	}
	ok(fine == 200, "200 requests, 40 at a time");
	ok(peer_connections == 40, "have 40 connections: %d", peer_connections);
	for (int i = 0; i < 40; i++)
	{
		transfers[0] = hl_http_start(http, &request);
		finish(transfers[0]);
		hl_http_release(transfers[0]);
	}
	for (int i = 0; i < 200 && peers_alive > 16; i++)
		usleep(10000);
	ok(peers_alive <= 16, "of which one at a time keeps 16: %d", peers_alive);
	peer_stop(&server);
}

/* Handler: sends the beginning of a body, of an error if requested. */
static void
begin_to_answer(Peer *peer)
{
	peer_request(peer);
	if (strstr(peer->request, "GET /error") == peer->request)
		peer_say(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 10\r\n\r\n"
					   "half ");
	else
		peer_say(peer, "HTTP/1.1 100 Continue\r\n\r\n"
					   "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	peer_wait(peer);
}

/* Waits until part of a body has arrived; NULL if it does not. */
static const HlBytes *
come(HlHttpTransfer *transfer, size_t len)
{
	int64_t until = now(NULL) + 1000 * 1000;

	while (now(NULL) < until)
	{
		const HlBytes *body = hl_http_body(transfer);

		if (body != NULL && body->len >= len)
			return body;
		hl_http_step(http, 20);
	}
	return NULL;
}

/* A body can be read while it arrives, and aborted. */
static void
test_bodies_under_way(void)
{
	PeerServer server = peer_serve(begin_to_answer);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	HlHttpTransfer *transfer;
	const HlBytes *body;
	HlHttpReply *reply;

	request.method = "GET";
	request.timeout_ms = 0;
	peer_start(&server);
	transfer = hl_http_start(http, &request);
	body = come(transfer, 5);
	is(body != NULL ? hl_bytes_string(body) : NULL, "half ",
	   "half a body is there");
	ok(hl_http_reply(transfer) == NULL, "which is no reply yet");
	hl_http_stop(transfer, HL_TRANSPORT_TIMEOUT, "it is enough");
	reply = hl_http_reply(transfer);
	ok(reply != NULL && reply->transport == HL_TRANSPORT_TIMEOUT &&
		   reply->status == 200 && reply->sent &&
		   strcmp(reply->error, "it is enough") == 0 && reply->body.len == 5,
	   "given up, it is one, and says why");
	ok(hl_http_body(transfer) == NULL, "whose body is under way no more");
	hl_http_stop(transfer, HL_TRANSPORT_LOST, "again");
	ok(reply->transport == HL_TRANSPORT_TIMEOUT, "what has ended has ended");
	hl_http_release(transfer);
	request.url = url_of(&server, "/error");
	transfer = hl_http_start(http, &request);
	ok(come(transfer, 1) == NULL, "an error is seen when it is whole");
	ok(peer_connections == 2, "what was given up has closed its connection");
	hl_http_release(transfer);
	peer_stop(&server);
}

/* The canned reply of a handler, and how it closes the connection. */
static const char *canned;
static size_t canned_len;
static bool canned_reset;
static atomic_int canned_sent; /* times sent, complete or not */

/* Handler: sends the canned reply, and closes. */
static void
answer_canned(Peer *peer)
{
	if (!peer_request(peer))
		return;
	peer_send(peer, canned, canned_len);
	canned_sent++;
	if (canned_reset)
		peer_reset(peer);
	else
	{
		shutdown(peer->fd, SHUT_WR);
		peer_wait(peer);
	}
}

/* A canned reply, the result, and whether its body is framed. */
typedef struct Case
{
	const char *name;
	const char *reply;
	HlTransport transport;
	bool framed;
	int status;
	const char *body;
} Case;

#define OKAY "HTTP/1.1 200 OK\r\n"

static const Case cases[] = {
	{"a length", OKAY "Content-Length: 2\r\n\r\n{}", HL_TRANSPORT_OK, true, 200,
	 "{}"},
	{"no length", OKAY "\r\n{}", HL_TRANSPORT_OK, false, 200, "{}"},
	{"nothing at all after the head", OKAY "\r\n", HL_TRANSPORT_OK, false, 200,
	 ""},
	{"no content", "HTTP/1.1 204 No Content\r\n\r\n", HL_TRANSPORT_OK, true,
	 204, ""},
	{"chunks",
	 OKAY "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
	 HL_TRANSPORT_OK, true, 200, "{}"},
	{"chunks that are cut",
	 OKAY "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", HL_TRANSPORT_LOST,
	 false, 200, "{}"},
	{"a body that is cut", OKAY "Content-Length: 3\r\n\r\n{}",
	 HL_TRANSPORT_LOST, false, 200, "{}"},
	{"a head that is cut", OKAY "Content-Len", HL_TRANSPORT_LOST, false, 200,
	 NULL},
	{"one length twice",
	 OKAY "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", HL_TRANSPORT_OK,
	 true, 200, "{}"},
	{"two lengths", OKAY "Content-Length: 2\r\nContent-Length: 1\r\n\r\n{}",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a list of lengths", OKAY "Content-Length: 2, 2\r\n\r\n{}",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a length beyond 64 bits",
	 OKAY "Content-Length: 18446744073709551618\r\n\r\n{}",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a negative length", OKAY "Content-Length: -2\r\n\r\n{}",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"an empty length", OKAY "Content-Length:\r\n\r\n{}", HL_TRANSPORT_NOT_HTTP,
	 false, 200, NULL},
	{"a length and chunks",
	 OKAY "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "2\r\n{}\r\n0\r\n\r\n",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a length that is too large", OKAY "Content-Length: 1001\r\n\r\n{}",
	 HL_TRANSPORT_TOO_LARGE, false, 200, ""},
	{"an interim reply",
	 "HTTP/1.1 100 Continue\r\nx-amzn-requestid: no\r\n"
	 "Content-Length: 7\r\n\r\n" OKAY "Content-Length: 2\r\n\r\n{}",
	 HL_TRANSPORT_OK, true, 200, "{}"},
	{"a trailer",
	 OKAY "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
		  "x-amzn-requestid: no\r\nContent-Length: 9\r\n\r\n",
	 HL_TRANSPORT_OK, true, 200, "{}"},
	{"a redirect",
	 "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
	 "Content-Length: 0\r\n\r\n",
	 HL_TRANSPORT_OK, true, 302, ""},
	{"an error", "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}",
	 HL_TRANSPORT_OK, true, 400, "{}"},
	{"a body that claims to be compressed",
	 OKAY "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
	 HL_TRANSPORT_OK, true, 200, "{}"},
	{"no reply", "", HL_TRANSPORT_LOST, false, 0, ""},
	{"another protocol", "220 mail.example.com ESMTP\r\n",
	 HL_TRANSPORT_NOT_HTTP, false, 0, ""},
	{"a binary protocol", "\x16\x03\x01\x02\r\n\r\n", HL_TRANSPORT_NOT_HTTP,
	 false, 0, ""},
	{"a version that there is not", "HTTP/9.9 200 OK\r\n\r\n{}",
	 HL_TRANSPORT_NOT_HTTP, false, 0, NULL},
	{"a status that is no number", "HTTP/1.1 two OK\r\n\r\n{}",
	 HL_TRANSPORT_NOT_HTTP, false, 0, NULL},
	{"a chunk whose size is no number",
	 OKAY "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a chunk whose size is negative",
	 OKAY "Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a chunk whose size is beyond 64 bits",
	 OKAY "Transfer-Encoding: chunked\r\n\r\n"
		  "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a chunk that is longer than it says",
	 OKAY "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"the first of two chunks is good",
	 OKAY "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nxx\r\n",
	 HL_TRANSPORT_NOT_HTTP, false, 200, NULL},
	{"a header that is folded",
	 OKAY "X-A: b\r\n folded\r\n\tand again\r\nContent-Length: 2\r\n\r\n{}",
	 HL_TRANSPORT_OK, true, 200, "{}"},
};

static void
play(const PeerServer *server, const Case *what)
{
	HlHttpRequest request = request_to(url_of(server, "/"));
	HlHttpTransfer *transfer;
	HlHttpReply *reply;

	canned = what->reply;
	canned_len = strlen(canned);
	request.max_body = 1000;
	request.fresh = true;
	transfer = hl_http_start(http, &request);
	reply = finish(transfer);
	if (!ok(reply->transport == what->transport && reply->sent &&
				(reply->transport != HL_TRANSPORT_OK ||
				 reply->framed == what->framed) &&
				reply->status == what->status && reply->request_id[0] == '\0' &&
				(what->body == NULL ||
				 strcmp(hl_bytes_string(&reply->body), what->body) == 0),
			"%s", what->name))
		printf("# %s, status %d, %s, body %s: %s\n",
			   transport_names[reply->transport], reply->status,
			   reply->framed ? "framed" : "unframed",
			   hl_bytes_string(&reply->body), reply->error);
	hl_http_release(transfer);
}

/*
 * Replies of all kinds: complete ones, and others that must not count as
 * complete.
 */
static void
test_replies(void)
{
	PeerServer server = peer_serve(answer_canned);
	bool followed = false;

	canned_reset = false;
	peer_start(&server);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		play(&server, &cases[i]);
		followed |= strstr(peer_last, "/elsewhere") != NULL;
	}
	ok(!followed, "no redirect was followed");
	peer_stop(&server);
}

/* A reply of a head and a number of lines or bytes. */
static void
play_large(const PeerServer *server, const char *head, const char *line,
		   size_t times, HlTransport transport, const char *name)
{
	HlHttpRequest request = request_to(url_of(server, "/"));
	HlBytes reply = {0};
	int sent = canned_sent;

	hl_bytes_append_string(&reply, head);
	for (size_t i = 0; i < times; i++)
		hl_bytes_append_string(&reply, line);
	canned = reply.data;
	canned_len = reply.len;
	request.fresh = true;
	ends(&request, transport, true, name);
	while (canned_sent == sent)
		usleep(1000);
	hl_bytes_free(&reply);
}

/* Endless header lines, for which libcurl reports lack of memory. */
static void
test_endless(const PeerServer *server, char block[65536])
{
	memset(block, 'b', 65535);
	block[65535] = '\0';
	play_large(server, OKAY "X-A: ", block, 4, HL_TRANSPORT_NOT_HTTP,
			   "a header without end");
	play_large(server, "HTTP/1.1 200 ", block, 4, HL_TRANSPORT_NOT_HTTP,
			   "a status line without end");
	play_large(server,
			   OKAY "Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: ", block, 4,
			   HL_TRANSPORT_NOT_HTTP, "a trailer without end");
	play_large(server, OKAY "Transfer-Encoding: chunked\r\n\r\n", block, 4,
			   HL_TRANSPORT_NOT_HTTP, "a chunk's size without end");
}

/* Limits of the memory for a reply. */
static void
test_limits(void)
{
	PeerServer server = peer_serve(answer_canned);
	char block[65536];

	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = '\0';
	canned_reset = false;
	peer_start(&server);
	play_large(&server, OKAY "\r\n", block, 8 * 16 + 1, HL_TRANSPORT_TOO_LARGE,
			   "an endless body ends at 8 MiB");
	play_large(&server, OKAY, "X: y\r\n", 300, HL_TRANSPORT_NOT_HTTP,
			   "too many headers");
	block[4000] = '\n';
	block[4001] = '\0';
	memcpy(block, "X: ", 3);
	play_large(&server, OKAY, block, 30, HL_TRANSPORT_NOT_HTTP,
			   "headers that are too large");
	test_endless(&server, block);
	peer_stop(&server);
}

/* Missing servers, and lost connections. */
static void
test_losses(void)
{
	PeerServer server = peer_serve(answer_canned);
	HlHttpRequest request = request_to(url_of(&server, "/"));

	canned = OKAY "Content-Length: 5\r\n\r\n{}";
	canned_len = strlen(canned);
	canned_reset = true;
	peer_start(&server);
	ends(&request, HL_TRANSPORT_LOST, true, "a reset");
	peer_stop(&server);
	ends(&request, HL_TRANSPORT_CONNECT, false, "nobody listens");
	request = request_to("http://nowhere.test/");
	/* libcurl 8.14 leaks a name that was not found */
	forgive_leaks(true);
	ends(&request, HL_TRANSPORT_DNS, false, "no such name");
	forgive_leaks(false);
	ok(!lookup_was_interruptible, "signals are blocked in name lookups");
}

/* Requests that are not sent at all. */
static void
test_refusals(void)
{
	PeerServer server = peer_serve(answer);
	HlHttpRequest request = request_to(url_of(&server, "/"));

	peer_start(&server);
	request.plain = false;
	ends(&request, HL_TRANSPORT_UNUSABLE, false, "http where https is due");
	request = request_to("https://localhost/");
	request.plain = true;
	ends(&request, HL_TRANSPORT_UNUSABLE, false, "https where http is due");
	request = request_to("ftp://localhost/");
	ends(&request, HL_TRANSPORT_UNUSABLE, false, "another protocol");
	request = request_to("http://strange.test/");
	ends(&request, HL_TRANSPORT_CONNECT, false, "http to another machine");
	ok(strange_connects == 0, "is not even tried");
	ok(peer_connections == 0, "nothing was sent");
	peer_stop(&server);
}

/* Without TLS, only loopback and AWS's credential endpoints are called. */
static void
test_link_local(void)
{
	static const struct
	{
		const char *url;
		bool is_tried;
	} cases[] = {
		{"http://169.254.169.254/", true}, {"http://169.254.170.2/", true},
		{"http://169.254.170.23/", true},  {"http://[fd00:ec2::254]/", true},
		{"http://[fd00:ec2::23]/", true},  {"http://169.254.169.253/", false},
		{"http://169.254.170.3/", false},  {"http://[fd00:ec2::253]/", false},
		{"http://[fd00:ec2::54]/", false}, {"http://[fd00:ec3::23]/", false},
		{"http://[fe80::23]/", false},     {"http://192.0.2.1/", false},
	};

	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HlHttpRequest request = request_to(cases[i].url);

		if (fd < 0 && strchr(cases[i].url, '[') != NULL)
			continue; /* this kernel has no IPv6 */
		strange_connects = 0;
		ends(&request, HL_TRANSPORT_CONNECT, false, cases[i].url);
		ok(strange_connects == 0, "is not tried by an ordinary request");
		request.link_local = true;
		ends(&request, HL_TRANSPORT_CONNECT, false, cases[i].url);
		ok((strange_connects != 0) == cases[i].is_tried,
		   "is %stried for credentials", cases[i].is_tried ? "" : "not ");
	}
	strange_connects = 0;
}

/* Handler: reads and sends nothing. */
static void
be_silent(Peer *peer)
{
	peer_request(peer);
	peer_wait(peer);
}

/* Handler: sends a byte at intervals. */
static void
drip(Peer *peer)
{
	peer_request(peer);
	peer_say(peer, OKAY "Content-Length: 1000\r\n\r\n");
	while (peer_say(peer, " "))
		usleep(20 * 1000);
}

/* A timeout of libcurl is not lost by socket events before it. */
static void
test_kept_timers(void)
{
	HlHttpRequest request;
	int late = 0;

	for (int i = 0; i < 10; i++)
	{
		PeerServer server = peer_serve(be_silent);
		int64_t began;

		request = request_to(url_of(&server, "/"));
		request.timeout_ms = 200;
		peer_start(&server);
		began = now(NULL);
		ends(&request, HL_TRANSPORT_TIMEOUT, true, "a silent server, again");
		late += now(NULL) - began > 600 * 1000;
		peer_stop(&server);
	}
	ok(late == 0, "whose time is always kept");
}

/* Timeouts apply in every stage. */
static void
test_timeouts(void)
{
	PeerServer server = peer_serve(be_silent);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	int64_t began;

	request.timeout_ms = 200;
	peer_start(&server);
	began = now(NULL);
	ends(&request, HL_TRANSPORT_TIMEOUT, true, "a silent server");
	peer_stop(&server);
	server = peer_serve(drip);
	request.url = url_of(&server, "/");
	peer_start(&server);
	ends(&request, HL_TRANSPORT_TIMEOUT, true, "a dripping body");
	peer_stop(&server);
	request = request_to("https://slow.test/");
	request.connect_timeout_ms = 200;
	ends(&request, HL_TRANSPORT_TIMEOUT, false, "a hanging name lookup");
	ok(!leaves || now(NULL) - began < 1000 * 1000, "each after its time");
}

/* Handler: a reply after half a second. */
static void
be_slow(Peer *peer)
{
	while (peer_request(peer))
	{
		usleep(500 * 1000);
		peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	}
}

/* Handler: a reply of 1.5 MiB at once. */
static void
be_generous(Peer *peer)
{
	static char body[1536 * 1024];

	while (peer_request(peer))
	{
		peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1572864\r\n\r\n");
		peer_send(peer, body, sizeof(body));
	}
}

/* Handler: a reply without an end, as fast as it is read. */
static void
be_endless(Peer *peer)
{
	static char chunk[0x8000 + 8] = "8000\r\n";

	memcpy(chunk + sizeof(chunk) - 2, "\r\n", 2);
	if (!peer_request(peer))
		return;
	peer_say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (peer_send(peer, chunk, sizeof(chunk)))
		;
}

/* More than are looked at in one pass. */
#define LATE 20

/* Begins requests, and does nothing until long after their time. */
static void
come_late(PeerHandler handler, bool tls, HlTransport transport,
		  const char *name)
{
	PeerServer server = peer_serve(handler);
	HlHttpTransfer *transfers[LATE];
	HlHttpRequest request;
	int64_t began;
	int count = handler == be_slow ? LATE : 1;
	int right = 0;

	if (tls)
		peer_use_tls(&server, ca_path);
	peer_start(&server);
	request = request_to(url_of(&server, "/"));
	request.timeout_ms = 1000;
	request.max_body = (size_t) 1 << 29;
	request.ca_bundle = tls ? ca_path : NULL;
	for (int i = 0; i < count; i++)
		transfers[i] = hl_http_start(http, &request);
	for (int i = 0; i < count; i++)
		send_off(transfers[i]);
	usleep(1200 * 1000);
	began = now(NULL);
	for (int i = 0; i < count; i++)
	{
		right += finish(transfers[i])->transport == transport;
		hl_http_release(transfers[i]);
	}
	/* under the sanitizers TLS takes seconds for what the last passes may read */
	ok(right == count && now(NULL) - began < 15000 * 1000, "%s%s", name,
	   tls ? ", by TLS" : "");
	peer_stop(&server);
	SSL_CTX_free(server.tls);
}

/* The most that is received at a time; 0: without limit. */
static atomic_int sip;

/* In place of libc's, for libcurl. */
ssize_t
recv(int fd, void *data, size_t size, int flags)
{
	size_t most = (size_t) sip;

	return recvfrom(fd, data, most > 0 && most < size ? most : size, flags,
					NULL, NULL);
}

/* What a server sends without an end is not read to its end. */
static void
test_last_passes(void)
{
	PeerServer server = peer_serve(be_endless);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	HlHttpTransfer *transfer;
	HlHttpReply *reply;

	peer_start(&server);
	request.timeout_ms = 1000;
	request.max_body = 1 << 18;
	sip = 1;
	transfer = hl_http_start(http, &request);
	send_off(transfer);
	usleep(1200 * 1000);
	reply = finish(transfer);
	/* else the reply is too large */
	ok(reply->transport == HL_TRANSPORT_TIMEOUT,
	   "nor is one without an end read for long, in small parts");
	hl_http_release(transfer);
	sip = 0;
	peer_stop(&server);
}

/* What has arrived when a program comes back late is not late. */
static void
test_away(void)
{
	for (int tls = 0; tls < 2; tls++)
	{
		come_late(be_slow, tls, HL_TRANSPORT_OK,
				  "a reply that has arrived in time is not late");
		come_late(be_generous, tls, HL_TRANSPORT_OK,
				  "nor is a long one whose end waits to be read");
		come_late(be_silent, tls, HL_TRANSPORT_TIMEOUT,
				  "but one that has not arrived is");
		come_late(be_endless, tls, HL_TRANSPORT_TIMEOUT,
				  "and one that does not end");
	}
}

/* Fills the backlog of a socket, so that the next connection hangs. */
static void
fill_backlog(int port, int *fds, int count)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
								  .sin_port = htons((uint16_t) port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < count; i++)
	{
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *) &address, sizeof(address));
	}
}

/* A connection that is never accepted, and a handshake never answered. */
static void
test_connect_timeouts(void)
{
	int fds[4], port;
	int fd = peer_socket(0, &port);
	PeerServer server = {.port = port};
	HlHttpRequest request = request_to(url_of(&server, "/"));
	char url[64];

	fill_backlog(port, fds, 4);
	request.connect_timeout_ms = 200;
	ends(&request, HL_TRANSPORT_TIMEOUT, false, "a hanging connection");
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(fd);
	server = peer_serve(be_silent);
	peer_start(&server);
	snprintf(url, sizeof(url), "https://localhost:%d/", server.port);
	request = request_to(url);
	request.connect_timeout_ms = 200;
	ends(&request, HL_TRANSPORT_TIMEOUT, false, "a hanging TLS handshake");
	peer_stop(&server);
}

/*
 * Jumps out of the n-th wait of a transfer and releases it; returns
 * microseconds.
 */
static int64_t
jump_out(const HlHttpRequest *request, int nth)
{
	HlHttpTransfer *volatile transfer = hl_http_start(http, request);
	volatile int64_t began = 0;

	waits_until_escape = nth;
	if (setjmp(escape) == 0)
	{
		finish(transfer);
		return -1;
	}
	began = now(NULL);
	hl_http_release(transfer);
	return now(NULL) - began;
}

/* A wait may end in a longjmp() in any stage, without leaks. */
static void
test_jumps(void)
{
	PeerServer server = peer_serve(drip);
	HlHttpRequest request = request_to(url_of(&server, "/"));
	int before;
	int64_t took = 0;

	peer_start(&server);
	jump_out(&request, 3);
	before = descriptors();
	for (int i = 1; i <= 8; i++)
		took = took < 0 ? took : jump_out(&request, i);
	ok(took >= 0, "eight jumps");
	ok(descriptors() <= before, "lose no descriptor");
	peer_stop(&server);
	before--;

	request = request_to("https://slow.test/");
	took = jump_out(&request, 2);
	ok(took >= 0 && (!leaves || took < 50 * 1000),
	   "a name lookup is left within 50 ms");
	printf("# it took %d us\n", (int) took);
	usleep(50 * 1000);
	/* newer libcurl resolves each address family in a separate thread */
	ok(!leaves || lookups_under_way >= 1, "while it still hangs");
	ok(!lookup_was_interruptible, "with its signals blocked");
	while (lookups_under_way > 0)
		usleep(1000);
	usleep(100 * 1000);
	ok(descriptors() <= before, "and ends by itself");
	server = peer_serve(answer);
	request = request_to(url_of(&server, "/"));
	peer_start(&server);
	ends(&request, HL_TRANSPORT_OK, true, "the next request is as ever");
	peer_stop(&server);
}

/* A failed multi handle is replaced. */
static void
test_failures(void)
{
	PeerServer server = peer_serve(answer);
	HlHttpRequest request = request_to(url_of(&server, "/"));

	peer_start(&server);
	multi_failures = 1;
	/* before 7.80 it counts what the previous transfer has sent */
	ends(&request,
		 hl_http_tells_resends() ? HL_TRANSPORT_UNUSABLE : HL_TRANSPORT_LOST,
		 !hl_http_tells_resends(), "libcurl fails at once");
	ends(&request, HL_TRANSPORT_OK, true, "and is replaced");
	peer_stop(&server);
	server = peer_serve(answer_slowly);
	request = request_to(url_of(&server, "/"));
	peer_start(&server);
	for (int i = 0; i < 2; i++)
	{
		HlHttpTransfer *transfer = hl_http_start(http, &request);

		while (!hl_http_sent(transfer))
			hl_http_step(http, -1);
		multi_failures = 1;
		ok(finish(transfer)->transport == HL_TRANSPORT_LOST,
		   "libcurl fails when the request was sent");
		hl_http_release(transfer);
	}
	ends(&request, HL_TRANSPORT_OK, true, "and is replaced");
	peer_stop(&server);
}

/* Handler: sends the head and half a body, then closes without close_notify. */
static void
cut(Peer *peer)
{
	peer_request(peer);
	peer_say(peer, canned);
}

static uint64_t client_options; /* of OpenSSL's last connection of a client */
static long client_mode;

/* Replaces OpenSSL's: keeps what is set for a client. */
SSL *
SSL_new(SSL_CTX *context)
{
	SSL *(*real)(SSL_CTX *) = dlsym(RTLD_NEXT, "SSL_new");
	SSL *made = real(context);

	if (made != NULL && !SSL_is_server(made))
	{
		client_options = SSL_get_options(made);
		client_mode = SSL_get_mode(made);
	}
	return made;
}

/* A trusted certificate, an unknown one, and truncated streams. */
static void
test_tls(void)
{
	PeerServer server = peer_serve(answer);
	HlHttpRequest request;
	char url[64];

	peer_use_tls(&server, ca_path);
	peer_start(&server);
	request = request_to(url_of(&server, "/"));
	request.ca_bundle = ca_path;
	ends(&request, HL_TRANSPORT_OK, true, "TLS");
	ends(&request, HL_TRANSPORT_OK, true, "TLS again");
	ok(peer_connections == 1, "on one connection");
	ok((client_options & SSL_OP_CLEANSE_PLAINTEXT) != 0,
	   "OpenSSL wipes what was received");
	ok((client_mode & SSL_MODE_RELEASE_BUFFERS) == 0,
	   "in buffers that it keeps");
	request.fresh = true;
	ends(&request, HL_TRANSPORT_OK, true, "TLS on another");
	ok(peer_connections == 2 && peer_resumed == 0, "no TLS session is resumed");
	/* the kept connections are of one that trusted others */
	request.fresh = false;
	request.ca_bundle = NULL;
	ends(&request, HL_TRANSPORT_UNTRUSTED, false, "an unknown certificate");
	request.ca_bundle = "/nonexistent/ca.pem";
	ends(&request, HL_TRANSPORT_UNTRUSTED, false, "a missing CA bundle");
	request.ca_bundle = ca_path;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.port);
	request.url = url;
	ends(&request, HL_TRANSPORT_UNTRUSTED, false, "another name");
	ok(peer_requests == 3, "nothing was sent to those");
	peer_stop(&server);
	SSL_CTX_free(server.tls);
}

/* Reads a small file. */
static size_t
slurp(const char *path, char *bytes, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t len = fread(bytes, 1, size, file);

	fclose(file);
	return len;
}

static int bundles_read = 0;

/* Replaces OpenSSL's: counts the calls. */
int
X509_STORE_load_locations(X509_STORE *store, const char *file,
						  const char *folder)
{
	int (*real)(X509_STORE *, const char *, const char *) =
		dlsym(RTLD_NEXT, "X509_STORE_load_locations");

	bundles_read++;
	return real(store, file, folder);
}

/* Overwrites a file, keeping its modification time. */
static void
overwrite(const char *path, const char *bytes, size_t len)
{
	struct timespec times[2];
	struct stat before;
	int fd;

	stat(path, &before);
	fd = open(path, O_WRONLY);
	ok(write(fd, bytes, len) == (ssize_t) len, "the bundle is overwritten");
	times[0] = before.st_atim;
	times[1] = before.st_mtim;
	futimens(fd, times);
	close(fd);
}

/* Authorities in a file are read once, and again when it changes. */
static void
test_kept_trust(HlHttpRequest *request)
{
	char bundle[4096];
	char rubbish[4096];
	size_t len = slurp(ca_path, bundle, sizeof(bundle));

	memset(rubbish, '#', sizeof(rubbish));
	/* so that what earlier tests had of the file is not there any more */
	request->ca_bundle = other_ca_path;
	ends(request, HL_TRANSPORT_UNTRUSTED, false, "another bundle");
	request->ca_bundle = ca_path;
	bundles_read = 0;
	ends(request, HL_TRANSPORT_OK, true, "a bundle");
	ok(bundles_read == 1, "it is read");
	ends(request, HL_TRANSPORT_OK, true, "another connection");
	hl_http_forget(http);
	ends(request, HL_TRANSPORT_OK, true, "and one after all was forgotten");
	ok(bundles_read == 1, "it is read once");
	overwrite(ca_path, rubbish, len);
	ends(request, HL_TRANSPORT_UNTRUSTED, false, "but when it has changed");
	overwrite(ca_path, bundle, len);
	ends(request, HL_TRANSPORT_OK, true, "one that was repaired, at once");
}

/* Whether a request succeeds. */
static bool
ends_well(const HlHttpRequest *request)
{
	HlHttpTransfer *transfer = hl_http_start(http, request);
	bool fine = finish(transfer)->transport == HL_TRANSPORT_OK;

	hl_http_release(transfer);
	return fine;
}

/* Authorities in a hashed folder are looked up by their hashes. */
static void
test_trusted_folder(HlHttpRequest *request)
{
	char folder[] = "/tmp/healthlake-trust-XXXXXX";
	char bundle[4096];
	char rubbish[4096];
	char link[64];
	size_t len;
	HlHttpTransfer *transfer;
	FILE *file = fopen(ca_path, "r");
	X509 *authority = PEM_read_X509(file, NULL, NULL, NULL);

	fclose(file);
	request->ca_bundle = mkdtemp(folder);
	transfer = hl_http_start(http, request);
	ok(finish(transfer)->transport == HL_TRANSPORT_UNTRUSTED,
	   "a folder without hashes");
	ok(strstr(hl_http_reply(transfer)->error, "no hashed certificates") != NULL,
	   "is told from one that lacks an authority");
	hl_http_release(transfer);
	snprintf(link, sizeof(link), "%s/%08lx.0", folder,
			 X509_subject_name_hash(authority));
	X509_free(authority);
	ok(symlink(other_ca_path, link) == 0, "a link to another authority");
	ends(request, HL_TRANSPORT_UNTRUSTED, false,
		 "one that lacks the authority");
	unlink(link);
	ok(symlink(ca_path, link) == 0, "a link to it");
	ends(request, HL_TRANSPORT_OK, true, "a hashed folder");
	len = slurp(ca_path, bundle, sizeof(bundle));
	memset(rubbish, '#', sizeof(rubbish));
	overwrite(ca_path, rubbish, len);
	ends(request, HL_TRANSPORT_OK, true, "what was found in it is kept");
	clock_ahead += 60 * INT64_C(1000000);
	/* the error text depends on the version of OpenSSL */
	ok(!ends_well(request), "for a minute");
	overwrite(ca_path, bundle, len);
	clock_ahead += 60 * INT64_C(1000000);
	ends(request, HL_TRANSPORT_OK, true, "one that is withdrawn may return");
	unlink(link);
	hl_http_forget(http);
	rmdir(folder);
	ends(request, HL_TRANSPORT_UNTRUSTED, false, "and none");
}

/* Trusted authorities, and how long they are kept. */
static void
test_trust(void)
{
	PeerServer server = peer_serve(answer);
	HlHttpRequest request;

	peer_use_tls(&server, other_ca_path);
	SSL_CTX_free(server.tls);
	peer_use_tls(&server, ca_path);
	peer_start(&server);
	request = request_to(url_of(&server, "/"));
	request.fresh = true;
	test_kept_trust(&request);
	test_trusted_folder(&request);
	peer_stop(&server);
	SSL_CTX_free(server.tls);
}

/* TLS that is too old, or ends without close_notify. */
static void
test_bad_tls(void)
{
	PeerServer server = peer_serve(cut);
	HlHttpRequest request;
	HlHttpTransfer *transfer;

	peer_use_tls(&server, other_ca_path);
	peer_start(&server);
	request = request_to(url_of(&server, "/"));
	request.ca_bundle = other_ca_path;
	canned = OKAY "Content-Length: 20\r\n\r\n{}";
	ends(&request, HL_TRANSPORT_LOST, true, "TLS that is cut");
	canned = OKAY "\r\n";
	request.fresh = true;
	transfer = hl_http_start(http, &request);
	ok(!finish(transfer)->framed,
	   "without a length, an empty body is no proof of anything");
	hl_http_release(transfer);
	SSL_CTX_set_security_level(server.tls, 0);
	SSL_CTX_set_max_proto_version(server.tls, TLS1_1_VERSION);
	ends(&request, HL_TRANSPORT_TLS, false, "TLS 1.1");
	peer_stop(&server);
	SSL_CTX_free(server.tls);
}

/* Handler: a proxy that refuses. */
static void
refuse_proxy(Peer *peer)
{
	peer_request(peer);
	peer_say(peer, "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
}

/* Handler: a proxy that confirms CONNECT without connecting. */
static void
pretend_proxy(Peer *peer)
{
	peer_request(peer);
	peer_say(peer, "HTTP/1.1 200 Connected\r\nx-amzn-requestid: proxy\r\n\r\n");
	peer_wait(peer);
}

static const char *endless_head;

/* Handler: a proxy whose reply to CONNECT does not end for four seconds. */
static void
endless_proxy(Peer *peer)
{
	static char rest[65536];
	int64_t end = now(NULL) + 4000000;

	peer_request(peer);
	if (!peer_say(peer, endless_head))
		return;
	while (now(NULL) < end && peer_send(peer, rest, sizeof(rest)))
		continue;
}

/* libcurl reads such a reply without returning, as long as bytes arrive. */
static void
test_endless_proxy(const char *head, const char *what)
{
	PeerServer server = peer_serve(endless_proxy);
	HlHttpRequest request = request_to("https://far.test/");
	HlHttpTransfer *transfer;
	int64_t began = now(NULL);
	char proxy[64];

	endless_head = head;
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%d", server.port);
	request.proxy = proxy;
	request.connect_timeout_ms = 300;
	peer_start(&server);
	ends(&request, HL_TRANSPORT_TIMEOUT, false, what);
	ok(now(NULL) - began < 2000000, "%s, in time", what);
	request.connect_timeout_ms = 5000;
	request.timeout_ms = 300;
	began = now(NULL);
	ends(&request, HL_TRANSPORT_TIMEOUT, false, what);
	ok(now(NULL) - began < 2000000, "%s, in the time of all", what);
	request.timeout_ms = 20000;
	began = now(NULL);
	asked = 0;
	asks_until_interrupt = 100000;
	transfer = hl_http_start(http, &request);
	while (hl_http_reply(transfer) == NULL)
	{
		waits = 0;
		hl_http_step(http, -1);
	}
	ok(now(NULL) - began < 3000000, "%s, and is interrupted", what);
	ok(waits == 2, "the wait that jumps comes after it");
	is(hl_http_reply(transfer)->error, "interrupted while connecting",
	   "the error says so");
	hl_http_release(transfer);
	asks_until_interrupt = 0;
	peer_stop(&server);
}

/* A proxy receives only the name of the server. */
static void
test_proxy(void)
{
	PeerServer server = peer_serve(refuse_proxy);
	HlHttpRequest request = request_to("https://far.test/");
	HlHttpTransfer *transfer;
	char proxy[64];

	snprintf(proxy, sizeof(proxy), "http://me:hush%%21@127.0.0.1:%d",
			 server.port);
	request.proxy = proxy;
	peer_start(&server);
	ends(&request, HL_TRANSPORT_CONNECT, false, "a proxy refuses");
	is(peer_last,
	   "CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n"
	   "Proxy-Authorization: Basic bWU6aHVzaCE=\r\n"
	   "Proxy-Connection: Keep-Alive\r\n\r\n",
	   "it was told the server's name, not the signature");
	peer_stop(&server);
	server = peer_serve(pretend_proxy);
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%d", server.port);
	request.timeout_ms = 200;
	peer_start(&server);
	ends(&request, HL_TRANSPORT_TIMEOUT, false,
		 "bytes for a proxy are not the request");
	transfer = hl_http_start(http, &request);
	is(finish(transfer)->request_id, "", "nor is its answer the reply");
	hl_http_release(transfer);
	peer_stop(&server);
}

/* Makes a request that fails, and checks that the text keeps a secret. */
static void
keeps_secret(HlHttpRequest *request, const char *proxy)
{
	HlHttpTransfer *transfer;
	HlHttpReply *reply;

	request->proxy = proxy;
	transfer = hl_http_start(http, request);
	reply = finish(transfer);
	ok(reply->transport != HL_TRANSPORT_OK && !reply->sent &&
		   strstr(reply->error, "hush") == NULL,
	   "proxy %s", proxy);
	printf("# %s: %s\n", transport_names[reply->transport], reply->error);
	hl_http_release(transfer);
}

/*
 * Errors contain no proxy password, and proxies of the environment are
 * ignored.
 */
static void
test_secrets(void)
{
	HlHttpRequest request = request_to("https://far.test/");
	PeerServer server = peer_serve(answer);

	keeps_secret(&request, "http://me:hush@nowhere.test:3128");
	keeps_secret(&request, "me:hush@127.0.0.1:1");
	keeps_secret(&request, "gopher://me:hush@127.0.0.1:1");
	keeps_secret(&request, "http://me:hush@127.0.0.1:99999");
	keeps_secret(&request, "http://me:hush@bad host/");
	keeps_secret(&request, "me:hush@");
	keeps_secret(&request, "me:hush://x@127.0.0.1:1");
	keeps_secret(&request, "me:x://hush@127.0.0.1:1");

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	peer_start(&server);
	request = request_to(url_of(&server, "/"));
	ends(&request, HL_TRANSPORT_OK, true, "the environment names no proxy");
	request.proxy = "http://127.0.0.1:1";
	ends(&request, HL_TRANSPORT_OK, true, "http on loopback takes none");
	setenv("no_proxy", "*", 1);
	request = request_to("https://far.test/");
	request.proxy = "http://127.0.0.1:1";
	ends(&request, HL_TRANSPORT_CONNECT, false, "nor talks us out of one");
	peer_stop(&server);
}

/* Destroying with transfers in flight frees everything (see the sanitizer). */
static void
test_destroy(int before)
{
	PeerServer server = peer_serve(be_silent);
	HlHttpRequest request = request_to(url_of(&server, "/"));

	peer_start(&server);
	for (int i = 0; i < 3; i++)
		hl_http_start(http, &request);
	hl_http_step(http, 100);
	hl_http_step(http, 100);
	hl_http_destroy(http);
	peer_stop(&server);
	while (peers_alive > 0)
		usleep(1000);
	ok(descriptors() == before, "no descriptor is left");
	hl_http_destroy(NULL);
}

/* Makes an empty file and gives its path. */
static void
make_file(char *path, size_t size)
{
	const char *folder = getenv("TMPDIR");

	snprintf(path, size, "%s/healthlake-http-XXXXXX", folder ? folder : "/tmp");
	close(mkstemp(path));
}

/* A careless configuration of OpenSSL: old TLS, and weak ciphers. */
static void
be_careless(char *path, size_t size)
{
	FILE *file;

	make_file(path, size);
	file = fopen(path, "w");
	fputs("openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
		  "system_default = careless\n[careless]\nMinProtocol = TLSv1\n"
		  "CipherString = DEFAULT:@SECLEVEL=0\n",
		  file);
	fclose(file);
	setenv("OPENSSL_CONF", path, 1);
}

int
main(void)
{
	int before = descriptors();
	char openssl_path[256];

	signal(SIGPIPE, SIG_IGN);
	be_careless(openssl_path, sizeof(openssl_path));
	make_file(ca_path, sizeof(ca_path));
	make_file(other_ca_path, sizeof(other_ca_path));
	http = hl_http_create(wait_for, now, is_interrupted, NULL);
	ok(http != NULL, "libcurl is there");
	leaves = hl_http_leaves_lookups();
	if (!leaves)
		printf("# this libcurl waits for name lookups that hang\n");
	test_success();
	test_wanted_headers();
	test_methods();
	test_connections();
	test_left_connection();
	test_large_request();
	test_dead_connection();
	test_many_dead_connections();
	test_many();
	test_parked();
	test_waves();
	test_bodies_under_way();
	test_replies();
	test_limits();
	test_losses();
	test_refusals();
	test_link_local();
	test_timeouts();
	test_away();
	test_last_passes();
	test_kept_timers();
	test_connect_timeouts();
	test_jumps();
	test_failures();
	test_tls();
	test_trust();
	test_bad_tls();
	test_proxy();
	test_endless_proxy(
		"HTTP/1.1 407 No\r\nContent-Length: 9223372036854775807\r\n\r\n",
		"a refusal of 2^63 bytes");
	test_endless_proxy("HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n"
					   "7fffffffffffffff\r\n",
					   "a refusal in a chunk of 2^63 bytes");
	test_secrets();
	test_destroy(before);
	ok(handlers_changed == 0, "libcurl leaves the program's handlers alone");
	unlink(openssl_path);
	unlink(ca_path);
	unlink(other_ca_path);
	return tap_end();
}
