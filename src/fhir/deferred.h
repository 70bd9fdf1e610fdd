/*
 * deferred.h
 *	  Writes that are sent after the call that made them, and maybe again by
 *	  another process: the request to send, the meaning of its reply, and what
 *	  a read shows after an attempt of unknown outcome. Everything lives in
 *	  CurrentMemoryContext. Results contain no part of a body.
 */
#ifndef HL_FHIR_DEFERRED_H
#define HL_FHIR_DEFERRED_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "engine/engine.h"
#include "model/request.h"

/* A kept write. Strings are in the database encoding. */
typedef struct HlFhirDeferred
{
	const HlOperation *operation;
	const char *request;       /* JSON with method, path and headers */
	const char *body;          /* JSON; NULL: none */
	const char *resource_type; /* of one resource; NULL: several */
	const char *resource_id;   /* NULL: HealthLake assigns it */
	const char *datastore_id;
	const char *key;   /* idempotency key of a create; or NULL */
	const char *guard; /* required version; "*": none; NULL: any */
} HlFhirDeferred;

/* What a read shows if an attempt was carried out. */
typedef struct HlFhirWitness
{
	const char *method; /* PUT, PATCH or DELETE; NULL: a read shows nothing */
	const char *type;
	const char *id;
	const char *match; /* the version that it replaces; "*": none; NULL: any */
	Jsonb *resource;   /* as sent; NULL: a patch, or a deletion */
} HlFhirWitness;

/* The recorded parts of a success; NULL: none. */
typedef struct HlFhirTold
{
	const char *response; /* JSON in UTF-8 */
	const char *resource_id;
	const char *version_id;
	const char *note;
} HlFhirTold;

/*
 * Whether the request is one that is kept: its method, its path and, each once,
 * its headers. If not, only this may be asked of it.
 */
extern bool hl_deferred_is_whole(const HlFhirDeferred *write);

/* The request to be sent. */
extern HlRequest *hl_deferred_request(const HlFhirDeferred *write);

/* The request to read the resource, or a version of it. */
extern HlRequest *hl_deferred_read(const HlFhirDeferred *write,
								   const HlFhirWitness *it,
								   const char *version);

/*
 * Whether sending it twice has the same effect as once, because each part
 * names the version that it replaces, or none.
 */
extern bool hl_deferred_is_repeatable(const HlFhirDeferred *write);

/*
 * For a bundle, one of its entries, since all of them are carried out or none.
 */
extern HlFhirWitness hl_deferred_witness(const HlFhirDeferred *write);

/* Whether an attempt of unknown outcome can be clarified. */
extern bool hl_deferred_is_recoverable(const HlFhirDeferred *write);

/* Turns a success that does not confirm the whole write into a failure. */
extern void hl_deferred_check(const HlFhirDeferred *write, HlCall *call);

/* Whether a refusal means that the resource is already as requested. */
extern bool hl_deferred_is_done(const HlFhirDeferred *write,
								const HlReply *reply);

/* The parts to record of a success, or of a refusal that means one. */
extern HlFhirTold hl_deferred_told(const HlFhirDeferred *write,
								   const HlCall *call);

#endif
