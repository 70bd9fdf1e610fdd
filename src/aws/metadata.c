/*
 * metadata.c
 *	  Addresses of instance metadata and of containers' credential endpoints.
 */
#include "aws/metadata.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CONTAINER_HOST "http://169.254.170.2"

/* AWS's link-local addresses: packets to them stay on the link. */
static const char *const link_hosts[] = {"169.254.169.254", "169.254.170.2",
										 "169.254.170.23", "fd00:ec2::254",
										 "fd00:ec2::23"};

/* Whether plain http is allowed for a host. */
static bool
is_near(const HlEndpoint *endpoint)
{
	for (size_t i = 0; i < sizeof(link_hosts) / sizeof(link_hosts[0]); i++)
		if (strcasecmp(endpoint->host, link_hosts[i]) == 0)
			return true;
	return hl_endpoint_is_loopback(endpoint);
}

/* Sets the reason. */
static bool
refuse(HlMetadataUrl *url, const char *reason)
{
	url->reason = reason;
	return false;
}

/* Takes a path with its query. */
static bool
take_path(HlMetadataUrl *url, const char *path)
{
	size_t len = strlen(path);

	if (len + 2 > sizeof(url->path))
		return refuse(url, "the URL is too long");
	for (const char *c = path; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return refuse(url, "the URL has a character that must be encoded");
	snprintf(url->path, sizeof(url->path), "%s%s", *path == '/' ? "" : "/",
			 path);
	return true;
}

/* Splits a URL into origin and path. */
static bool
take_url(HlMetadataUrl *url, const char *whole)
{
	const char *host = strstr(whole, "://");
	char origin[HL_ENDPOINT_MAX_URL];
	HlEndpoint endpoint;
	HlEndpointOutcome outcome;
	size_t len;

	*url = (HlMetadataUrl){0};
	len = host == NULL ? 0
					   : (size_t) (host - whole) + 3 + strcspn(host + 3, "/?#");
	if (len == 0 || len >= sizeof(origin))
		return refuse(url, "the URL is not of the form http://host/path");
	memcpy(origin, whole, len);
	origin[len] = '\0';
	outcome = hl_endpoint_read_url(origin, &endpoint);
	url->no_memory = outcome == HL_ENDPOINT_NO_MEMORY;
	if (outcome != HL_ENDPOINT_OK)
		return refuse(url, endpoint.reason);
	if (!endpoint.tls && !is_near(&endpoint))
		return refuse(url, "http is allowed only for a loopback address and "
						   "AWS's link-local addresses");
	snprintf(url->authority, sizeof(url->authority), "%s", endpoint.authority);
	url->tls = endpoint.tls;
	return take_path(url, whole + len);
}

bool
hl_metadata_instance(const char *address, const char *mode, HlMetadataUrl *url)
{
	size_t len;

	*url = (HlMetadataUrl){0};
	if (address != NULL && *address != '\0')
	{
		if (!take_url(url, address))
			return false;
		len = strlen(url->path);
		url->path[url->path[len - 1] == '/' ? len - 1 : len] = '\0';
		return strchr(url->path, '?') == NULL ||
			   refuse(url, "the URL has a query");
	}
	if (mode == NULL || *mode == '\0' || strcasecmp(mode, "IPv4") == 0)
		return hl_metadata_instance("http://169.254.169.254", NULL, url);
	if (strcasecmp(mode, "IPv6") == 0)
		return hl_metadata_instance("http://[fd00:ec2::254]", NULL, url);
	return refuse(url, "the mode is neither IPv4 nor IPv6");
}

/* A relative path has precedence. */
bool
hl_metadata_container(const char *path, const char *whole, HlMetadataUrl *url)
{
	if (path == NULL || *path == '\0')
		return take_url(url, whole);
	if (!take_url(url, CONTAINER_HOST))
		return false;
	return *path == '/' ? take_path(url, path)
						: refuse(url, "the path does not begin with a slash");
}

bool
hl_metadata_is_role(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
							  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-");

	return len > 0 && len <= 128 && name[len] == '\0';
}
