/*
 * calls.c
 *	  Makes many calls with different targets and credentials in one run of the
 *	  engine, from SQL. No function of the extension mixes them in one
 *	  statement, so this library contains the extension's objects and is loaded
 *	  instead of it, by test/behaviour/engine_calls.py.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "call/call.h"
#include "engine/engine.h"
#include "model/model_names.h"
#include "model/request.h"
#include "server/text.h"

/* exported despite -fvisibility=hidden */
#pragma GCC visibility push(default)
PG_FUNCTION_INFO_V1(engine_calls);
PG_FUNCTION_INFO_V1(engine_head);
#pragma GCC visibility pop

/* The strings of an array. */
static char **
strings_of(ArrayType *array, int *count)
{
	Datum *elements;
	char **strings;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  count);
	strings = palloc(sizeof(char *) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		strings[i] = TextDatumGetCString(elements[i]);
	return strings;
}

/* Sets a setting as SET does. */
static void
set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SET, true, ERROR, false);
}

/*
 * engine_calls(endpoints text[], roles text[], count int) RETURNS text[]:
 * describes "count" data stores, the n-th one at the n-th endpoint, which is
 * also STS, with the n-th role; both lists are repeated. Returns the outcomes.
 */
Datum
engine_calls(PG_FUNCTION_ARGS)
{
	int nendpoints;
	int nroles;
	char **endpoints = strings_of(PG_GETARG_ARRAYTYPE_P(0), &nendpoints);
	char **roles = strings_of(PG_GETARG_ARRAYTYPE_P(1), &nroles);
	int count = PG_GETARG_INT32(2);
	HlCall *calls = hl_engine_calls(count);
	HlLimits unusable = {0};
	Datum *outcomes = palloc(sizeof(Datum) * count);
	const HlOperation *operation =
		&hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE];

	for (int i = 0; i < count; i++)
	{
		char *json = psprintf("{\"DatastoreId\": \"%032x\"}", i);

		set("healthlake.endpoint_url", endpoints[i % nendpoints]);
		set("healthlake.sts_endpoint_url", endpoints[i % nendpoints]);
		if (nroles > 0)
			set("healthlake.role_arn", roles[i % nroles]);
		if (!hl_call_prepare(
				&calls[i], hl_request_make(operation, json, NULL, false), NULL))
			elog(ERROR, "call %d has no credentials", i);
		if (calls[i].target->plain)
			continue;
		/* libcurl refuses this proxy, so the call fails when it is started */
		unusable = *calls[i].limits;
		unusable.proxy = "gopher://127.0.0.1:1";
		calls[i].limits = &unusable;
	}
	hl_engine_run(calls, count);
	for (int i = 0; i < count; i++)
		outcomes[i] = PointerGetDatum(cstring_to_text(
			psprintf("%d %s", calls[i].reply.http_status,
					 calls[i].reply.code != NULL ? calls[i].reply.code : "-")));
	PG_RETURN_ARRAYTYPE_P(
		construct_array(outcomes, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * engine_head(names text[], contents text[], signed boolean) RETURNS text:
 * describes a data store, with these headers too. Returns the status, and why
 * nothing was sent.
 */
Datum
engine_head(PG_FUNCTION_ARGS)
{
	int count;
	char **names = strings_of(PG_GETARG_ARRAYTYPE_P(0), &count);
	char **contents = strings_of(PG_GETARG_ARRAYTYPE_P(1), &count);
	HlHeader *headers = palloc0(sizeof(HlHeader) * Max(count, 1));
	HlCall *call = hl_engine_calls(1);
	const HlOperation *operation =
		&hl_operations[HL_OPERATION_LIST_FHIR_DATASTORES];

	for (int i = 0; i < count; i++)
		headers[i] = (HlHeader){names[i], contents[i]};
	if (!hl_call_prepare(call, hl_request_make(operation, "{}", NULL, false),
						 NULL))
		elog(ERROR, "the call has no credentials");
	call->headers = headers;
	call->nheaders = count;
	if (!PG_GETARG_BOOL(2))
	{
		call->credentials = NULL;
		call->keys = NULL;
	}
	hl_engine_run(call, 1);
	PG_RETURN_TEXT_P(cstring_to_text(
		psprintf("%d %s", call->reply.http_status,
				 call->reply.network != NULL ? call->reply.network : "-")));
}
