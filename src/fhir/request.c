/*
 * request.c
 *	  Requests to the data plane.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "call/error.h"
#include "credentials/secret.h"
#include "fhir/body.h"
#include "fhir/request.h"
#include "server/settings.h"
#include "server/text.h"

const char *const hl_fhir_wanted[HL_FHIR_WANTED] = {
	[HL_FHIR_ETAG] = "ETag",
	[HL_FHIR_LAST_MODIFIED] = "Last-Modified",
	[HL_FHIR_LOCATION] = "Location",
	[HL_FHIR_CONTENT_LOCATION] = "Content-Location",
	[HL_FHIR_VALIDATION_ISSUES] = "x-amzn-healthlake-validation-issues"};

StaticAssertDecl(HL_FHIR_WANTED <= HL_HTTP_WANTED, "too many headers");

/* ------------------------------------------------------------------ place */

/* Refuses an invalid id of a data store, since it becomes part of the path. */
static void
check_datastore(const char *id)
{
	if (!hl_settings_is_datastore_id(id))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid data store id \"%s\"", hl_text_clip(id)),
			 errdetail("A data store id has 32 lower-case hexadecimal digits."),
			 strncmp(id, "arn:", 4) == 0 ? errhint(HL_SETTINGS_ARN_HINT) : 0));
	if (!hl_settings_list_allows(hl_settings.allowed_datastores, id))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("data store \"%s\" is not allowed", id),
						errdetail("healthlake.allowed_datastores is \"%s\".",
								  hl_settings.allowed_datastores)));
}

const char *
hl_fhir_datastore(const char *argument)
{
	const char *id = argument != NULL ? argument : hl_settings.datastore_id;

	if (id == NULL || (argument == NULL && id[0] == '\0'))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no data store is set"),
						errhint("Set healthlake.datastore_id, or give the "
								"argument \"datastore_id\".")));
	check_datastore(id);
	return pstrdup(id);
}

/* The value of the header Authorization; NULL if requests are signed. */
static const char *
settle_bearer(void)
{
	const char *token = hl_settings.bearer_token;
	char *value;
	char *copy;

	if (token == NULL || token[0] == '\0')
	{
		if (hl_settings.require_bearer_token)
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("a bearer token is required"),
							errdetail("healthlake.require_bearer_token is on."),
							errhint("Set healthlake.bearer_token.")));
		return NULL;
	}
	value = psprintf("Bearer %s", token);
	copy = hl_secret_copy(value);
	explicit_bzero(value, strlen(value));
	pfree(value);
	return copy;
}

const HlFhirPlace *
hl_fhir_place_of(const char *datastore_id, const char *region)
{
	HlFhirPlace *place = palloc0(sizeof(HlFhirPlace));

	place->datastore_id = hl_fhir_datastore(datastore_id);
	place->region = region;
	place->bearer = settle_bearer();
	return place;
}

const HlFhirPlace *
hl_fhir_place(const HlArguments *arguments)
{
	return hl_fhir_place_of(hl_arguments_text(arguments, "datastore_id"),
							hl_arguments_text(arguments, "region"));
}

/* ---------------------------------------------------------------- request */

/*
 * Whether a reply may have a resource that the caller does not know. A created
 * or updated resource is returned as it was sent; for a Bundle the entries
 * decide.
 */
static bool
discloses(HlFhirName name)
{
	return name != HL_FHIR_GET_CAPABILITIES &&
		   name != HL_FHIR_CREATE_RESOURCE && name != HL_FHIR_UPDATE_RESOURCE &&
		   name != HL_FHIR_DELETE_RESOURCE && name != HL_FHIR_PROCESS_BUNDLE;
}

char *
hl_fhir_path(const char *type, const char *id)
{
	return id == NULL ? pstrdup(type) : psprintf("%s/%s", type, id);
}

HlFhirRequest *
hl_fhir_request(const HlFhirPlace *place, HlFhirName name, const char *method,
				const char *path)
{
	HlFhirRequest *request = palloc0(sizeof(HlFhirRequest));
	const HlOperation *operation = &hl_fhir_operations[name];
	bool named = path[0] >= 'A' && path[0] <= 'Z';

	request->request.operation = operation;
	request->request.rest = &request->rest;
	request->request.session_role =
		GetUserNameFromId(GetSessionUserId(), false);
	request->request.current_role = GetUserNameFromId(GetUserId(), false);
	request->rest = (HlRest){.datastore_id = place->datastore_id,
							 .method = method,
							 .path = path,
							 .subject = named ? path : NULL,
							 .headers = request->headers,
							 .wanted = hl_fhir_wanted,
							 .nwanted = HL_FHIR_WANTED,
							 .bearer = place->bearer,
							 .repeatable = operation->idempotent,
							 .discloses = discloses(name)};
	request->region = place->region;
	return request;
}

void
hl_fhir_request_header(HlFhirRequest *request, const char *name,
					   const char *value)
{
	if (request->rest.nheaders == HL_FHIR_MAX_HEADERS)
		elog(ERROR, "a FHIR request has more than %d headers",
			 HL_FHIR_MAX_HEADERS);
	request->headers[request->rest.nheaders++] = (HlHeader){name, value};
}

void
hl_fhir_request_body(HlFhirRequest *request, const char *content_type,
					 const char *body)
{
	const HlOperation *operation = request->request.operation;
	size_t len = strlen(body);

	if (strcmp(content_type, HL_FHIR_FORM) == 0)
		hl_body_check_size(operation, len);
	else
		hl_body_check(operation, body, request->rest.entries != NULL);
	hl_fhir_request_header(request, "Content-Type", content_type);
	/* owned by the memory context; never pass these bytes to hl_bytes_free() */
	request->request.body =
		(HlBytes){.data = unconstify(char *, body), .len = len};
}

const HlReply *
hl_fhir_try(const HlFhirRequest *request)
{
	return hl_call_try(&request->request, request->region);
}

const HlReply *
hl_fhir_perform(const HlFhirRequest *request)
{
	return hl_call_perform(&request->request, request->region);
}
