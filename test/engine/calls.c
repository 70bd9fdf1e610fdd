/*
 * calls.c
 *	  Many calls of different targets and credentials in one run of the engine,
 *	  from SQL. No function of the extension mixes them in one statement, so
 *	  this library brings the extension's objects along and is loaded in its
 *	  place: test/behaviour/engine_calls.py.
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

/* the extension's own flags hide what is not marked */
#pragma GCC visibility push(default)
PG_FUNCTION_INFO_V1(engine_calls);
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
 * describes so many data stores, the n-th one at the n-th endpoint, which is
 * STS as well, by the n-th role, each list over and over; gives each outcome.
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
		/* libcurl takes no such proxy: the call ends when it is started */
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
