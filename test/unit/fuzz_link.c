/*
 * fuzz_link.c
 *	  Arbitrary bytes as a link in a reply. An accepted link must lead, for
 *	  libcurl as well, into the data store at the endpoint; and reading the
 *	  result as a link must return the same.
 */
#include "aws/link.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define BASE "/hl/datastore/0123456789abcdef0123456789abcdef/r4/"

static const HlTarget target = {.authority = "proxy.example:8443",
								.path = "/hl/"};
static const HlLinkBase base = {.target = &target,
								.region = "us-east-1",
								.datastore_id =
									"0123456789abcdef0123456789abcdef"};

/* A part of a URL by libcurl's parser; NULL: none. */
static char *
part_of(CURLU *url, CURLUPart part)
{
	char *text = NULL;

	return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* Checks where libcurl would send it. */
static void
must_lead_here(const char *text, const HlLink *link)
{
	CURLU *url = curl_url();
	char *host, *port, *path, *query;

	must(curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK);
	host = part_of(url, CURLUPART_HOST);
	port = part_of(url, CURLUPART_PORT);
	path = part_of(url, CURLUPART_PATH);
	query = part_of(url, CURLUPART_QUERY);
	must(strcmp(host, "proxy.example") == 0 && strcmp(port, "8443") == 0);
	must(strncmp(path, BASE, strlen(BASE)) == 0);
	must(strcmp(path + strlen(BASE), hl_bytes_string(&link->path)) == 0);
	must(strcmp(query ? query : "", hl_bytes_string(&link->query)) == 0);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(query);
	curl_url_cleanup(url);
}

/* Checks an accepted link. */
static void
must_be_safe(const HlLink *link)
{
	HlBytes url = {0};
	HlLink again = {0};
	HlLinkOutcome outcome;

	hl_bytes_append_string(&url, "https://proxy.example:8443" BASE);
	hl_bytes_append(&url, link->path.data, link->path.len);
	if (link->query.len > 0)
	{
		hl_bytes_append_char(&url, '?');
		hl_bytes_append(&url, link->query.data, link->query.len);
	}
	must_lead_here(hl_bytes_string(&url), link);
	outcome = hl_link_read(&base, hl_bytes_string(&url), &again);
	must(url.len > HL_LINK_LONGEST || outcome == HL_LINK_OK);
	if (outcome == HL_LINK_OK)
		must(strcmp(hl_bytes_string(&again.path),
					hl_bytes_string(&link->path)) == 0 &&
			 strcmp(hl_bytes_string(&again.query),
					hl_bytes_string(&link->query)) == 0);
	hl_link_free(&again);
	hl_bytes_free(&url);
}

/*
 * The input: a byte that selects a valid beginning, and the rest of the link.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const beginnings[] = {
		"", "https://proxy.example:8443" BASE, "https://proxy.example:8443",
		"https://healthlake.us-east-1.amazonaws.com/datastore/"
		"0123456789abcdef0123456789abcdef/r4/",
		BASE};
	const char *beginning = beginnings[size > 0 ? bytes[0] % 5 : 0];
	size_t len = strlen(beginning);
	size_t rest = size > 0 ? size - 1 : 0;
	char *text = malloc(len + rest + 1);
	HlLink link = {0};

	memcpy(text, beginning, len);
	if (rest > 0)
		memcpy(text + len, bytes + 1, rest);
	text[len + rest] = '\0';
	if (hl_link_read(&base, text, &link) == HL_LINK_OK)
		must_be_safe(&link);
	else
		must(link.reason != NULL && link.path.data == NULL &&
			 link.query.data == NULL);
	hl_link_free(&link);
	free(text);
	return 0;
}
