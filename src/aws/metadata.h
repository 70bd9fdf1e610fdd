/*
 * metadata.h
 *	  The endpoints where an instance or a container gets its own credentials:
 *	  addresses, rules for plain http, and paths. Nothing is allocated.
 */
#ifndef HL_AWS_METADATA_H
#define HL_AWS_METADATA_H

#include "aws/endpoint.h"

#define HL_METADATA_TOKEN_PATH "/latest/api/token"
#define HL_METADATA_ROLES_PATH "/latest/meta-data/iam/security-credentials/"

typedef struct HlMetadataUrl
{
	char authority[320];
	char path[HL_ENDPOINT_MAX_URL + 2]; /* with the query */
	bool tls;
	const char *reason; /* why it is invalid; static, quotes nothing */
	bool no_memory;     /* memory was missing */
} HlMetadataUrl;

/*
 * The URL of instance metadata: the given address, or that of the mode ("IPv4"
 * or "IPv6"); NULL and "" are not set. False: see reason.
 */
extern bool hl_metadata_instance(const char *address, const char *mode,
								 HlMetadataUrl *url);

/*
 * The URL of a container's credentials: a path at the fixed address, else a
 * whole URL (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, _FULL_URI). False: see
 * reason.
 */
extern bool hl_metadata_container(const char *path, const char *whole,
								  HlMetadataUrl *url);

/* Whether a text can be a role name. */
extern bool hl_metadata_is_role(const char *name);

#endif
