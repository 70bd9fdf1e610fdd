/*
 * write.h
 *	  Writes of single resources, each exactly once: if an attempt had an
 *	  unknown outcome, a read determines it.
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
	const char *id;       /* NULL: AWS makes it */
	const char *body;     /* what is written, in UTF-8; NULL: nothing */
	const char *if_match; /* the version before; NULL: any */
	bool only_new;
	bool shows; /* what a look finds is given, and may be another's */
	void (*judge)(HlFhirWrite *write);
	bool forgiven; /* by "judge": no success, and no error either */

	/* kept by write.c */
	TimestampTz since; /* nothing of it was sent before */
	HlCallRun run;
	HlFhirResult result;
};

/* Performs it; throws if it has failed, unless "judge" forgave that. */
extern void hl_fhir_write(HlFhirWrite *write);

/* Its reply, and a success made of it. */
extern HlReply *hl_fhir_write_reply(HlFhirWrite *write);
extern void hl_fhir_write_succeed(HlFhirWrite *write, const HlJson *document);

/* Takes what a success has stored into the result; or it is malformed. */
extern void hl_fhir_write_take(HlFhirWrite *write);

/* Reads the resource: the current version (NULL), or that one. */
extern const HlReply *hl_fhir_write_look(HlFhirWrite *write, const char *id,
										 const char *version);

/* Adds the argument "validation" as a header, if it is given. */
extern void hl_fhir_write_validation(HlFhirRequest *request,
									 const HlArguments *arguments);

#endif
