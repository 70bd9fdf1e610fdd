/*
 * endpoint.h
 *	  The endpoints of services: AWS's endpoint rules for HealthLake and STS,
 *	  its partitions, and custom URLs that replace the rules. Nothing here
 *	  allocates; an HlEndpoint is a plain value, complete if OK is returned.
 */
#ifndef HL_AWS_ENDPOINT_H
#define HL_AWS_ENDPOINT_H

#include <stdbool.h>

#define HL_ENDPOINT_MAX_URL 1024 /* of a URL that is given */

typedef enum HlEndpointOutcome
{
	HL_ENDPOINT_OK,
	HL_ENDPOINT_NO_REGION,
	HL_ENDPOINT_BAD_REGION, /* not of a region's form */
	HL_ENDPOINT_BAD_URL,    /* nothing that a request could be sent to */
	HL_ENDPOINT_BAD_PREFIX, /* a host prefix before an address */
	HL_ENDPOINT_CONFLICT,   /* a rule forbids it: reason has the rule's text */
	HL_ENDPOINT_NO_MEMORY
} HlEndpointOutcome;

/* A group of regions that share names and little else. */
typedef struct HlPartition
{
	const char *id;
	const char *prefixes;      /* of its regions: "us|eu"; then -word-number */
	const char *global_region; /* the pseudo-region; NULL: it has none */
	const char *dns_suffix;
	const char *dual_stack_dns_suffix;
	bool supports_fips;
	bool supports_dual_stack;
} HlPartition;

/* What is asked for; strings may be NULL, which is the same as empty. */
typedef struct HlEndpointParameters
{
	const char *service;     /* "healthlake" or "sts" */
	const char *region;      /* also one like fips-us-east-1: sets use_fips */
	const char *url;         /* a custom endpoint, in place of the rules' */
	const char *host_prefix; /* "datatransformation."; NULL if disabled */
	bool use_fips;
	bool use_dual_stack;
	bool use_global; /* STS alone: its old regions share one endpoint */
} HlEndpointParameters;

typedef struct HlEndpoint
{
	char url[HL_ENDPOINT_MAX_URL + 352]; /* scheme, authority and path */
	char authority[320]; /* the Host header: lower case, no default port */
	char host[256];      /* without brackets */
	char path[HL_ENDPOINT_MAX_URL + 2]; /* begins and ends with a slash */
	char signing_region[64];            /* "" where no region was given */
	int port;
	bool tls;
	bool bracketed;     /* the host is an IPv6 address */
	const char *reason; /* why it is not OK */
} HlEndpoint;

/* Where requests go: scheme://[host prefix]authority path. */
typedef struct HlTarget
{
	bool plain;            /* http; only for a loopback address */
	const char *from;      /* who says so; NULL: AWS's rules */
	const char *authority; /* lower case, without a default port */
	const char *path;      /* "/", or the base path of a custom endpoint */
	bool link_local;       /* plain goes to AWS's addresses on the link, too */
} HlTarget;

/* Applies the rules; in a partition that is given, or the region's own. */
extern HlEndpointOutcome
hl_endpoint_resolve(const HlEndpointParameters *parameters,
					HlEndpoint *endpoint);
extern HlEndpointOutcome
hl_endpoint_resolve_in(const HlPartition *partition,
					   const HlEndpointParameters *parameters,
					   HlEndpoint *endpoint);

/* Reads a URL as a custom endpoint: http or https, host, port, base path. */
extern HlEndpointOutcome hl_endpoint_read_url(const char *url,
											  HlEndpoint *endpoint);

/* Whether requests stay on this machine: only then may they go in clear. */
extern bool hl_endpoint_is_loopback(const HlEndpoint *endpoint);

extern bool hl_endpoint_is_region(const char *region);

/* Writes the region that a name like fips-us-east-1 stands for; true: FIPS. */
extern bool hl_endpoint_real_region(const char *region, char real[64]);

extern const HlPartition *hl_endpoint_partition(const char *region);

#endif
