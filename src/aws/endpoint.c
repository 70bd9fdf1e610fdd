/*
 * endpoint.c
 *	  AWS's endpoint rules, as its SDKs publish them, and custom endpoints.
 */
#include "aws/endpoint.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_LABEL 63
#define MAX_HOST 253

static const HlPartition partitions[] = {
	{"aws", "us|eu|ap|sa|ca|me|af|il|mx", "aws-global", "amazonaws.com",
	 "api.aws", true, true},
	{"aws-cn", "cn", "aws-cn-global", "amazonaws.com.cn",
	 "api.amazonwebservices.com.cn", true, true},
	{"aws-eusc", "eusc-de", NULL, "amazonaws.eu", "api.amazonwebservices.eu",
	 true, true},
	{"aws-iso", "us-iso", "aws-iso-global", "c2s.ic.gov", "api.aws.ic.gov",
	 true, true},
	{"aws-iso-b", "us-isob", "aws-iso-b-global", "sc2s.sgov.gov",
	 "api.aws.scloud", true, true},
	{"aws-iso-e", "eu-isoe", "aws-iso-e-global", "cloud.adc-e.uk",
	 "api.cloud-aws.adc-e.uk", true, true},
	{"aws-iso-f", "us-isof", "aws-iso-f-global", "csp.hci.ic.gov",
	 "api.aws.hci.ic.gov", true, true},
	{"aws-us-gov", "us-gov", "aws-us-gov-global", "amazonaws.com", "api.aws",
	 true, true},
};

/* The regions of STS's global endpoint. */
static const char *const global_sts_regions[] = {
	"ap-northeast-1", "ap-south-1",   "ap-southeast-1", "ap-southeast-2",
	"aws-global",     "ca-central-1", "eu-central-1",   "eu-north-1",
	"eu-west-1",      "eu-west-2",    "eu-west-3",      "sa-east-1",
	"us-east-1",      "us-east-2",    "us-west-1",      "us-west-2",
};

static bool
is_given(const char *string)
{
	return string != NULL && *string != '\0';
}

/* Whether a byte is a decimal digit, whatever the locale. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether a byte is an ASCII letter or digit. */
static bool
is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Converts ASCII letters to lower case, in place. */
static void
fold(char *string)
{
	for (; *string != '\0'; string++)
		if (*string >= 'A' && *string <= 'Z')
			*string = (char) (*string - 'A' + 'a');
}

/* Sets the outcome and the reason. */
static HlEndpointOutcome
refuse(HlEndpoint *endpoint, HlEndpointOutcome outcome, const char *reason)
{
	*endpoint = (HlEndpoint){.reason = reason};
	return outcome;
}

/* Whether what follows a partition's prefix is -word-number. */
static bool
is_region_tail(const char *tail)
{
	const char *word = tail + 1;
	const char *number;

	if (*tail != '-')
		return false;
	tail++;
	while (is_alphanumeric(*tail) || *tail == '_')
		tail++;
	if (tail == word || *tail != '-')
		return false;
	number = ++tail;
	while (is_digit(*tail))
		tail++;
	return tail > number && *tail == '\0';
}

/* Whether a region belongs to a partition, including unknown ones. */
static bool
is_in_partition(const HlPartition *partition, const char *region)
{
	const char *prefix = partition->prefixes;

	if (partition->global_region != NULL &&
		strcmp(region, partition->global_region) == 0)
		return true;
	while (*prefix != '\0')
	{
		size_t len = strcspn(prefix, "|");

		if (strncmp(region, prefix, len) == 0 && is_region_tail(region + len))
			return true;
		prefix += prefix[len] == '|' ? len + 1 : len;
	}
	return false;
}

/* Returns a region's partition; "aws" if none matches. */
const HlPartition *
hl_endpoint_partition(const char *region)
{
	for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
		if (is_in_partition(&partitions[i], region))
			return &partitions[i];
	return &partitions[0];
}

/*
 * Whether a string has a region's form. It becomes part of a host name, so it
 * must be a single label, and not a number: nothing else can be injected. It
 * must be in lower case, like AWS's regions, since it is signed and compared as
 * it is.
 */
bool
hl_endpoint_is_region(const char *region)
{
	size_t len = 0;
	bool number = true;

	for (; region[len] != '\0' && len <= MAX_LABEL; len++)
	{
		if ((!is_alphanumeric(region[len]) && region[len] != '-') ||
			(region[len] >= 'A' && region[len] <= 'Z'))
			return false;
		number = number && is_digit(region[len]);
	}
	return len > 0 && len <= MAX_LABEL && !number && region[0] != '-' &&
		   region[len - 1] != '-';
}

/*
 * Removes the first "fips-" or "-fips" from a name, as AWS's JavaScript SDK
 * does.
 */
static void
cut_fips(char *region)
{
	char *leading = strstr(region, "fips-");
	char *trailing = strstr(region, "-fips");
	char *cut = leading;
	size_t len = 5;

	if (cut == NULL || (trailing != NULL && trailing < leading))
		cut = trailing;
	else if (strncmp(leading + 5, "dkr-", 4) == 0)
		len = 9;
	else if (strncmp(leading + 5, "prod-", 5) == 0)
		len = 10;
	memmove(cut, cut + len, strlen(cut + len) + 1);
}

/*
 * Writes the region that a name contains, and returns whether it requests FIPS.
 */
bool
hl_endpoint_real_region(const char *region, char real[64])
{
	size_t len = strlen(region);
	bool fips = strncmp(region, "fips-", 5) == 0 ||
				(len >= 5 && strcmp(region + len - 5, "-fips") == 0);

	snprintf(real, 64, "%s", region);
	if (len >= 64)
		return false;
	if (strcmp(region, "fips-aws-global") == 0 ||
		strcmp(region, "aws-fips") == 0)
		strcpy(real, "us-east-1");
	else if (fips)
		cut_fips(real);
	return fips;
}

/* Whether a host is a dotted quad, and which. */
static bool
is_ipv4(const char *host, struct in_addr *address)
{
	return inet_pton(AF_INET, host, address) == 1;
}

/* Whether libc would parse a host as an IPv4 address in an old notation. */
static bool
looks_like_address(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *label = dot != NULL ? dot + 1 : host;
	size_t digits = strspn(label, "0123456789");

	if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return strspn(label + 2, "0123456789abcdefABCDEF") == strlen(label + 2);
	return digits > 0 && label[digits] == '\0';
}

/* Whether a host consists of DNS labels, or is a dotted quad. */
static bool
is_host_name(const char *host)
{
	size_t len = strlen(host);
	char labels[256];
	struct in_addr address;

	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len > MAX_HOST)
		return false;
	snprintf(labels, sizeof(labels), "%.*s", (int) len, host);
	if (looks_like_address(labels))
		return is_ipv4(labels, &address) && labels[len] == host[len];
	for (const char *label = labels;; label++)
	{
		size_t size = strcspn(label, ".");

		for (size_t i = 0; i < size; i++)
			if (!is_alphanumeric(label[i]) && label[i] != '-')
				return false;
		if (size == 0 || size > MAX_LABEL || label[0] == '-' ||
			label[size - 1] == '-')
			return false;
		label += size;
		if (*label == '\0')
			return true;
	}
}

/* Whether a path has only characters of RFC 3986, and no escaped dots. */
static bool
is_path(const char *path)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		"/-._~!$&'()*+,;=:@%";

	if (path[strspn(path, allowed)] != '\0')
		return false;
	while ((path = strchr(path, '%')) != NULL)
	{
		path++;
		if (strspn(path, "0123456789abcdefABCDEF") < 2 ||
			strncasecmp(path, "2e", 2) == 0)
			return false;
	}
	return true;
}

/*
 * Whether libcurl's parser returned a URL as it was given, except for case and
 * the root path. libcurl accepts and rewrites more than RFC 3986 allows: one
 * slash or three after the scheme, an empty port, 127.1, dots in a path. An
 * IPv6 address may be rewritten, since that changes only its form.
 */
static bool
is_unchanged(const char *given, const char *rewritten)
{
	size_t len;

	if (strchr(given, ']') != NULL && strchr(rewritten, ']') != NULL)
	{
		given = strchr(given, ']');
		rewritten = strchr(rewritten, ']');
	}
	len = strlen(given);
	return strncasecmp(given, rewritten, len) == 0 &&
		   (rewritten[len] == '\0' || strcmp(rewritten + len, "/") == 0);
}

/* The parts of a URL; failed: libcurl was out of memory. */
typedef struct Parts
{
	CURLU *handle;
	bool starved;
} Parts;

/* Copies a part of a URL; false if there is none or no room for it. */
static bool
copy_part(Parts *parts, CURLUPart part, char *buffer, size_t size)
{
	unsigned flags = part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
	char *text = NULL;
	CURLUcode code = curl_url_get(parts->handle, part, &text, flags);
	bool fits = code == CURLUE_OK && strlen(text) < size;

	parts->starved = parts->starved || code == CURLUE_OUT_OF_MEMORY;
	if (fits)
		strcpy(buffer, text);
	curl_free(text);
	return fits;
}

/* Takes the host, an IPv6 address without its brackets. */
static bool
take_host(Parts *parts, HlEndpoint *endpoint)
{
	struct in6_addr address;
	char *host = endpoint->host;
	char zone[64];
	size_t len;

	if (!copy_part(parts, CURLUPART_HOST, host, sizeof(endpoint->host)) ||
		copy_part(parts, CURLUPART_ZONEID, zone, sizeof(zone)))
		return false;
	fold(host);
	len = strlen(host);
	endpoint->bracketed = host[0] == '[' && host[len - 1] == ']';
	if (!endpoint->bracketed)
		return is_host_name(host);
	memmove(host, host + 1, len);
	host[len - 2] = '\0';
	return inet_pton(AF_INET6, host, &address) == 1;
}

/* Returns NULL, or the problem. */
static const char *
take_parts(Parts *parts, const char *url, HlEndpoint *endpoint)
{
	CURLUcode code =
		curl_url_set(parts->handle, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	char *path = endpoint->path;
	char text[HL_ENDPOINT_MAX_URL + 64];

	parts->starved = code == CURLUE_OUT_OF_MEMORY;
	if (code == CURLUE_USER_NOT_ALLOWED)
		return "it must not contain a user name or a password";
	if (code == CURLUE_NO_HOST)
		return "it names no host";
	if (copy_part(parts, CURLUPART_PORT, text, sizeof(text)))
		endpoint->port = atoi(text);
	if (code == CURLUE_BAD_PORT_NUMBER || (code == 0 && endpoint->port < 1))
		return "its port is not a number from 1 to 65535";
	if (code != CURLUE_OK || !take_host(parts, endpoint) ||
		!copy_part(parts, CURLUPART_PATH, path, sizeof(endpoint->path) - 1) ||
		!is_path(path) ||
		!copy_part(parts, CURLUPART_URL, text, sizeof(text)) ||
		!is_unchanged(url, text))
		return "its host, port or path is malformed";
	if (path[strlen(path) - 1] != '/')
		strcat(path, "/");
	return NULL;
}

/* Writes the authority and the URL from the parts. */
static void
join_parts(HlEndpoint *endpoint)
{
	int default_port = endpoint->tls ? 443 : 80;
	char port[8] = "";

	if (endpoint->port != default_port)
		snprintf(port, sizeof(port), ":%hu", (unsigned short) endpoint->port);
	snprintf(endpoint->authority, sizeof(endpoint->authority), "%s%s%s%s",
			 endpoint->bracketed ? "[" : "", endpoint->host,
			 endpoint->bracketed ? "]" : "", port);
	snprintf(endpoint->url, sizeof(endpoint->url), "%s://%s%s",
			 endpoint->tls ? "https" : "http", endpoint->authority,
			 endpoint->path);
}

/*
 * Parses a URL with libcurl's parser, so that what is signed is what libcurl
 * sends. A base path gets a slash at its end.
 */
HlEndpointOutcome
hl_endpoint_read_url(const char *url, HlEndpoint *endpoint)
{
	bool tls = strncasecmp(url, "https://", 8) == 0;
	const char *reason = NULL;
	Parts parts;

	*endpoint = (HlEndpoint){.tls = tls};
	if (!tls && strncasecmp(url, "http://", 7) != 0)
		return refuse(endpoint, HL_ENDPOINT_BAD_URL,
					  "it must begin with https:// or http://");
	if (strlen(url) > HL_ENDPOINT_MAX_URL)
		return refuse(endpoint, HL_ENDPOINT_BAD_URL, "it is too long");
	if (strpbrk(url, "?#") != NULL)
		return refuse(endpoint, HL_ENDPOINT_BAD_URL,
					  "it must not contain a query or a fragment");
	parts.handle = curl_url();
	parts.starved = parts.handle == NULL;
	if (!parts.starved)
		reason = take_parts(&parts, url, endpoint);
	curl_url_cleanup(parts.handle);
	if (parts.starved)
		return refuse(endpoint, HL_ENDPOINT_NO_MEMORY, "out of memory");
	if (reason != NULL)
		return refuse(endpoint, HL_ENDPOINT_BAD_URL, reason);
	join_parts(endpoint);
	return HL_ENDPOINT_OK;
}

/*
 * Whether a name is localhost or below it; it is not looked up (RFC 6761,
 * section 6.3).
 */
static bool
is_localhost(const char *host)
{
	const char *last = strrchr(host, '.');

	return strcmp(last == NULL ? host : last + 1, "localhost") == 0;
}

/* By address, or by the name localhost. */
bool
hl_endpoint_is_loopback(const HlEndpoint *endpoint)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (endpoint->bracketed)
		return inet_pton(AF_INET6, endpoint->host, &v6) == 1 &&
			   IN6_IS_ADDR_LOOPBACK(&v6);
	if (is_ipv4(endpoint->host, &v4))
		return ntohl(v4.s_addr) >> 24 == 127;
	return is_localhost(endpoint->host);
}

/* Whether STS's global endpoint serves a region, if that is requested. */
static bool
is_global_sts(const char *region, bool use_global)
{
	size_t count = sizeof(global_sts_regions) / sizeof(global_sts_regions[0]);

	if (strcmp(region, "aws-global") == 0)
		return true;
	for (size_t i = 0; use_global && i < count; i++)
		if (strcmp(region, global_sts_regions[i]) == 0)
			return true;
	return false;
}

/* Writes the endpoint of a host that the rules determine. */
static HlEndpointOutcome
use_host(HlEndpoint *endpoint, const char *service, const char *region,
		 const char *suffix)
{
	endpoint->tls = true;
	endpoint->port = 443;
	strcpy(endpoint->path, "/");
	snprintf(endpoint->host, sizeof(endpoint->host), "%s%s%s.%s", service,
			 *region != '\0' ? "." : "", region, suffix);
	fold(endpoint->host);
	join_parts(endpoint);
	return HL_ENDPOINT_OK;
}

/* The rules for FIPS, dual stack, both or neither, in a region. */
static HlEndpointOutcome
apply_region_rules(const HlPartition *partition,
				   const HlEndpointParameters *parameters, const char *region,
				   HlEndpoint *endpoint)
{
	const char *suffix = parameters->use_dual_stack
							 ? partition->dual_stack_dns_suffix
							 : partition->dns_suffix;
	bool sts = strcmp(parameters->service, "sts") == 0;
	char service[32];

	if (parameters->use_fips && parameters->use_dual_stack &&
		!(partition->supports_fips && partition->supports_dual_stack))
		return refuse(endpoint, HL_ENDPOINT_CONFLICT,
					  "FIPS and DualStack are enabled, but this partition "
					  "does not support one or both");
	if (parameters->use_fips && !partition->supports_fips)
		return refuse(endpoint, HL_ENDPOINT_CONFLICT,
					  "FIPS is enabled but this partition does not support "
					  "FIPS");
	if (parameters->use_dual_stack && !partition->supports_dual_stack)
		return refuse(endpoint, HL_ENDPOINT_CONFLICT,
					  "DualStack is enabled but this partition does not "
					  "support DualStack");
	if (sts && !parameters->use_fips && !parameters->use_dual_stack &&
		is_global_sts(region, parameters->use_global))
	{
		strcpy(endpoint->signing_region, "us-east-1");
		return use_host(endpoint, "sts", "", "amazonaws.com");
	}
	/* in GovCloud STS's ordinary endpoint is also its FIPS endpoint */
	snprintf(service, sizeof(service), "%s%s", parameters->service,
			 parameters->use_fips && !(sts && !parameters->use_dual_stack &&
									   strcmp(partition->id, "aws-us-gov") == 0)
				 ? "-fips"
				 : "");
	return use_host(endpoint, service, region, suffix);
}

/* A custom endpoint cannot be combined with FIPS or dual stack. */
static HlEndpointOutcome
apply_url_rules(const HlEndpointParameters *parameters, HlEndpoint *endpoint)
{
	char region[64];
	HlEndpointOutcome outcome;

	if (parameters->use_fips)
		return refuse(endpoint, HL_ENDPOINT_CONFLICT,
					  "Invalid Configuration: FIPS and custom endpoint are "
					  "not supported");
	if (parameters->use_dual_stack)
		return refuse(endpoint, HL_ENDPOINT_CONFLICT,
					  "Invalid Configuration: Dualstack and custom endpoint "
					  "are not supported");
	strcpy(region, endpoint->signing_region);
	outcome = hl_endpoint_read_url(parameters->url, endpoint);
	if (outcome == HL_ENDPOINT_OK)
		strcpy(endpoint->signing_region, region);
	return outcome;
}

/* Adds an operation's prefix to the host, which must still be valid. */
static HlEndpointOutcome
apply_host_prefix(const char *prefix, HlEndpoint *endpoint)
{
	char host[sizeof(endpoint->host)];
	int len = snprintf(host, sizeof(host), "%s%s", prefix, endpoint->host);

	if (endpoint->bracketed || looks_like_address(endpoint->host))
		return refuse(endpoint, HL_ENDPOINT_BAD_PREFIX,
					  "the operation's host prefix cannot be put before an "
					  "address");
	if (len >= (int) sizeof(host) || !is_host_name(host))
		return refuse(endpoint, HL_ENDPOINT_BAD_PREFIX,
					  "the host is malformed with the operation's prefix");
	strcpy(endpoint->host, host);
	fold(endpoint->host);
	join_parts(endpoint);
	return HL_ENDPOINT_OK;
}

/* Checks the region, and removes FIPS from its name. */
static bool
settle_region(HlEndpointParameters *parameters, char region[64])
{
	region[0] = '\0';
	if (!is_given(parameters->region))
		return true;
	if (!hl_endpoint_is_region(parameters->region))
		return false;
	if (hl_endpoint_real_region(parameters->region, region))
		parameters->use_fips = true;
	return hl_endpoint_is_region(region);
}

/* Applies the rules in a partition; NULL for the region's own. */
HlEndpointOutcome
hl_endpoint_resolve_in(const HlPartition *partition,
					   const HlEndpointParameters *given, HlEndpoint *endpoint)
{
	HlEndpointParameters parameters = *given;
	HlEndpointOutcome outcome;
	char region[64];

	if (!settle_region(&parameters, region))
		return refuse(endpoint, HL_ENDPOINT_BAD_REGION,
					  "it does not have the form of a region");
	if (partition == NULL)
		partition = hl_endpoint_partition(region);
	*endpoint = (HlEndpoint){0};
	strcpy(endpoint->signing_region, region);
	if (is_given(given->url))
		outcome = apply_url_rules(&parameters, endpoint);
	else if (region[0] != '\0')
		outcome = apply_region_rules(partition, &parameters, region, endpoint);
	else
		outcome = refuse(endpoint, HL_ENDPOINT_NO_REGION,
						 "Invalid Configuration: Missing Region");
	if (outcome == HL_ENDPOINT_OK && is_given(given->host_prefix))
		outcome = apply_host_prefix(given->host_prefix, endpoint);
	return outcome;
}

HlEndpointOutcome
hl_endpoint_resolve(const HlEndpointParameters *parameters,
					HlEndpoint *endpoint)
{
	return hl_endpoint_resolve_in(NULL, parameters, endpoint);
}
