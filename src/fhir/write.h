/*
 * write.h
 *	  Writes of single resources, each carried out once: after an attempt of
 *	  unknown outcome, reads determine it.
 */
#ifndef HL_FHIR_WRITE_H
#define HL_FHIR_WRITE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "fhir/request.h"
#include "fhir/result.h"

/*
 * A write in progress. Before it is logged and counted, "judge" examines its
 * outcome, and may turn the reply into a success.
 */
typedef struct HlFhirWrite HlFhirWrite;
struct HlFhirWrite
{
	HlFhirRequest *request;
	const HlFhirPlace *place;
	const char *type;
	const char *id;       /* NULL: AWS assigns it */
	const char *body;     /* as sent, UTF-8; NULL: none */
	const char *if_match; /* required version; NULL: any */
	bool only_new;
	bool shows;   /* a resource that is read is returned: a disclosure */
	bool may_see; /* set by hl_fhir_write(): the role may read */
	void (*judge)(HlFhirWrite *write);
	bool forgiven; /* set by "judge": neither success nor error */

	/* private to write.c */
	TimestampTz since; /* before the first attempt */
	HlCallRun run;
	HlFhirResult result;
};

/* Performs the write; throws if it has failed, unless forgiven is set. */
extern void hl_fhir_write(HlFhirWrite *write);

/* The reply; and turns it into a success with that document. */
extern HlReply *hl_fhir_write_reply(HlFhirWrite *write);
extern void hl_fhir_write_succeed(HlFhirWrite *write, const HlJson *document);

/*
 * Copies what a success has stored to the result, or makes it MALFORMED. The
 * resource is in the write's own reply, or in one that was read after it.
 */
extern void hl_fhir_write_take(HlFhirWrite *write, const HlReply *from);

/* Reads the resource: a version, or NULL: the current one. */
extern const HlReply *hl_fhir_write_look(HlFhirWrite *write, const char *id,
										 const char *version);

/* Adds the argument "validation" as a header, if it is given. */
extern void hl_fhir_write_validation(HlFhirRequest *request,
									 const HlArguments *arguments);

#endif
