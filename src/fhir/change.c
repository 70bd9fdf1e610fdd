/*
 * change.c
 *	  Changes of resources, each exactly once.
 *
 * A change is repeated only under a condition that makes a second execution
 * harmless: that the resource has the version that the caller has read, or
 * does not exist. After an attempt of unknown outcome, a reply that the
 * condition does not hold any more may be caused by the first attempt. Reading
 * the resource decides, since the version that this change creates is known:
 * it is the next one, and not older than the change.
 */
#include "postgres.h"

#include "aws/form.h"
#include "call/call.h"
#include "fhir/body.h"
#include "fhir/change.h"
#include "fhir/parameters.h"
#include "fhir/read.h"
#include "fhir/resource.h"
#include "fhir/same.h"
#include "fhir/types.h"
#include "fhir/write.h"
#include "model/response.h"
#include "server/text.h"

/*
 * The maximum difference, in microseconds, between clocks that were just
 * compared.
 */
#define SKEW (5 * USECS_PER_SEC)

/* --------------------------------------------------------------- judgment */

/* Whether a refusal may be caused by an earlier attempt of this call. */
static bool
is_doubtful(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_REFUSED && reply->may_have_run &&
		   (reply->http_status == 404 || reply->http_status == 410 ||
			reply->http_status == 412);
}

/* The version that this change makes; NULL if it is not known. */
static const char *
next_version(const HlFhirWrite *write)
{
	const char *before = write->if_match;
	size_t len = before != NULL ? strlen(before) : 0;

	if (write->only_new)
		return "1";
	if (len == 0 || len > 18 || strspn(before, "0123456789") != len)
		return NULL;
	return psprintf(INT64_FORMAT, (int64) strtoll(before, NULL, 10) + 1);
}

/*
 * Whether a stored version may be the one of this write, not an older one with
 * the same content. One without a time counts if it is the current version.
 */
static bool
may_be_own(const HlFhirWrite *write, const HlReply *look, bool current)
{
	TimestampTz at;

	if (look->outcome != HL_OUTCOME_SUCCESS ||
		!hl_fhir_is_it(look->document, write->type, write->id,
					   next_version(write)) ||
		!hl_fhir_is_stored(look->document, hl_response_read(write->body)))
		return false;
	if (!look->dated || !hl_fhir_last_updated(look->document, &at))
		return current;
	/* corrected by the skew of the server that has just answered */
	return at + SKEW >= write->since + look->clock_skew * USECS_PER_SEC;
}

/*
 * Reads the stored resource; returns the version that this write made, or NULL.
 */
static const HlReply *
look_for_own(HlFhirWrite *write)
{
	const char *own = next_version(write);
	const HlReply *look = hl_fhir_write_look(write, write->id, NULL);
	const char *version = look->outcome == HL_OUTCOME_SUCCESS
							  ? hl_fhir_version(look->document)
							  : NULL;
	bool current =
		own == NULL || (version != NULL && strcmp(version, own) == 0);

	if (!current)
		look = hl_fhir_write_look(write, write->id, own);
	return may_be_own(write, look, current) ? look : NULL;
}

/* An update was carried out if the stored version has its content. */
static void
judge_update(HlFhirWrite *write)
{
	const HlReply *reply = hl_fhir_write_reply(write);
	const HlReply *from = reply;

	if (is_doubtful(reply))
	{
		from = look_for_own(write);
		if (from == NULL)
			return;
		hl_fhir_write_succeed(write, from->document);
		write->result.existed = true;
	}
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		hl_fhir_write_take(write, from);
}

/* The result of a patch cannot be distinguished from a concurrent change. */
static void
judge_patch(HlFhirWrite *write)
{
	const HlReply *reply = hl_fhir_write_reply(write);

	if (reply->outcome == HL_OUTCOME_SUCCESS)
		hl_fhir_write_take(write, reply);
}

/* Several matches are not a version conflict. */
static void
judge_update_where(HlFhirWrite *write)
{
	HlReply *reply = hl_fhir_write_reply(write);

	if (reply->outcome == HL_OUTCOME_REFUSED && reply->http_status == 412)
	{
		reply->diagnosed = true;
		reply->code = (char *) "multiple-matches";
	}
	judge_patch(write);
}

/* Whether the reply says that a resource, or a version of it, is deleted. */
static bool
is_gone(HlFhirWrite *write, const char *version)
{
	const HlReply *look = hl_fhir_write_look(write, write->id, version);

	return look->http_status == 410 && hl_fhir_is_missing(look, write->type);
}

/*
 * A deletion was carried out if the next version is a deletion and the last
 * version. A deletion has no time, so an older one could be mistaken for it
 * otherwise.
 */
static void
judge_delete(HlFhirWrite *write)
{
	const HlReply *reply = hl_fhir_write_reply(write);
	const char *own = next_version(write);

	/* the deleted resource is not returned */
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		hl_fhir_write_succeed(write, NULL);
	else if (is_doubtful(reply) && own != NULL)
	{
		if (is_gone(write, NULL) && is_gone(write, own))
			hl_fhir_write_succeed(write, NULL);
	}
	else if (!reply->may_have_run)
		write->forgiven = hl_fhir_is_missing(reply, write->type);
}

/* -------------------------------------------------------------- arguments */

/* The version in the argument if_match, 2 or W/"2"; NULL: none. */
static char *
version_wanted(const HlArguments *arguments)
{
	const char *text = hl_arguments_text(arguments, "if_match");
	char *version;

	if (text == NULL)
		return NULL;
	version =
		strchr(text, '"') != NULL ? hl_fhir_version_of(text) : pstrdup(text);
	hl_fhir_check_version(version != NULL ? version : "");
	return version;
}

/* Adds a condition, with which the write may be repeated. */
static void
add_condition(HlFhirWrite *write)
{
	if (write->only_new && write->if_match != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"%s\" and \"%s\" are mutually exclusive",
						"if_match", "only_new")));
	if (write->if_match != NULL)
		hl_fhir_request_header(write->request, "If-Match",
							   psprintf("W/\"%s\"", write->if_match));
	if (write->only_new)
		hl_fhir_request_header(write->request, "If-None-Match", "*");
	write->request->rest.repeatable =
		write->only_new || write->if_match != NULL;
}

/* A write of the resource with the given type and id. */
static HlFhirWrite *
named_write(const HlArguments *arguments, HlFhirName name, const char *method)
{
	HlFhirWrite *write = palloc0(sizeof(HlFhirWrite));

	hl_call_refuse_change(&hl_fhir_operations[name]);
	write->place = hl_fhir_place(arguments);
	write->type = hl_fhir_needed(arguments, "type");
	write->id = hl_fhir_needed(arguments, "id");
	hl_fhir_check_type(write->type);
	hl_fhir_check_id(write->id);
	write->if_match = version_wanted(arguments);
	write->request = hl_fhir_request(write->place, name, method,
									 hl_fhir_path(write->type, write->id));
	add_condition(write);
	return write;
}

/* -------------------------------------------------------------- functions */

Datum
hl_fhir_update(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	HlFhirWrite *write = palloc0(sizeof(HlFhirWrite));
	HlFhirResource *resource;
	Datum only_new;

	hl_call_refuse_change(&hl_fhir_operations[HL_FHIR_UPDATE_RESOURCE]);
	write->place = hl_fhir_place(arguments);
	resource = hl_fhir_resource(arguments, "resource");
	if (resource->id == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must have an id", "resource"),
						errhint("healthlake_fhir_create() creates a resource "
								"with an id assigned by HealthLake.")));
	write->type = resource->type;
	write->id = resource->id;
	write->body = hl_body_json(&hl_fhir_operations[HL_FHIR_UPDATE_RESOURCE],
							   resource->json, HL_BODY_MAX_BYTES);
	write->if_match = version_wanted(arguments);
	write->only_new = hl_arguments_value(arguments, "only_new", &only_new) &&
					  DatumGetBool(only_new);
	write->judge = judge_update;
	write->request =
		hl_fhir_request(write->place, HL_FHIR_UPDATE_RESOURCE, "PUT",
						hl_fhir_path(resource->type, resource->id));
	hl_fhir_request_body(write->request, HL_FHIR_JSON, write->body);
	add_condition(write);
	hl_fhir_write_validation(write->request, arguments);
	hl_fhir_write(write);
	return hl_fhir_result_row(fcinfo, &write->result);
}

/* The argument "parameters" as the query of a conditional update. */
static char *
criteria(const HlArguments *arguments)
{
	const HlJson *parameters;
	const char *name = NULL;
	HlBytes form = {0};
	Datum value;
	HlFormFault fault;

	if (!hl_arguments_value(arguments, "parameters", &value))
		(void) hl_fhir_needed(arguments, "parameters");
	parameters = hl_parameters_read(DatumGetJsonbP(value));
	fault = hl_form_write(&form, parameters, true, &name);
	hl_text_refuse_memory(fault == HL_FORM_NO_MEMORY);
	if (fault != HL_FORM_OK || !hl_form_has_criterion(parameters))
	{
		hl_bytes_free(&form);
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must have search criteria",
							   "parameters"),
						errdetail("It is an object whose members are strings, "
								  "numbers, booleans, or arrays of them.")));
	}
	hl_parameters_refuse_unselective(parameters);
	return hl_text_take(&form);
}

Datum
hl_fhir_update_where(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	HlFhirWrite *write = palloc0(sizeof(HlFhirWrite));
	HlFhirResource *resource;

	hl_call_refuse_change_by("healthlake_fhir_update_where");
	write->place = hl_fhir_place(arguments);
	resource = hl_fhir_resource(arguments, "resource");
	write->type = resource->type;
	write->judge = judge_update_where;
	write->request = hl_fhir_request(write->place, HL_FHIR_UPDATE_RESOURCE,
									 "PUT", resource->type);
	write->request->rest.query = criteria(arguments);
	/* without a mistyped parameter the others may find another resource */
	hl_fhir_request_header(write->request, "Prefer", "handling=strict");
	hl_fhir_request_body(write->request, HL_FHIR_JSON,
						 hl_body_json(write->request->request.operation,
									  resource->json, HL_BODY_MAX_BYTES));
	hl_fhir_write(write);
	return hl_fhir_result_row(fcinfo, &write->result);
}

/* The content type of a patch; refuses other values. */
static const char *
patch_type(Jsonb *patch)
{
	const char *type = hl_fhir_member(&patch->root, "resourceType");

	if (JB_ROOT_IS_ARRAY(patch) && !JB_ROOT_IS_SCALAR(patch))
		return HL_FHIR_JSON_PATCH;
	if (type != NULL && strcmp(type, "Parameters") == 0)
		return HL_FHIR_JSON;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("argument \"%s\" must be a JSON Patch array, or a "
						   "FHIRPath Patch Parameters resource",
						   "patch")));
}

Datum
hl_fhir_patch(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	HlFhirWrite *write =
		named_write(arguments, HL_FHIR_PATCH_RESOURCE, "PATCH");
	Datum value;
	Jsonb *patch;

	if (!hl_arguments_value(arguments, "patch", &value))
		(void) hl_fhir_needed(arguments, "patch");
	patch = DatumGetJsonbP(value);
	write->judge = judge_patch;
	hl_fhir_request_body(write->request, patch_type(patch),
						 hl_body_json(write->request->request.operation, patch,
									  HL_BODY_MAX_BYTES));
	hl_fhir_write(write);
	return hl_fhir_result_row(fcinfo, &write->result);
}

Datum
hl_fhir_delete(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	HlFhirWrite *write =
		named_write(arguments, HL_FHIR_DELETE_RESOURCE, "DELETE");

	write->judge = judge_delete;
	hl_fhir_write(write);
	PG_RETURN_BOOL(!write->forgiven);
}
