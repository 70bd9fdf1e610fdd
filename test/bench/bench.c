/*
 * bench.c
 *	  Two halves of a comparison. "bench serve CA-FILE" answers every request
 *	  with the same bytes, over HTTP and over TLS, and prints both ports. The
 *	  others send as plainly as libcurl allows. "bench loop URL CA-FILE COUNT"
 *	  sends one request again and again and prints microseconds a call, and
 *	  those of the CPU; "bench fan URL CA-FILE COUNT IN-FLIGHT" sends many, some
 *	  at a time, by curl_multi, and prints milliseconds: requests of the control
 *	  plane to the root, else a GET. "bench post URL CA-FILE FILE IN-FLIGHT"
 *	  does the same with a body for each line of a file. "bench first URL
 *	  CA-FILE" sends one request from nothing and prints milliseconds. In place
 *	  of a CA-FILE a hashed folder will do.
 */
#include "server.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* The body of CreateFHIRDatastore: the same bytes on both sides. */
static const char request_body[] =
	"{\"DatastoreName\":\"bench\",\"DatastoreTypeVersion\":\"R4\","
	"\"ClientToken\":\"6f2d3d59-3b9c-4c0e-8b46-2f6b2f5ad9c1\"}";

/* The body of a description, in the requests of "fan". */
static const char describe_body[] =
	"{\"DatastoreId\":\"c1cbeeac03514069f5dcaa110f206385\"}";

static const char *const headers[] = {
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

/* Callback: discards the body. */
static size_t
ignore(char *data, size_t size, size_t count, void *context)
{
	return size * count;
}

/* Whether authorities are in a folder. */
static bool
is_folder(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/*
 * An easy handle ready to send a request: with an operation's name and a body,
 * with only a body (a FHIR bundle), or a GET.
 */
static CURL *
prepare(const char *url, const char *ca_path, const char *operation,
		const char *body)
{
	char target[80];
	struct curl_slist *list = NULL;
	CURL *easy = curl_easy_init();

	snprintf(target, sizeof(target), "X-Amz-Target: HealthLake.%s",
			 operation != NULL ? operation : "");
	if (operation != NULL)
		list = curl_slist_append(list, target);
	list = curl_slist_append(
		list, operation != NULL ? "Content-Type: application/x-amz-json-1.0"
								: "Content-Type: application/fhir+json");
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		list = curl_slist_append(list, headers[i]);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CAINFO, is_folder(ca_path) ? NULL : ca_path);
	curl_easy_setopt(easy, CURLOPT_CAPATH, is_folder(ca_path) ? ca_path : NULL);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	if (body != NULL)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	return easy;
}

/* The same for an operation of the control plane, or a GET, by the URL. */
static CURL *
prepare_call(const char *url, const char *ca_path, const char *operation,
			 const char *body)
{
	const char *path = strchr(strstr(url, "//") + 2, '/');

	return strcmp(path, "/") == 0 ? prepare(url, ca_path, operation, body)
								  : prepare(url, ca_path, NULL, NULL);
}

/* The nanoseconds of a clock. */
static double
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* Sends the request a number of times and prints the time of one. */
static int
loop(const char *url, const char *ca_path, int count)
{
	CURL *easy =
		prepare_call(url, ca_path, "CreateFHIRDatastore", request_body);
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

/* Sets the next body of a handle, if there are several. */
static CURL *
load(CURL *easy, char **bodies, int at)
{
	if (bodies != NULL)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bodies[at]);
	return easy;
}

/* Sends one request without a connection and prints its time. */
static int
first(const char *url, const char *ca_path)
{
	double began = read_clock(CLOCK_MONOTONIC);
	CURL *easy;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	easy = prepare_call(url, ca_path, "CreateFHIRDatastore", request_body);
	if (curl_easy_perform(easy) != CURLE_OK)
		return 1;
	printf("%.3f\n", (read_clock(CLOCK_MONOTONIC) - began) / 1e6);
	return 0;
}

/* Sends a number of requests, as many at a time as there are handles. */
static int
spread(CURL **handles, int most, int count, char **bodies)
{
	static CURLM *multi = NULL;
	int started = 0, ended = 0, failed = 0, running, left;
	CURLMsg *message;

	if (multi == NULL)
		multi = curl_multi_init();
	for (; started < most && started < count; started++)
		curl_multi_add_handle(multi, load(handles[started], bodies, started));
	while (ended < count)
	{
		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left)) != NULL)
		{
			CURL *easy = message->easy_handle;

			failed += message->data.result != CURLE_OK;
			ended++;
			curl_multi_remove_handle(multi, easy);
			if (started < count)
				curl_multi_add_handle(multi, load(easy, bodies, started));
			started++;
		}
		if (ended < count)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	return failed;
}

/* Sends a number of requests, some at a time, and prints the milliseconds. */
static int
measure(CURL **handles, int most, int count, char **bodies)
{
	/* opens the connections */
	int failed = spread(handles, most, most < count ? most : count, bodies);
	double began = read_clock(CLOCK_MONOTONIC);

	failed += spread(handles, most, count, bodies);
	printf("%.3f\n", (read_clock(CLOCK_MONOTONIC) - began) / 1e6);
	return failed != 0;
}

/* Sends the same request. */
static int
fan(const char *url, const char *ca_path, int count, int most)
{
	CURL *handles[64];

	for (int i = 0; i < most; i++)
		handles[i] =
			prepare_call(url, ca_path, "DescribeFHIRDatastore", describe_body);
	return measure(handles, most, count, NULL);
}

/* Sends the lines of a file. */
static int
post(const char *url, const char *ca_path, const char *path, int most)
{
	CURL *handles[64];
	char **bodies = NULL;
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int count = 0;

	while (file != NULL && getline(&line, &size, file) > 0)
	{
		bodies = realloc(bodies, (count + 1) * sizeof(*bodies));
		bodies[count++] = line;
		line = NULL;
		size = 0;
	}
	for (int i = 0; i < most; i++)
		handles[i] = prepare(url, ca_path, NULL, "");
	return count == 0 || measure(handles, most, count, bodies);
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	int most = argc == 6 ? atoi(argv[5]) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc <= 4 && strcmp(verb, "serve") == 0)
		return serve(argv[2], argc == 4 ? atoi(argv[3]) : 0);
	if (most > 0 && most <= 64 && strcmp(verb, "fan") == 0)
		return fan(argv[2], argv[3], atoi(argv[4]), most);
	if (most > 0 && most <= 64 && strcmp(verb, "post") == 0)
		return post(argv[2], argv[3], argv[4], most);
	if (argc == 5 && strcmp(verb, "loop") == 0)
		return loop(argv[2], argv[3], atoi(argv[4]));
	if (argc == 4 && strcmp(verb, "first") == 0)
		return first(argv[2], argv[3]);
	fprintf(stderr, "usage: bench serve CA [LATENCY-MS] | bench loop URL CA "
					"COUNT | bench fan URL CA COUNT IN-FLIGHT | bench post "
					"URL CA FILE IN-FLIGHT | bench first URL CA\n");
	return 2;
}
