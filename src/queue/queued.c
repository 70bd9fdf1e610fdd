/*
 * queued.c
 *	  The row of a queued request, out of the table and back into it.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/home.h"
#include "model/fhir_operations.h"
#include "model/response.h"
#include "queue/fhir_queued.h"
#include "queue/queued.h"
#include "server/text.h"

static TimestampTz
time_of(uint64 row, const char *column)
{
	bool isnull;
	Datum value = hl_store_value(row, column, &isnull);

	return isnull ? HL_NO_TIME : DatumGetTimestampTz(value);
}

static bool
flag_of(uint64 row, const char *column)
{
	bool isnull;
	Datum value = hl_store_value(row, column, &isnull);

	return !isnull && DatumGetBool(value);
}

static int64
number_of(uint64 row, const char *column)
{
	const char *text = hl_store_text(row, column);

	return text == NULL ? 0 : strtoll(text, NULL, 10);
}

/* The target states that it waits for; NULL for none. */
static const HlTargetStates *
goal_of(const HlOperation *operation, const char *until)
{
	return operation == NULL || until == NULL
			   ? NULL
			   : hl_target_states_of_change(operation, until);
}

const HlOperation *
hl_queued_operation(const char *name, const char *kind)
{
	if (strcmp(kind, HL_FHIR_KIND) != 0)
		return hl_operation_find(name);
	for (int i = 0; i < HL_FHIR_OPERATIONS; i++)
		if (strcmp(hl_fhir_operations[i].name, name) == 0)
			return &hl_fhir_operations[i];
	return NULL;
}

static void
read_times(HlQueued *queued, uint64 row)
{
	queued->earliest = time_of(row, "earliest");
	queued->first_sent_at = time_of(row, "was_sent");
	queued->unsettled_since = time_of(row, "was_unsettled");
	queued->sending_since = time_of(row, "first_sent_at");
	queued->lease_until = time_of(row, "lease_until");
}

HlQueued *
hl_queued_read(uint64 row, MemoryContext parent)
{
	MemoryContext memory = AllocSetContextCreate(parent, "healthlake request",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	HlQueued *queued = palloc0(sizeof(HlQueued));

	queued->memory = memory;
	queued->home = hl_store_text(row, "home");
	queued->id = number_of(row, "id");
	queued->operation_name = hl_store_text(row, "operation");
	queued->kind = hl_store_text(row, "kind");
	queued->operation =
		hl_queued_operation(queued->operation_name, queued->kind);
	queued->request = hl_store_text(row, "request");
	queued->client_token = hl_store_text(row, "client_token");
	queued->body = hl_store_text(row, "body");
	queued->resource_type = hl_store_text(row, "resource_type");
	queued->resource_id = hl_store_text(row, "resource_id");
	queued->guard = hl_store_text(row, "guard");
	queued->intact = flag_of(row, "intact");
	queued->goal = goal_of(queued->operation, hl_store_text(row, "until"));
	queued->response = hl_store_text(row, "response");
	queued->datastore_id = hl_store_text(row, "datastore_id");
	queued->job_id = hl_store_text(row, "job_id");
	queued->region = hl_store_text(row, "region");
	queued->endpoint = hl_store_text(row, "endpoint");
	queued->account = hl_store_text(row, "account");
	queued->session_role = hl_store_text(row, "session_role");
	queued->role = hl_store_text(row, "current_role");
	queued->attempts = (int) number_of(row, "attempts");
	queued->error_sqlstate = hl_store_text(row, "error_sqlstate");
	queued->error_code = hl_store_text(row, "error_code");
	queued->error_message = hl_store_text(row, "error_message");
	queued->polls = flag_of(row, "polls");
	queued->looks = flag_of(row, "looks");
	queued->careful = flag_of(row, "careful") && !queued->looks;
	read_times(queued, row);
	MemoryContextSwitchTo(caller);
	return queued;
}

bool
hl_queued_is_foreign(const HlQueued *queued)
{
	return strcmp(queued->home, hl_home()) != 0;
}

/*
 * Whether it may be sent twice: it has a client token, or only reads, or replaces
 * one version alone.
 */
bool
hl_queued_is_repeatable(const HlQueued *queued)
{
	if (hl_fhir_is_queued(queued))
		return hl_fhir_is_repeatable(queued);
	return queued->client_token != NULL ||
		   (queued->operation != NULL && !queued->operation->changes_something);
}

bool
hl_queued_is_unsettled(const HlQueued *queued)
{
	return queued->unsettled_since != HL_NO_TIME;
}

/* Adds the columns of an error; all are null if there is none. */
static void
add_error(HlParameters *row, const HlEnding *ending)
{
	hl_store_add_text(
		row, ending->sqlstate == 0 ? NULL : unpack_sql_state(ending->sqlstate));
	hl_store_add_text(row, ending->code);
	hl_store_add_text(row, ending->message);
	hl_store_add_text(row, ending->request_id);
}

void
hl_queued_add_ending(HlParameters *row, const HlQueued *queued)
{
	const HlEnding *ending = &queued->ending;
	bool isnull;
	Datum response = hl_response_jsonb_if_fit(ending->response, &isnull);

	hl_store_add_text(row, ending->state);
	if (isnull)
		hl_store_add_null(row);
	else
		hl_store_add(row, response);
	hl_store_add_text(row, ending->datastore_id);
	hl_store_add_text(row, ending->job_id);
	add_error(row, ending);
	hl_store_add_text(row, ending->account);
	hl_store_add_time(row, ending->run_after);
	hl_store_add_time(row, ending->first_sent_at);
	hl_store_add_time(row, ending->unsettled_since);
	hl_store_add(row, BoolGetDatum(ending->looked));
	hl_store_add(row, Int32GetDatum((int) GetWALInsertionTimeLine()));
	hl_store_add_text(row, ending->note);
	hl_store_add_text(row, ending->endpoint);
	hl_store_add_text(row, queued->home);
	hl_store_add_text(row, ending->resource_id);
	hl_store_add_text(row, ending->version_id);
	hl_store_add_text(row, ending->guard);
}
