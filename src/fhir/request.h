/*
 * request.h
 *	  Requests to the data plane: target, contents, and how they are sent.
 *	  Everything lives in CurrentMemoryContext. A function of this room is
 *	  written like this:
 *
 *		const HlArguments *arguments = hl_arguments_read(fcinfo);
 *		const HlFhirPlace *place = hl_fhir_place(arguments);
 *		HlFhirRequest *request = hl_fhir_request(
 *			place, HL_FHIR_READ_RESOURCE, "GET", hl_fhir_path(type, id));
 *
 *		request->rest.subject = "Patient/1";     for errors and logs
 *		hl_fhir_request_header(request, "If-Match", "W/\"2\"");
 *		hl_fhir_request_body(request, HL_FHIR_JSON, utf8);
 *		request->rest.repeatable = true;         if a repetition is safe
 *		reply = hl_fhir_perform(request);        or hl_fhir_try()
 *
 *	  A change calls hl_call_refuse_change() first. For several at once make all
 *	  requests, then use hl_call_start(&run, &request->request, place->region)
 *	  and hl_call_advance() within hl_call_watch(), as call/many.c does.
 *
 *	  A path is below .../datastore/ID/r4/, escaped, without a leading slash;
 *	  rest.query is escaped too. The reply has headers[HL_FHIR_ETAG] and others.
 */
#ifndef HL_FHIR_REQUEST_H
#define HL_FHIR_REQUEST_H

#include "postgres.h"

#include "call/call.h"
#include "model/arguments.h"
#include "model/fhir_operations.h"

#define HL_FHIR_JSON "application/fhir+json"
#define HL_FHIR_JSON_PATCH "application/json-patch+json"
#define HL_FHIR_FORM "application/x-www-form-urlencoded"

/* The reply headers that requests ask for. */
typedef enum HlFhirHeader
{
	HL_FHIR_ETAG,
	HL_FHIR_LAST_MODIFIED,
	HL_FHIR_LOCATION,
	HL_FHIR_CONTENT_LOCATION,
	HL_FHIR_VALIDATION_ISSUES,
	HL_FHIR_WANTED
} HlFhirHeader;
extern const char *const hl_fhir_wanted[HL_FHIR_WANTED];

/* The target and the authorization of requests. */
typedef struct HlFhirPlace
{
	const char *datastore_id;
	const char *region; /* NULL: healthlake.region */
	const char *bearer; /* "Bearer ..."; NULL: requests are signed */
} HlFhirPlace;

#define HL_FHIR_MAX_HEADERS 6
typedef struct HlFhirRequest
{
	HlRequest request;
	HlRest rest;
	HlHeader headers[HL_FHIR_MAX_HEADERS];
	const char *region;
} HlFhirRequest;

/*
 * The place in the arguments datastore_id and region, or in the settings.
 * Throws 55000 without a data store, 22023 for an invalid id, 42501 for one
 * that is not allowed, or without a required token.
 */
extern const HlFhirPlace *hl_fhir_place(const HlArguments *arguments);

/* The same for these; NULL: from the settings. */
extern const HlFhirPlace *hl_fhir_place_of(const char *datastore_id,
										   const char *region);
/* Only the data store's id, with the same errors except about the token. */
extern const char *hl_fhir_datastore(const char *argument);
/* "type/id", or "type" if id is NULL; both must be checked. */
extern char *hl_fhir_path(const char *type, const char *id);

/* Creates a request; its subject is the path if that is a type. */
extern HlFhirRequest *hl_fhir_request(const HlFhirPlace *place, HlFhirName name,
									  const char *method, const char *path);

/* Name and value must live as long as the request. */
extern void hl_fhir_request_header(HlFhirRequest *request, const char *name,
								   const char *value);
/* A body in UTF-8, not copied; throws what hl_body_check() throws. */
extern void hl_fhir_request_body(HlFhirRequest *request,
								 const char *content_type, const char *body);

/* Sends; the second throws in every case except success. */
extern const HlReply *hl_fhir_try(const HlFhirRequest *request);
extern const HlReply *hl_fhir_perform(const HlFhirRequest *request);

#endif
