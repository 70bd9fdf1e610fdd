/*
 * fhir_queued.h
 *	  FHIR requests of the queue as a runner handles them: what to send for a
 *	  row, what a reply means, and what a read says after an attempt of unknown
 *	  outcome. Nothing that is recorded contains a part of a body.
 */
#ifndef HL_QUEUE_FHIR_QUEUED_H
#define HL_QUEUE_FHIR_QUEUED_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "queue/queued.h"

/* "kind" of a FHIR request. */
#define HL_FHIR_KIND "fhir"

/* What is to be found after a sending that may have been carried out. */
typedef struct HlFhirWitness
{
	const char *method; /* PUT, PATCH or DELETE; NULL: nothing tells */
	const char *type;
	const char *id;
	const char *match; /* the version that it replaces; "*": none; NULL: any */
	Jsonb *resource;   /* as it was sent; NULL: a patch, or a deletion */
} HlFhirWitness;

/* Whether a row is of such a request. */
extern bool hl_fhir_is_queued(const HlQueued *queued);

/* The request that the row holds. */
extern HlRequest *hl_fhir_sending(const HlQueued *queued);

/* A read of the resource, or of a version of it. */
extern HlRequest *hl_fhir_reading(const HlQueued *queued,
								  const HlFhirWitness *it, const char *version);

/*
 * Whether sending it twice has the effect of sending it once: each part of it
 * names the version that it replaces, or none.
 */
extern bool hl_fhir_is_repeatable(const HlQueued *queued);

/* Of a bundle, the part of it that is found first, for all of it is done. */
extern HlFhirWitness hl_fhir_witness(const HlQueued *queued);

/* Whether a read can tell what became of a sending of unknown outcome. */
extern bool hl_fhir_is_recoverable(const HlQueued *queued);

/* Makes a success that is no FHIR of the row's what it is. */
extern void hl_fhir_check(const HlQueued *queued, HlReply *reply);

/* Whether a refusal says that what was wanted is so already. */
extern bool hl_fhir_is_done(const HlQueued *queued, const HlReply *reply);

/* Notes in the ending what a success has made. */
extern void hl_fhir_note(HlQueued *queued, const HlReply *reply);

/*
 * Begins to look, or goes on with the reply that is queued->heard: as
 * hl_queued_look() of search.h.
 */
extern HlRequest *hl_fhir_look(HlQueued *queued, const HlStore *store);

/* Whether a role may have a request, as "request" of its row, performed. */
extern bool hl_fhir_permits(const HlStore *store, const char *request,
							Oid role);

#endif
