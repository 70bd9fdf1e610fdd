/*
 * metadata.h
 *	  The endpoints at which a machine or a container gets its own credentials:
 *	  the addresses, the rules for plain http, and the paths. Nothing here
 *	  allocates.
 */
#ifndef HL_AWS_METADATA_H
#define HL_AWS_METADATA_H

#include "aws/endpoint.h"

#define HL_METADATA_TOKEN_PATH "/latest/api/token"
#define HL_METADATA_ROLES_PATH "/latest/meta-data/iam/security-credentials/"

typedef struct HlMetadataUrl
{
	char authority[320];
	char path[HL_ENDPOINT_MAX_URL + 2]; /* a query included */
	bool tls;
	const char *reason; /* why it is not to be used; quotes nothing */
	bool no_memory;     /* that is why */
} HlMetadataUrl;

/*
 * Where instance metadata is: at an address that is given, or at the one of a
 * mode, IPv4 or IPv6; NULL and "" are neither.
 */
extern bool hl_metadata_instance(const char *address, const char *mode,
								 HlMetadataUrl *url);

/* Where a container's credentials are: a path, or else a whole URL. */
extern bool hl_metadata_container(const char *path, const char *whole,
								  HlMetadataUrl *url);

/* Whether this can be the name of a role. */
extern bool hl_metadata_is_role(const char *name);

#endif
