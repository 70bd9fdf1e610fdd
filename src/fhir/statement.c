/*
 * statement.c
 *	  What a data store says of itself, and of a resource, as rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "call/error.h"
#include "fhir/operation.h"
#include "fhir/request.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "model/response.h"
#include "server/text.h"

/* A list under way. */
typedef struct Listed
{
	HlJsonEach each;
	TupleDesc desc;
} Listed;

/* Asks, and returns the list whose elements become rows. */
typedef const HlJson *(*Question)(const HlArguments *arguments);

/* Makes the values of a row. */
typedef void (*Telling)(const HlJson *node, Datum *values, bool *nulls);

/* Returns the next row of a list, or its end. */
static Datum
list_next(FunctionCallInfo fcinfo, Question ask, Telling tell)
{
	FuncCallContext *calls;
	Listed *listed;
	const HlJson *node;
	Datum values[4] = {0};
	bool nulls[4] = {0};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;
		TupleDesc desc;

		calls = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(calls->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		listed = palloc0(sizeof(Listed));
		listed->desc = BlessTupleDesc(CreateTupleDescCopy(desc));
		listed->each = hl_json_each(ask(hl_arguments_read(fcinfo)));
		calls->user_fctx = listed;
		MemoryContextSwitchTo(caller);
	}
	calls = SRF_PERCALL_SETUP();
	listed = calls->user_fctx;
	node = hl_json_step(&listed->each);
	if (node == NULL)
		SRF_RETURN_DONE(calls);
	tell(node, values, nulls);
	SRF_RETURN_NEXT(
		calls, HeapTupleGetDatum(heap_form_tuple(listed->desc, values, nulls)));
}

/* A string as text; null for other values. */
static Datum
node_text_value(const HlJson *node, bool *null)
{
	*null = hl_json_kind(node) != HL_JSON_STRING;
	return *null ? (Datum) 0
				 : CStringGetTextDatum(hl_text_value_from_utf8(
					   hl_json_string(node), (int) hl_json_len(node)));
}

/* Raises that the reply is a resource of another type than required. */
static void
refuse_reply(const HlFhirRequest *request, const char *type)
{
	ereport(ERROR, (errcode(HL_ERRCODE_MALFORMED),
					errmsg("unusable reply to %s: it is not of type %s",
						   request->request.operation->name, type)));
}

/* -------------------------------------------------------------- validation */

/* A resource with a profile, as the parameters of $validate. */
static char *
wrap_resource(const char *resource, const char *profile)
{
	HlBytes body = {0};
	char *utf8 = hl_text_to_utf8(profile, (int) strlen(profile));

	hl_bytes_append_string(&body,
						   "{\"resourceType\":\"Parameters\",\"parameter\":["
						   "{\"name\":\"resource\",\"resource\":");
	hl_bytes_append_string(&body, resource);
	hl_bytes_append_string(&body, "},{\"name\":\"profile\",\"valueUri\":");
	hl_json_append_string(&body, utf8, strlen(utf8));
	hl_bytes_append_string(&body, "}]}");
	return hl_text_take(&body);
}

/* Has HealthLake validate a resource; returns the issues. */
static const HlJson *
ask_for_issues(const HlArguments *arguments)
{
	HlFhirResource *resource = hl_fhir_resource(arguments, "resource");
	const char *profile = hl_arguments_text(arguments, "profile");
	HlFhirRequest *request =
		hl_fhir_request(hl_fhir_place(arguments), HL_FHIR_VALIDATE_RESOURCE,
						"POST", psprintf("%s/$validate", resource->type));
	const HlReply *reply;

	request->rest.subject = resource->type;
	hl_fhir_request_body(request, HL_FHIR_JSON,
						 profile == NULL
							 ? resource->body
							 : wrap_resource(resource->body, profile));
	reply = hl_fhir_perform(request);
	if (!hl_fhir_is_a(reply->document, "OperationOutcome"))
		refuse_reply(request, "OperationOutcome");
	return hl_json_member(reply->document, "issue");
}

/* The first of a list of strings. */
static const HlJson *
first_of(const HlJson *node, const char *name)
{
	return hl_json_element(hl_json_member(node, name), 0);
}

static void
tell_issue(const HlJson *issue, Datum *values, bool *nulls)
{
	const HlJson *path = first_of(issue, "expression");

	values[0] = node_text_value(hl_json_member(issue, "severity"), &nulls[0]);
	values[1] = node_text_value(hl_json_member(issue, "code"), &nulls[1]);
	values[2] = node_text_value(
		path != NULL ? path : first_of(issue, "location"), &nulls[2]);
	values[3] =
		node_text_value(hl_json_member(issue, "diagnostics"), &nulls[3]);
	if (nulls[3])
		values[3] = node_text_value(
			hl_json_member(hl_json_member(issue, "details"), "text"),
			&nulls[3]);
}

Datum
hl_operation_validate_next(FunctionCallInfo fcinfo)
{
	return list_next(fcinfo, ask_for_issues, tell_issue);
}

/* ------------------------------------------------------------ capabilities */

/* Fetches the capabilities of the data store; returns the types. */
static const HlJson *
ask_for_types(const HlArguments *arguments)
{
	HlFhirRequest *request = hl_fhir_request(
		hl_fhir_place(arguments), HL_FHIR_GET_CAPABILITIES, "GET", "metadata");
	const HlReply *reply = hl_fhir_perform(request);

	if (!hl_fhir_is_a(reply->document, "CapabilityStatement"))
		refuse_reply(request, "CapabilityStatement");
	return hl_json_member(first_of(reply->document, "rest"), "resource");
}

static Datum
interaction_codes(const HlJson *list)
{
	HlJsonEach each = hl_json_each(list);
	ArrayBuildState *codes =
		initArrayResult(TEXTOID, CurrentMemoryContext, false);
	const HlJson *node;

	while ((node = hl_json_step(&each)) != NULL)
	{
		bool null;
		Datum code = node_text_value(hl_json_member(node, "code"), &null);

		codes =
			accumArrayResult(codes, code, null, TEXTOID, CurrentMemoryContext);
	}
	return makeArrayResult(codes, CurrentMemoryContext);
}

/* Search parameters as an object from name to type. */
static Datum
parameter_types(const HlJson *list)
{
	HlJsonEach each = hl_json_each(list);
	HlBytes object = {0};
	const HlJson *node;

	hl_bytes_append_char(&object, '{');
	while ((node = hl_json_step(&each)) != NULL)
	{
		const HlJson *name = hl_json_member(node, "name");
		const HlJson *type = hl_json_member(node, "type");

		if (hl_json_kind(name) != HL_JSON_STRING)
			continue;
		if (object.len > 1)
			hl_bytes_append_char(&object, ',');
		hl_json_append_node(&object, name);
		hl_bytes_append_char(&object, ':');
		hl_json_append_node(&object, type);
	}
	hl_bytes_append_char(&object, '}');
	return hl_response_jsonb(hl_text_take(&object));
}

static void
tell_type(const HlJson *node, Datum *values, bool *nulls)
{
	values[0] = node_text_value(hl_json_member(node, "type"), &nulls[0]);
	values[1] = interaction_codes(hl_json_member(node, "interaction"));
	values[2] = parameter_types(hl_json_member(node, "searchParam"));
}

Datum
hl_operation_capabilities_next(FunctionCallInfo fcinfo)
{
	return list_next(fcinfo, ask_for_types, tell_type);
}
