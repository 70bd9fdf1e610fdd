/*
 * link.h
 *	  Links in replies of a FHIR data store: the next page, a location, a
 *	  status to poll. A link never determines where a request is sent: only
 *	  links into the current data store are read, and their path and query are
 *	  sent to the endpoint in use.
 */
#ifndef HL_AWS_LINK_H
#define HL_AWS_LINK_H

#include "aws/endpoint.h"
#include "base/bytes.h"

#define HL_LINK_LONGEST 16384 /* bytes of a link */

typedef enum HlLinkOutcome
{
	HL_LINK_OK,
	HL_LINK_REFUSED,
	HL_LINK_NO_MEMORY
} HlLinkOutcome;

/* The data store at hand. */
typedef struct HlLinkBase
{
	const HlTarget *target;   /* the endpoint in use */
	const char *region;       /* whose public host may be named, too */
	const char *datastore_id; /* 32 hex digits */
} HlLinkBase;

/* What was read; to be zeroed before, and freed with hl_link_free(). */
typedef struct HlLink
{
	HlBytes path;  /* below /datastore/ID/r4/, to be signed and sent as it is */
	HlBytes query; /* likewise, less the question mark; empty: there is none */
	const char *reason; /* why it was refused, for a message; quotes nothing */
} HlLink;

/*
 * Reads a link: an absolute URL whose scheme, host and port are the
 * endpoint's or those of AWS's public endpoint of the region, or a path of
 * that, or one below the data store's base. Its query is decoded once and
 * encoded again, so that what is signed is what is sent.
 */
extern HlLinkOutcome hl_link_read(const HlLinkBase *base, const char *link,
								  HlLink *read);
extern void hl_link_free(HlLink *read);

#endif
