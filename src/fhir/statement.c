/*
 * statement.c
 *	  The capabilities of a data store, and the validation of a resource, as
 *	  rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "call/error.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "fhir/body.h"
#include "fhir/operation.h"
#include "fhir/request.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "model/response.h"
#include "server/text.h"

/* The state of a list. */
typedef struct Listed
{
	HlJsonEach each;
	const HlJson *node; /* the current element */
	TupleDesc desc;
	const HlFhirRequest *request;
	const HlReply *reply;
	/* makes the values of a row */
	void (*tell)(const HlJson *node, Datum *values, bool *nulls);
} Listed;

/*
 * Sends the request, and returns the list whose elements become rows; sets
 * request, reply and tell.
 */
typedef const HlJson *(*Question)(Listed *listed, const HlArguments *arguments);

/* The row of the current element. */
static Datum
convert_row(const void *argument)
{
	const Listed *listed = argument;
	Datum values[4] = {0};
	bool nulls[4] = {0};

	listed->tell(listed->node, values, nulls);
	return HeapTupleGetDatum(heap_form_tuple(listed->desc, values, nulls));
}

static Datum
list_next(FunctionCallInfo fcinfo, Question question)
{
	FuncCallContext *calls;
	Listed *listed;

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
		listed->each =
			hl_json_each(question(listed, hl_arguments_read(fcinfo)));
		calls->user_fctx = listed;
		MemoryContextSwitchTo(caller);
	}
	calls = SRF_PERCALL_SETUP();
	listed = calls->user_fctx;
	listed->node = hl_json_step(&listed->each);
	if (listed->node == NULL)
		SRF_RETURN_DONE(calls);
	SRF_RETURN_NEXT(calls,
					hl_error_convert(listed->request->request.operation,
									 listed->reply, convert_row, listed));
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

/* Sends the request, whose reply must be a resource of that type. */
static const HlJson *
ask(Listed *listed, const HlFhirRequest *request, const char *type)
{
	listed->request = request;
	listed->reply = hl_fhir_perform(request);
	if (!hl_fhir_is_a(listed->reply->document, type))
		hl_error_refuse(request->request.operation, listed->reply,
						psprintf("it is not of type %s", type));
	return listed->reply->document;
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

/* The first string of a list. */
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

/* Validates a resource by HealthLake; returns the issues. */
static const HlJson *
ask_for_issues(Listed *listed, const HlArguments *arguments)
{
	HlFhirResource *resource = hl_fhir_resource(arguments, "resource");
	const char *profile = hl_arguments_text(arguments, "profile");
	HlFhirRequest *request =
		hl_fhir_request(hl_fhir_place(arguments), HL_FHIR_VALIDATE_RESOURCE,
						"POST", psprintf("%s/$validate", resource->type));
	char *body;

	request->rest.subject = resource->type;
	body = hl_body_json(request->request.operation, resource->json,
						HL_BODY_MAX_BYTES);
	if (profile != NULL)
		body = wrap_resource(body, profile);
	hl_fhir_request_body(request, HL_FHIR_JSON, body);
	listed->tell = tell_issue;
	return hl_json_member(ask(listed, request, "OperationOutcome"), "issue");
}

Datum
hl_operation_validate_next(FunctionCallInfo fcinfo)
{
	return list_next(fcinfo, ask_for_issues);
}

/* ------------------------------------------------------------ capabilities */

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

/* Fetches the capabilities of the data store; returns the types. */
static const HlJson *
ask_for_types(Listed *listed, const HlArguments *arguments)
{
	HlFhirRequest *request = hl_fhir_request(
		hl_fhir_place(arguments), HL_FHIR_GET_CAPABILITIES, "GET", "metadata");
	const HlJson *statement = ask(listed, request, "CapabilityStatement");

	listed->tell = tell_type;
	return hl_json_member(first_of(statement, "rest"), "resource");
}

Datum
hl_operation_capabilities_next(FunctionCallInfo fcinfo)
{
	return list_next(fcinfo, ask_for_types);
}
