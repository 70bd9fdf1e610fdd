/*
 * bench.c
 *	  Two halves of a comparison. "bench serve CA-FILE" answers every request
 *	  with the same bytes, over HTTP and over TLS, and prints both ports;
 *	  "bench loop URL CA-FILE COUNT" sends one request again and again as
 *	  plainly as libcurl allows, and prints microseconds a call, and those of
 *	  the CPU. "bench fan URL CA-FILE COUNT IN-FLIGHT" sends many, some at a
 *	  time, by curl_multi, and prints milliseconds.
 */
#include "peer.h"

#include <curl/curl.h>
#include <signal.h>
#include <time.h>

/* What CreateFHIRDatastore sends and gets: the same bytes on both sides. */
static const char request_body[] =
	"{\"DatastoreName\":\"bench\",\"DatastoreTypeVersion\":\"R4\","
	"\"ClientToken\":\"6f2d3d59-3b9c-4c0e-8b46-2f6b2f5ad9c1\"}";

static const char reply_body[] =
	"{\"DatastoreId\":\"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreArn\":"
	"\"arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/"
	"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreStatus\":\"CREATING\","
	"\"DatastoreEndpoint\":\"https://healthlake.us-east-1.amazonaws.com/"
	"datastore/c1cbeeac03514069f5dcaa110f206385/r4/\"}";

/* What describes a data store, in the requests of "fan". */
static const char describe_body[] =
	"{\"DatastoreId\":\"c1cbeeac03514069f5dcaa110f206385\"}";

static const char described_body[] =
	"{\"DatastoreProperties\":{\"DatastoreId\":"
	"\"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreArn\":"
	"\"arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/"
	"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreName\":\"bench\","
	"\"DatastoreStatus\":\"ACTIVE\",\"DatastoreTypeVersion\":\"R4\","
	"\"DatastoreEndpoint\":\"https://healthlake.us-east-1.amazonaws.com/"
	"datastore/c1cbeeac03514069f5dcaa110f206385/r4/\"}}";

static char reply[1024];
static char described[1024];
static int latency_ms = 0;

static const char *const headers[] = {
	"Content-Type: application/x-amz-json-1.0",
	"User-Agent: healthlake-pg/1.0.0 ua/2.1 os/linux#6.1.0-35-amd64 lang/c "
	"md/postgresql#15.20 md/libcurl#7.88.1 api/healthlake#2017-07-01 m/E "
	"cfg/retry-mode#standard",
	"X-Amz-Date: 20261123T160000Z",
	"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/"
	"us-east-1/healthlake/aws4_request, "
	"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="
	"29029bf589cbd4e31372a0d4bba408ed9bd1e6cc7b524bba8eef44d7ff38347d",
	"amz-sdk-invocation-id: 852ba461-ae3f-4ce2-96b7-870626616752",
	"amz-sdk-request: attempt=1; max=3",
	"Accept:",
	"Expect:"};

/* Handler: one reply for each piece that ends a request's JSON object. */
static void
answer(Peer *peer)
{
	int got;

	while ((got = peer_receive(peer, peer->request, sizeof(peer->request))) > 0)
		if (peer->request[got - 1] == '}')
		{
			if (latency_ms > 0)
				usleep(latency_ms * 1000);
			peer_say(peer, memmem(peer->request, got, "DescribeFHIR", 12)
							   ? described
							   : reply);
		}
}

/* Writes a reply with that body. */
static void
write_reply(char text[1024], const char *body)
{
	snprintf(text, 1024,
			 "HTTP/1.1 200 OK\r\n"
			 "x-amzn-RequestId: 2b8a1f0a-6f0e-4d57-a6a0-1c6fd1f8f0e3\r\n"
			 "Date: Mon, 23 Nov 2026 16:00:00 GMT\r\n"
			 "Content-Type: application/x-amz-json-1.0\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 strlen(body), body);
}

/* Answers until standard input ends. */
static int
serve(const char *ca_path)
{
	PeerServer plain = peer_serve(answer);
	PeerServer tls = peer_serve(answer);
	char rest[16];

	write_reply(reply, reply_body);
	write_reply(described, described_body);
	peer_use_tls(&tls, ca_path);
	peer_start(&plain);
	peer_start(&tls);
	printf("%d %d\n", plain.port, tls.port);
	fflush(stdout);
	while (read(STDIN_FILENO, rest, sizeof(rest)) > 0)
		;
	return 0;
}

/* Callback: takes the body and forgets it. */
static size_t
ignore(char *data, size_t size, size_t count, void *context)
{
	return size * count;
}

/* An easy handle that is ready to send the request. */
static CURL *
prepare(const char *url, const char *ca_path, const char *target,
		const char *body)
{
	struct curl_slist *list = curl_slist_append(NULL, target);
	CURL *easy = curl_easy_init();

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		list = curl_slist_append(list, headers[i]);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CAINFO, ca_path);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	return easy;
}

/* Nanoseconds by a clock. */
static double
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* Sends the request so many times and prints what one took. */
static int
loop(const char *url, const char *ca_path, int count)
{
	CURL *easy =
		prepare(url, ca_path, "X-Amz-Target: HealthLake.CreateFHIRDatastore",
				request_body);
	double began = 0, busy = 0;

	for (int i = -count / 10; i < count; i++)
	{
		if (i == 0)
		{
			began = read_clock(CLOCK_MONOTONIC);
			busy = read_clock(CLOCK_PROCESS_CPUTIME_ID);
		}
		if (curl_easy_perform(easy) != CURLE_OK)
			return 1;
	}
	printf("%.2f %.2f\n", (read_clock(CLOCK_MONOTONIC) - began) / 1e3 / count,
		   (read_clock(CLOCK_PROCESS_CPUTIME_ID) - busy) / 1e3 / count);
	return 0;
}

/* Has so many requests sent, as many at a time as there are handles. */
static int
spread(CURLM *multi, CURL **handles, int most, int count)
{
	int started = 0, ended = 0, failed = 0, running, left;
	CURLMsg *message;

	for (; started < most && started < count; started++)
		curl_multi_add_handle(multi, handles[started]);
	while (ended < count)
	{
		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left)) != NULL)
		{
			CURL *easy = message->easy_handle;

			failed += message->data.result != CURLE_OK;
			ended++;
			curl_multi_remove_handle(multi, easy);
			if (started++ < count)
				curl_multi_add_handle(multi, easy);
		}
		if (ended < count)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	return failed;
}

/* Sends so many requests, some at a time, and prints the milliseconds. */
static int
fan(const char *url, const char *ca_path, int count, int most)
{
	CURLM *multi = curl_multi_init();
	CURL *handles[64];
	double began;
	int failed;

	for (int i = 0; i < most; i++)
		handles[i] = prepare(url, ca_path,
							 "X-Amz-Target: HealthLake.DescribeFHIRDatastore",
							 describe_body);
	/* the connections are open then */
	failed = spread(multi, handles, most, most);
	began = read_clock(CLOCK_MONOTONIC);
	failed += spread(multi, handles, most, count);
	printf("%.3f\n", (read_clock(CLOCK_MONOTONIC) - began) / 1e6);
	return failed != 0;
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "serve") == 0)
	{
		latency_ms = argc == 4 ? atoi(argv[3]) : 0;
		return serve(argv[2]);
	}
	if (argc == 6 && strcmp(argv[1], "fan") == 0 && atoi(argv[5]) <= 64)
		return fan(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	if (argc == 5 && strcmp(argv[1], "loop") == 0)
		return loop(argv[2], argv[3], atoi(argv[4]));
	fprintf(stderr, "usage: bench serve CA [LATENCY-MS] | bench loop URL CA "
					"COUNT | bench fan URL CA COUNT IN-FLIGHT\n");
	return 2;
}
