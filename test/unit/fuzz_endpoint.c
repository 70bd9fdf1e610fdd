/*
 * fuzz_endpoint.c
 *	  Any bytes as an endpoint's URL and as a region. What is accepted must
 *	  read back as itself, contain nothing that could end a line, and mean the
 *	  same host and path to libcurl, which does the sending.
 */
#include "aws/endpoint.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Ends the run where something that always holds does not. */
static void
must(bool held)
{
	if (!held)
		abort();
}

/* Checks that a text is made of visible ASCII. */
static void
must_be_visible(const char *text)
{
	for (; *text != '\0'; text++)
		must(*text > ' ' && *text < 0x7f);
}

/* Checks one part of a URL as libcurl sees it. */
static void
must_match(CURLU *url, CURLUPart part, const char *expected)
{
	char *text = NULL;

	must(curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK);
	must(strcmp(text, expected) == 0);
	curl_free(text);
}

/* Checks that libcurl would send to the host and path that are signed. */
static void
must_mean_the_same(const HlEndpoint *endpoint)
{
	CURLU *url = curl_url();
	char host[300];
	char port[8];

	snprintf(host, sizeof(host), endpoint->bracketed ? "[%s]" : "%s",
			 endpoint->host);
	snprintf(port, sizeof(port), "%d", endpoint->port);
	must(curl_url_set(url, CURLUPART_URL, endpoint->url, 0) == CURLUE_OK);
	must_match(url, CURLUPART_SCHEME, endpoint->tls ? "https" : "http");
	if (!endpoint->bracketed) /* libcurl writes the address anew */
		must_match(url, CURLUPART_HOST, host);
	must_match(url, CURLUPART_PORT, port);
	must_match(url, CURLUPART_PATH, endpoint->path);
	curl_url_cleanup(url);
}

/* Checks an endpoint that was accepted. */
static void
must_be_sound(const HlEndpoint *endpoint)
{
	HlEndpoint again;
	size_t len = strlen(endpoint->path);

	must_be_visible(endpoint->url);
	must_be_visible(endpoint->authority);
	must(endpoint->host[0] != '\0');
	must(endpoint->port >= 1 && endpoint->port <= 65535);
	must(endpoint->path[0] == '/' && endpoint->path[len - 1] == '/');
	must(strlen(endpoint->url) > HL_ENDPOINT_MAX_URL ||
		 hl_endpoint_read_url(endpoint->url, &again) == HL_ENDPOINT_OK);
	if (strlen(endpoint->url) <= HL_ENDPOINT_MAX_URL)
		must(strcmp(again.url, endpoint->url) == 0 &&
			 strcmp(again.authority, endpoint->authority) == 0);
	must_mean_the_same(endpoint);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Takes the first byte for switches, the rest for a URL and for a region. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	unsigned switches = size > 0 ? bytes[0] : 0;
	char *text =
		strndup((const char *) bytes + (size > 0), size > 0 ? size - 1 : 0);
	HlEndpointParameters parameters = {
		.service = switches & 1 ? "sts" : "healthlake",
		.use_fips = switches & 2,
		.use_dual_stack = switches & 4,
		.use_global = switches & 8,
		.host_prefix = switches & 16 ? "datatransformation." : NULL,
		.url = switches & 32 ? text : NULL,
		.region = switches & 32 ? NULL : text,
	};
	HlEndpoint endpoint;

	if (hl_endpoint_resolve(&parameters, &endpoint) == HL_ENDPOINT_OK)
		must_be_sound(&endpoint);
	else
		must(endpoint.reason != NULL && endpoint.url[0] == '\0');
	if (hl_endpoint_read_url(text, &endpoint) == HL_ENDPOINT_OK)
		must_be_sound(&endpoint);
	free(text);
	return 0;
}
