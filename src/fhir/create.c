/*
 * create.c
 *	  Creations with an idempotency key.
 */
#include "postgres.h"

#include "call/call.h"
#include "call/error.h"
#include "fhir/body.h"
#include "fhir/create.h"
#include "fhir/location.h"
#include "fhir/resource.h"
#include "fhir/write.h"

/* Whether AWS reports that a request with this key has created a resource. */
static bool
is_duplicate(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_REFUSED && reply->http_status == 409 &&
		   reply->diagnosed && strcmp(reply->code, "duplicate") == 0;
}

/*
 * Reads the resource that was created before with the key, if the role may read
 * it: others may have changed it since. If it cannot be read, it was created
 * nevertheless.
 */
static void
take_duplicate(HlFhirWrite *write)
{
	HlReply *reply = hl_fhir_write_reply(write);
	HlFhirLocation named;
	const HlReply *look;

	if (!hl_fhir_location(write->run.call, write->place->datastore_id,
						  reply->headers[HL_FHIR_LOCATION], &named) ||
		strcmp(named.type, write->type) != 0)
	{
		hl_error_spoil(reply, "a request with this idempotency key has created "
							  "a resource, but the reply does not say which");
		reply->may_have_run = true;
		return;
	}
	write->id = named.id;
	write->result = (HlFhirResult){.type = write->type,
								   .id = named.id,
								   .version_id = named.version,
								   .existed = true};
	if (!write->may_see)
	{
		hl_fhir_write_succeed(write, NULL);
		return;
	}
	look = hl_fhir_write_look(write, named.id, NULL);
	hl_fhir_write_succeed(
		write, look->outcome == HL_OUTCOME_SUCCESS ? look->document : NULL);
	if (look->outcome == HL_OUTCOME_SUCCESS)
		hl_fhir_write_take(write, look);
}

static void
judge(HlFhirWrite *write)
{
	const HlReply *reply = hl_fhir_write_reply(write);

	if (is_duplicate(reply))
		take_duplicate(write);
	else if (reply->outcome == HL_OUTCOME_SUCCESS)
		hl_fhir_write_take(write, reply);
}

Datum
hl_fhir_create(FunctionCallInfo fcinfo)
{
	const HlOperation *operation = &hl_fhir_operations[HL_FHIR_CREATE_RESOURCE];
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	HlFhirWrite *write = palloc0(sizeof(HlFhirWrite));
	HlFhirResource *resource;
	const char *key;

	hl_call_refuse_change(operation);
	write->place = hl_fhir_place(arguments);
	resource = hl_fhir_resource(arguments, "resource");
	write->type = resource->type;
	write->request = hl_fhir_request(write->place, HL_FHIR_CREATE_RESOURCE,
									 "POST", resource->type);
	key = hl_arguments_text(arguments, "idempotency_key");
	write->request->request.client_token =
		key != NULL ? key : hl_request_token();
	write->request->rest.repeatable = true;
	hl_fhir_request_body(
		write->request, HL_FHIR_JSON,
		hl_body_json(operation, resource->json, HL_BODY_MAX_BYTES));
	hl_fhir_request_header(write->request, "x-amz-fhir-idempotency-key",
						   write->request->request.client_token);
	hl_fhir_write_validation(write->request, arguments);
	write->judge = judge;
	write->shows = true;
	hl_fhir_write(write);
	return hl_fhir_result_row(fcinfo, &write->result);
}
