/*
 * link.h
 *	  Links in replies of a FHIR data store: the next page, a location, a
 *	  status to poll. A link never determines the host: only links into the
 *	  current data store are accepted, and their path and query are sent to the
 *	  endpoint in use.
 */
#ifndef HL_AWS_LINK_H
#define HL_AWS_LINK_H

#include "aws/endpoint.h"
#include "base/bytes.h"

#define HL_LINK_LONGEST 16384 /* the maximum length in bytes */

typedef enum HlLinkOutcome
{
	HL_LINK_OK,
	HL_LINK_REFUSED,
	HL_LINK_NO_MEMORY
} HlLinkOutcome;

/* The current data store. */
typedef struct HlLinkBase
{
	const HlTarget *target;   /* the endpoint in use */
	const char *region;       /* AWS's public host of it is accepted, too */
	const char *datastore_id; /* 32 hex digits */
} HlLinkBase;

/* A parsed link. It starts zeroed and ends in hl_link_free(). */
typedef struct HlLink
{
	HlBytes path;       /* below /datastore/ID/r4/, encoded */
	HlBytes query;      /* encoded, without the question mark; may be empty */
	const char *reason; /* why it was refused; quotes nothing */
} HlLink;

/*
 * Parses a link: an absolute URL whose scheme, host and port are those of the
 * endpoint or of AWS's public endpoint of the region, an absolute path there,
 * or a path relative to the data store's base. The query is decoded once and
 * encoded again, so that exactly what was signed is sent.
 */
extern HlLinkOutcome hl_link_read(const HlLinkBase *base, const char *link,
								  HlLink *read);
extern void hl_link_free(HlLink *read);

#endif
