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

/* What a read shows if an attempt was carried out. */
typedef struct HlFhirWitness
{
	const char *method; /* PUT, PATCH or DELETE; NULL: no read can tell */
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
 * Whether sending it twice has the effect of sending it once, because each part
 * of it names the version that it replaces, or none.
 */
extern bool hl_fhir_is_repeatable(const HlQueued *queued);

/*
 * For a bundle, one of its entries, since all of them are carried out or none.
 */
extern HlFhirWitness hl_fhir_witness(const HlQueued *queued);

/* Whether a read can determine the outcome of an attempt. */
extern bool hl_fhir_is_recoverable(const HlQueued *queued);

/* Turns a success without the row's resource into a failure. */
extern void hl_fhir_check(const HlQueued *queued, HlReply *reply);

/* Whether a refusal means that the resource is already as requested. */
extern bool hl_fhir_is_done(const HlQueued *queued, const HlReply *reply);

/* Notes the result of a success in the ending. */
extern void hl_fhir_note(HlQueued *queued, const HlReply *reply);

/*
 * Begins a look, or continues it with the reply in queued->heard, like
 * hl_queued_look() in search.h.
 */
extern HlRequest *hl_fhir_look(HlQueued *queued, const HlStore *store);

/* Whether a role may have a request, as "request" of its row, performed. */
extern bool hl_fhir_permits(const HlStore *store, const char *request,
							Oid role);

#endif
