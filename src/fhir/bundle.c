/*
 * bundle.c
 *	  A Bundle as one statement.
 *
 * A transaction is carried out completely or not at all. A batch succeeds
 * whatever the outcomes of its entries: a failed entry is a row, and one
 * WARNING has their number.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "call/error.h"
#include "fhir/bundle.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "server/clock.h"
#include "server/rowset.h"
#include "server/text.h"

/* ---------------------------------------------------------------- request */

/*
 * Whether the answer to an entry may have a resource that the caller does not
 * know, as hl_fhir_request() has it for single requests.
 */
static bool
discloses(const HlFhirEntry *entry)
{
	return strcmp(entry->method, "GET") == 0 ||
		   strcmp(entry->method, "PATCH") == 0;
}

static bool
some_disclose(const HlFhirEntries *entries)
{
	for (int i = 0; i < entries->count; i++)
		if (discloses(&entries->entries[i]))
			return true;
	return false;
}

/* Whether an entry updates what its query finds. */
static bool
some_search(const HlFhirEntries *entries)
{
	for (int i = 0; i < entries->count; i++)
		if (strcmp(entries->entries[i].method, "PUT") == 0 &&
			entries->entries[i].query != NULL)
			return true;
	return false;
}

HlFhirRequest *
hl_bundle_request(const HlFhirPlace *place, const HlFhirEntries *entries,
				  const char *json)
{
	bool reads = hl_entries_words(entries) == HL_FHIR_MAY_READ;
	HlFhirRequest *request = hl_fhir_request(
		place, reads ? HL_FHIR_READ_BUNDLE : HL_FHIR_PROCESS_BUNDLE, "POST",
		"");

	request->rest.subject =
		psprintf("%s of %s", entries->transaction ? "transaction" : "batch",
				 hl_entries_methods(entries));
	request->rest.entries = hl_answers_list(entries, NULL);
	request->rest.repeatable = hl_entries_are_repeatable(entries);
	request->rest.discloses =
		some_disclose(entries) && hl_fhir_may(HL_FHIR_MAY_READ);
	hl_fhir_request_body(request, HL_FHIR_JSON, json);
	if (some_search(entries))
		hl_fhir_request_header(request, "Prefer", "handling=strict");
	return request;
}

HlFhirAnswer *
hl_bundle_judge(HlFhirRequest *request, const HlFhirEntries *entries,
				HlReply *reply)
{
	HlFhirAnswer *answers;

	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return NULL;
	answers = hl_answers_read(entries, reply->document);
	if (answers != NULL)
	{
		request->rest.entries = hl_answers_list(entries, answers);
		request->rest.stored = hl_answers_stored(entries, answers);
		return answers;
	}
	hl_error_spoil(reply, "the reply does not answer every entry");
	reply->may_have_run = request->request.operation->changes_something;
	reply->document = NULL; /* what it contains was not audited */
	return NULL;
}

/* A Bundle in progress. */
typedef struct Sending
{
	const HlFhirEntries *entries;
	HlFhirRequest *request;
	HlCallRun run;
	HlFhirAnswer *answers;
} Sending;

/* Sends the bundle, and judges the reply before it is recorded. */
static void
send_bundle(void *argument)
{
	Sending *sending = argument;

	hl_call_drive(&sending->run);
	sending->answers = hl_bundle_judge(sending->request, sending->entries,
									   &sending->run.call->reply);
	if (sending->run.begun)
		hl_call_finish(&sending->run);
}

/* Performs a bundle; throws if it was not carried out. */
static void
perform_bundle(Sending *sending)
{
	const HlRequest *request = &sending->request->request;
	const HlReply *reply;

	if (hl_call_start(&sending->run, request, sending->request->region))
	{
		sending->run.judged = true;
		hl_call_watch(send_bundle, sending);
	}
	reply = &sending->run.call->reply;
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(request->operation, reply, NULL);
}

/* ------------------------------------------------------------------- rows */

static ReturnSetInfo *
begin_set(FunctionCallInfo fcinfo, bool changes)
{
	ReturnSetInfo *set = hl_rowset_begin(fcinfo);

	/* in (f(...)).* there would be a call for each column */
	if (changes && (set->allowedModes & SFRM_Materialize_Preferred) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("healthlake_fhir_bundle cannot change anything in a "
						"SELECT list"),
				 errhint("Call it in FROM: SELECT * FROM "
						 "healthlake_fhir_bundle(...).")));
	return set;
}

/* UTF-8 text as a column. */
static Datum
text_datum(const char *utf8, bool *null)
{
	*null = utf8 == NULL;
	return *null ? (Datum) 0 : CStringGetTextDatum(hl_text_from_utf8(utf8));
}

/*
 * Puts a row; the resource is null if it is not the one that was sent, and the
 * role may not read.
 */
static void
put_answer(ReturnSetInfo *set, int ordinal, const HlFhirAnswer *answer,
		   bool hidden, bool *lost)
{
	Datum values[8];
	bool nulls[8] = {false};

	values[0] = Int32GetDatum(ordinal);
	values[1] = Int32GetDatum(answer->status);
	values[2] = text_datum(answer->type, &nulls[2]);
	values[3] = text_datum(answer->id, &nulls[3]);
	values[4] = text_datum(answer->version, &nulls[4]);
	values[5] =
		TimestampTzGetDatum(answer->last_updated - HL_CLOCK_EPOCH_SHIFT);
	nulls[5] = !answer->dated;
	values[6] = hl_fhir_result_json(answer->outcome, &nulls[6], lost);
	values[7] =
		hl_fhir_result_json(hidden ? NULL : answer->resource, &nulls[7], lost);
	tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
}

/*
 * Returns all rows, and warns of those that failed. What discloses something is
 * shown if the request was accounted for as disclosing.
 */
static void
put_answers(ReturnSetInfo *set, const Sending *sending)
{
	const HlFhirEntries *entries = sending->entries;
	const HlFhirAnswer *answers = sending->answers;
	const HlRequest *request = &sending->request->request;
	bool shows = sending->request->rest.discloses;
	bool lost = false;
	int failed = 0;

	for (int i = 0; i < entries->count; i++)
	{
		put_answer(set, i + 1, &answers[i],
				   !shows && discloses(&entries->entries[i]), &lost);
		failed += hl_answer_failed(&answers[i]);
	}
	if (lost && !request->operation->changes_something)
		hl_error_refuse(request->operation, &sending->run.call->reply,
						HL_ERROR_UNFIT);
	hl_fhir_result_warn(lost);
	hl_fhir_result_warn_issues(&sending->run.call->reply);
	if (failed > 0)
		ereport(WARNING,
				(errmsg("%d of %d entries of the batch failed", failed,
						entries->count),
				 errdetail("Their rows have a status other than 2xx, and an "
						   "outcome."),
				 errhidecontext(true)));
}

static void
perform_and_put(ReturnSetInfo *set, const HlFhirEntries *entries,
				const HlFhirPlace *place)
{
	Sending sending = {.entries = entries,
					   .request = hl_bundle_request(place, entries,
													hl_entries_write(entries))};

	perform_bundle(&sending);
	put_answers(set, &sending);
}

Datum
hl_bundle_call(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	const char *type = hl_fhir_needed(arguments, "type");
	ReturnSetInfo *set;
	HlFhirEntries *entries;
	const HlFhirPlace *place;
	Datum given;

	if (!hl_arguments_value(arguments, "entries", &given))
		(void) hl_fhir_needed(arguments, "entries");
	entries = hl_entries_read(DatumGetJsonbP(given), type);
	hl_fhir_need_words(hl_entries_words(entries));
	if ((hl_entries_words(entries) & ~HL_FHIR_MAY_READ) != 0)
		hl_call_refuse_change_by("healthlake_fhir_bundle");
	set = begin_set(fcinfo, hl_entries_words(entries) != HL_FHIR_MAY_READ);
	place = hl_fhir_place(arguments);
	if (entries->count > 0)
		perform_and_put(set, entries, place);
	return (Datum) 0;
}
