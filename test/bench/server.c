/*
 * server.c
 *	  The fast server of the benchmark: it answers with bytes that were written
 *	  before. Of the control plane's operations it knows three, one of which
 *	  lists 100,000 data stores in pages of 100; of FHIR's it reads
 *	  a resource, tells a bundle that all entries were done, and searches
 *	  100,000 resources, in pages of 100 that lead from one to the next.
 */
#include "server.h"

#include "peer.h"

#define PAGE_ENTRIES 100
#define PAGES 1000

/* A request that is being received. */
typedef struct Request
{
	char *data;
	size_t size;
	size_t len;
} Request;

static int latency = 0; /* microseconds */

static const char created_body[] =
	"{\"DatastoreId\":\"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreArn\":"
	"\"arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/"
	"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreStatus\":\"CREATING\","
	"\"DatastoreEndpoint\":\"https://healthlake.us-east-1.amazonaws.com/"
	"datastore/c1cbeeac03514069f5dcaa110f206385/r4/\"}";

static const char described_body[] =
	"{\"DatastoreProperties\":{\"DatastoreId\":"
	"\"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreArn\":"
	"\"arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/"
	"c1cbeeac03514069f5dcaa110f206385\",\"DatastoreName\":\"bench\","
	"\"DatastoreStatus\":\"ACTIVE\",\"DatastoreTypeVersion\":\"R4\","
	"\"DatastoreEndpoint\":\"https://healthlake.us-east-1.amazonaws.com/"
	"datastore/c1cbeeac03514069f5dcaa110f206385/r4/\"}}";

static const char resource_body[] =
	"{\"resourceType\":\"Observation\",\"id\":\"o1\",\"meta\":{\"versionId\":"
	"\"1\",\"lastUpdated\":\"2026-11-23T16:00:00.000Z\"},\"status\":\"final\","
	"\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
	"CodeSystem/observation-category\",\"code\":\"vital-signs\"}]}],\"code\":"
	"{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8867-4\","
	"\"display\":\"Heart rate\"}]},\"subject\":{\"reference\":\"Patient/p1\"},"
	"\"effectiveDateTime\":\"2026-11-23T15:59:00Z\",\"valueQuantity\":"
	"{\"value\":72,\"unit\":\"beats/minute\",\"system\":"
	"\"http://unitsofmeasure.org\",\"code\":\"/min\"}}";

static char created[1024];
static char described[1024];
static char resource[2048];

/* Writes a reply with that body; returns its length. */
static int
write_reply(char *text, size_t size, const char *type, const char *body)
{
	return snprintf(text, size,
					"HTTP/1.1 200 OK\r\n"
					"x-amzn-RequestId: 2b8a1f0a-6f0e-4d57-a6a0-1c6fd1f8f0e3\r\n"
					"Date: Mon, 23 Nov 2026 16:00:00 GMT\r\n"
					"Content-Type: application/%s\r\n"
					"Content-Length: %zu\r\n\r\n%s",
					type, strlen(body), body);
}

/* Writes the constant replies. */
static void
write_replies(void)
{
	write_reply(created, sizeof(created), "x-amz-json-1.0", created_body);
	write_reply(described, sizeof(described), "x-amz-json-1.0", described_body);
	write_reply(resource, sizeof(resource), "fhir+json", resource_body);
}

/* Whether a complete request was received. */
static bool
is_whole(const Request *request)
{
	const char *end = memmem(request->data, request->len, "\r\n\r\n", 4);
	const char *length;

	if (end == NULL)
		return false;
	length =
		memmem(request->data, end - request->data, "\r\nContent-Length:", 17);
	return request->len >= (size_t) (end + 4 - request->data) +
							   (length ? strtoul(length + 17, NULL, 10) : 0);
}

/* Receives one request; false if none arrives. */
static bool
receive(Peer *peer, Request *request)
{
	request->len = 0;
	do
	{
		int got;

		if (request->size - request->len < 16384)
			request->data = realloc(request->data,
									request->size = request->size * 2 + 32768);
		got = peer_receive(peer, request->data + request->len,
						   request->size - request->len - 1);
		if (got <= 0)
			return false;
		request->len += (size_t) got;
		request->data[request->len] = '\0';
	} while (!is_whole(request));
	return true;
}

/* Sends a reply of status 200 with that body. */
static void
say_body(Peer *peer, const char *type, const char *body)
{
	size_t size = strlen(body) + 512;
	char *reply = malloc(size);

	peer_send(peer, reply, write_reply(reply, size, type, body));
	free(reply);
}

/* Answers with a page; its link leads to the next one. */
static void
say_page(Peer *peer, int page)
{
	size_t size = 65536;
	char *body = malloc(size);
	int len = snprintf(body, size,
					   "{\"resourceType\":\"Bundle\",\"type\":\"searchset\","
					   "\"total\":%d,\"link\":[",
					   PAGES * PAGE_ENTRIES);

	if (page + 1 < PAGES)
		len += snprintf(body + len, size - len,
						"{\"relation\":\"next\",\"url\":"
						"\"https://healthlake.us-east-1.amazonaws.com/"
						"datastore/c1cbeeac03514069f5dcaa110f206385/r4/"
						"Observation?_count=%d&page=%d\"}",
						PAGE_ENTRIES, page + 1);
	len += snprintf(body + len, size - len, "],\"entry\":[");
	for (int i = 0; i < PAGE_ENTRIES; i++)
		len += snprintf(body + len, size - len,
						"%s{\"resource\":{\"resourceType\":\"Observation\","
						"\"id\":\"2b8a1f0a-6f0e-4d57-a6a0-%012d\",\"meta\":"
						"{\"versionId\":\"1\",\"lastUpdated\":"
						"\"2026-11-23T16:00:00.000Z\"},\"status\":\"final\"},"
						"\"search\":{\"mode\":\"match\"}}",
						i > 0 ? "," : "", page * PAGE_ENTRIES + i);
	snprintf(body + len, size - len, "]}");
	say_body(peer, "fhir+json", body);
	free(body);
}

/* Answers with a page of data stores, and the token of the next one. */
static void
say_list(Peer *peer, int page)
{
	size_t size = 131072;
	char *body = malloc(size);
	int len = snprintf(body, size, "{");

	if (page + 1 < PAGES)
		len +=
			snprintf(body + len, size - len, "\"NextToken\":\"%d\",", page + 1);
	len += snprintf(body + len, size - len, "\"DatastorePropertiesList\":[");
	for (int i = 0; i < PAGE_ENTRIES; i++)
		len += snprintf(body + len, size - len,
						"%s{\"DatastoreId\":\"%032x\",\"DatastoreArn\":"
						"\"arn:aws:healthlake:us-east-1:123456789012:"
						"datastore/fhir/%032x\",\"DatastoreName\":"
						"\"bench\",\"DatastoreStatus\":\"ACTIVE\","
						"\"CreatedAt\":1763913600.%03d,"
						"\"DatastoreTypeVersion\":\"R4\","
						"\"DatastoreEndpoint\":\"https://healthlake."
						"us-east-1.amazonaws.com/datastore/%032x/r4/\"}",
						i > 0 ? "," : "", page * PAGE_ENTRIES + i,
						page * PAGE_ENTRIES + i, i, page * PAGE_ENTRIES + i);
	snprintf(body + len, size - len, "]}");
	say_body(peer, "x-amz-json-1.0", body);
	free(body);
}

/* Answers an operation of the control plane. */
static void
say_operation(Peer *peer, const Request *request)
{
	const char *token = strstr(request->data, "\"NextToken\"");

	if (strstr(request->data, "ListFHIRDatastores") != NULL)
		say_list(peer, token == NULL ? 0
									 : atoi(token + 11 +
											strcspn(token + 11, "0123456789")));
	else
		peer_say(peer,
				 strstr(request->data, "DescribeFHIR") ? described : created);
}

/* Answers a bundle: every entry has succeeded. */
static void
say_done(Peer *peer, const Request *request)
{
	size_t size = 65536;
	char *body = malloc(size);
	const char *rest = strstr(request->data, "\r\n\r\n");
	int len = snprintf(body, size,
					   "{\"resourceType\":\"Bundle\",\"type\":"
					   "\"batch-response\",\"entry\":[");

	for (int i = 0; (rest = strstr(rest, "\"request\"")) != NULL; i++, rest++)
		len += snprintf(body + len, size - len,
						"%s{\"response\":{\"status\":\"201\",\"etag\":"
						"\"W/\\\"1\\\"\"}}",
						i > 0 ? "," : "");
	snprintf(body + len, size - len, "]}");
	say_body(peer, "fhir+json", body);
	free(body);
}

/* Answers one request. */
static void
say_answer(Peer *peer, const Request *request)
{
	const char *line_end = strchr(request->data, '\r');
	const char *page = strstr(request->data, "page=");

	if (strncmp(request->data, "POST / ", 7) == 0)
		say_operation(peer, request);
	else if (page != NULL && page < line_end)
		say_page(peer, atoi(page + 5));
	else if (memmem(request->data, line_end - request->data, "/_search ", 9))
		say_page(peer, 0);
	else if (request->data[0] == 'G')
		peer_say(peer, resource);
	else
		say_done(peer, request);
}

/* Handler: one answer to each request. */
static void
answer(Peer *peer)
{
	Request request = {0};

	while (receive(peer, &request))
	{
		if (latency > 0)
			usleep(latency);
		say_answer(peer, &request);
	}
	free(request.data);
}

int
serve(const char *ca_path, int latency_ms)
{
	PeerServer plain = peer_serve(answer);
	PeerServer tls = peer_serve(answer);
	char rest[16];

	latency = latency_ms * 1000;
	write_replies();
	peer_use_tls(&tls, ca_path);
	peer_start(&plain);
	peer_start(&tls);
	printf("%d %d\n", plain.port, tls.port);
	fflush(stdout);
	while (read(STDIN_FILENO, rest, sizeof(rest)) > 0)
		;
	return 0;
}
