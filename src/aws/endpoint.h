/*
 * endpoint.h
 *	  Endpoints of services: AWS's endpoint rules for HealthLake and STS, its
 *	  partitions, and custom URLs that replace the rules. Nothing is allocated;
 *	  an HlEndpoint is a plain value that is complete if OK is returned.
 */
#ifndef HL_AWS_ENDPOINT_H
#define HL_AWS_ENDPOINT_H

#include <stdbool.h>

#define HL_ENDPOINT_MAX_URL 1024 /* of a custom URL, in bytes */

typedef enum HlEndpointOutcome
{
	HL_ENDPOINT_OK,
	HL_ENDPOINT_NO_REGION,
	HL_ENDPOINT_BAD_REGION, /* not in the form of a region */
	HL_ENDPOINT_BAD_URL,    /* no http or https URL, or an invalid one */
	HL_ENDPOINT_BAD_PREFIX, /* a host prefix with an IP address */
	HL_ENDPOINT_CONFLICT,   /* forbidden by a rule, whose text is in reason */
	HL_ENDPOINT_NO_MEMORY
} HlEndpointOutcome;

/* A partition: regions with the same host name suffixes. */
typedef struct HlPartition
{
	const char *id;
	const char *prefixes;      /* before -word-number: "us|eu" */
	const char *global_region; /* its pseudo-region; NULL: none */
	const char *dns_suffix;
	const char *dual_stack_dns_suffix;
	bool supports_fips;
	bool supports_dual_stack;
} HlPartition;

/* The input of the rules. NULL strings are the same as empty ones. */
typedef struct HlEndpointParameters
{
	const char *service;     /* "healthlake" or "sts" */
	const char *region;      /* may be fips-us-east-1, which sets use_fips */
	const char *url;         /* a custom endpoint, instead of the rules */
	const char *host_prefix; /* "datatransformation."; NULL if disabled */
	bool use_fips;
	bool use_dual_stack;
	bool use_global; /* STS only: its old regions share one endpoint */
} HlEndpointParameters;

typedef struct HlEndpoint
{
	char url[HL_ENDPOINT_MAX_URL + 352]; /* scheme, authority and path */
	char authority[320]; /* Host header: lower case, no default port */
	char host[256];      /* without brackets */
	char path[HL_ENDPOINT_MAX_URL + 2]; /* begins and ends with a slash */
	char signing_region[64];            /* "": no region was given */
	int port;
	bool tls;
	bool bracketed;     /* the host is an IPv6 address */
	const char *reason; /* static text if the outcome is not OK */
} HlEndpoint;

/* Where requests are sent: scheme://[host prefix]authority path. */
typedef struct HlTarget
{
	bool plain;            /* http, only to a loopback address */
	const char *from;      /* the setting it comes from; NULL: AWS's rules */
	const char *authority; /* lower case, without a default port */
	const char *path;      /* "/", or the base path of a custom endpoint */
	bool link_local;       /* plain also to AWS's link-local addresses */
} HlTarget;

/* Applies the rules, in the given partition or in that of the region. */
extern HlEndpointOutcome
hl_endpoint_resolve(const HlEndpointParameters *parameters,
					HlEndpoint *endpoint);
extern HlEndpointOutcome
hl_endpoint_resolve_in(const HlPartition *partition,
					   const HlEndpointParameters *parameters,
					   HlEndpoint *endpoint);

/* Parses a custom endpoint: http or https, host, port and base path. */
extern HlEndpointOutcome hl_endpoint_read_url(const char *url,
											  HlEndpoint *endpoint);

/* Whether the host is this machine: only then plain http is allowed. */
extern bool hl_endpoint_is_loopback(const HlEndpoint *endpoint);

extern bool hl_endpoint_is_region(const char *region);

/* Writes the region of a name like fips-us-east-1; true if it requests FIPS. */
extern bool hl_endpoint_real_region(const char *region, char real[64]);

extern const HlPartition *hl_endpoint_partition(const char *region);

#endif
