/*
 * fuzz_endpoint.c
 *	  Arbitrary bytes as an endpoint's URL and as a region. An accepted URL
 *	  must parse to itself, contain no line ends, and have the parts that the
 *	  regular expression of RFC 3986 (appendix B) finds in it.
 */
#include "aws/endpoint.h"

#include <arpa/inet.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"

/* Checks that a text is made of visible ASCII. */
static void
must_be_visible(const char *text)
{
	for (; *text != '\0'; text++)
		must(*text > ' ' && *text < 0x7f);
}

/* Compares a part of the expression with a text, ignoring case. */
static bool
is_part(const char *url, regmatch_t part, const char *expected)
{
	size_t len = (size_t) (part.rm_eo - part.rm_so);

	return part.rm_so >= 0 && len == strlen(expected) &&
		   strncasecmp(url + part.rm_so, expected, len) == 0;
}

/* Checks the authority; the default port may be omitted. */
static void
must_have_authority(const HlEndpoint *endpoint, const char *url,
					regmatch_t part)
{
	char text[HL_ENDPOINT_MAX_URL + 1];
	char *colon;

	snprintf(text, sizeof(text), "%.*s", (int) (part.rm_eo - part.rm_so),
			 url + part.rm_so);
	colon = strrchr(text, ':');
	if (colon != NULL && strchr(colon, ']') == NULL &&
		atoi(colon + 1) == (endpoint->tls ? 443 : 80))
		*colon = '\0';
	if (endpoint->bracketed) /* an IPv6 address has several notations */
	{
		unsigned char given[16];
		unsigned char read[16];
		char *end = strchr(text, ']');

		must(text[0] == '[' && end != NULL);
		*end = '\0';
		must(inet_pton(AF_INET6, text + 1, given) == 1 &&
			 inet_pton(AF_INET6, endpoint->host, read) == 1);
		must(memcmp(given, read, sizeof(given)) == 0);
		must(end[1] == '\0' ||
			 strcmp(end + 1, strchr(endpoint->authority, ']') + 1) == 0);
	}
	else
		must(strcasecmp(text, endpoint->authority) == 0);
}

/* Checks the parts of a URL that was accepted. */
static void
must_have_parts(const HlEndpoint *endpoint, const char *url)
{
	static const char pattern[] =
		"^(([^:/?#]+):)?(//([^/?#]*))?([^?#]*)(\\?([^#]*))?(#(.*))?";
	static regex_t expression;
	static bool compiled;
	regmatch_t parts[10];
	char path[HL_ENDPOINT_MAX_URL + 2];

	if (!compiled)
		must(regcomp(&expression, pattern, REG_EXTENDED) == 0);
	compiled = true;
	must(regexec(&expression, url, 10, parts, 0) == 0);
	must(is_part(url, parts[2], endpoint->tls ? "https" : "http"));
	must(parts[3].rm_so >= 0 && parts[6].rm_so < 0 && parts[8].rm_so < 0);
	must_have_authority(endpoint, url, parts[4]);
	snprintf(path, sizeof(path), "%s", endpoint->path);
	if (!is_part(url, parts[5], path))
	{
		path[strlen(path) - 1] = '\0'; /* the slash was added by us */
		must(is_part(url, parts[5], path));
	}
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
	must_have_parts(endpoint, endpoint->url);
}

/* The input: a byte of flags, and a URL or a region. */
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
	{
		must_be_sound(&endpoint);
		must_have_parts(&endpoint, text);
	}
	free(text);
	return 0;
}
