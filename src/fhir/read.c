/*
 * read.c
 *	  Reads of single resources.
 */
#include "postgres.h"

#include "call/error.h"
#include "fhir/read.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "model/response.h"

HlFhirRequest *
hl_fhir_read_request(const HlFhirPlace *place, const char *type, const char *id,
					 const char *version)
{
	const char *path = hl_fhir_path(type, id);
	HlFhirRequest *request;

	if (version == NULL)
		return hl_fhir_request(place, HL_FHIR_READ_RESOURCE, "GET", path);
	request = hl_fhir_request(place, HL_FHIR_VERSION_READ_RESOURCE, "GET",
							  psprintf("%s/_history/%s", path, version));
	request->rest.subject = path;
	return request;
}

bool
hl_fhir_is_missing(const HlReply *reply, const char *type)
{
	return reply->outcome == HL_OUTCOME_REFUSED && reply->diagnosed &&
		   (reply->http_status == 410 ||
			(reply->http_status == 404 && hl_fhir_is_listed(type)));
}

Datum
hl_fhir_read(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	const HlFhirPlace *place = hl_fhir_place(arguments);
	const char *type = hl_fhir_needed(arguments, "type");
	const char *id = hl_fhir_needed(arguments, "id");
	const char *version = hl_arguments_text(arguments, "version_id");
	HlFhirRequest *request;
	const HlReply *reply;

	hl_fhir_check_type(type);
	hl_fhir_check_id(id);
	if (version != NULL)
		hl_fhir_check_version(version);
	request = hl_fhir_read_request(place, type, id, version);
	reply = hl_fhir_try(request);
	if (hl_fhir_is_missing(reply, type))
		PG_RETURN_NULL();
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(request->request.operation, reply, NULL);
	if (!hl_fhir_is_it(reply->document, type, id, version))
		hl_error_refuse(request->request.operation, reply,
						"the reply is not the requested resource");
	return hl_error_whole(request->request.operation, reply);
}
