/*
 * queued.c
 *	  The row of a queued request, out of the table and back into it.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/home.h"
#include "model/response.h"
#include "queue/plane.h"
#include "queue/queued.h"
#include "server/text.h"

static bool
flag_of(uint64 row, const char *column)
{
	bool isnull;
	Datum value = hl_store_value(row, column, BOOLOID, &isnull);

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

static void
read_times(HlQueued *queued, uint64 row)
{
	queued->earliest = hl_store_time(row, "earliest");
	queued->first_sent_at = hl_store_time(row, "was_sent");
	queued->unsettled_since = hl_store_time(row, "was_unsettled");
	queued->sending_since = hl_store_time(row, "first_sent_at");
	queued->lease_until = hl_store_time(row, "lease_until");
}

HlQueued *
hl_queued_read(uint64 row, MemoryContext parent)
{
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake request", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	HlQueued *queued = palloc0(sizeof(HlQueued));

	queued->memory = memory;
	queued->home = hl_store_text(row, "home");
	queued->id = number_of(row, "id");
	queued->claim = number_of(row, "claim");
	queued->operation_name = hl_store_text(row, "operation");
	queued->kind = hl_store_text(row, "kind");
	queued->plane = hl_plane_of(queued->kind);
	queued->operation = queued->plane->find(queued->operation_name);
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
	queued->retries = flag_of(row, "retries");
	queued->polls = flag_of(row, "polls");
	queued->looks = flag_of(row, "looks");
	queued->looked = flag_of(row, "looked");
	queued->failed_looks = (int) number_of(row, "failed_looks");
	queued->unusable_looks = (int) number_of(row, "unusable_looks");
	queued->announced = flag_of(row, "announced");
	queued->careful = flag_of(row, "careful") && !queued->looks;
	read_times(queued, row);
	MemoryContextSwitchTo(caller);
	/* after all that may throw, or nobody would free it */
	MemoryContextSetParent(memory, parent);
	return queued;
}

bool
hl_queued_is_begun(const HlQueued *queued)
{
	return !INSTR_TIME_IS_ZERO(queued->started);
}

bool
hl_queued_is_foreign(const HlQueued *queued)
{
	return strcmp(queued->home, hl_home()) != 0;
}

bool
hl_queued_is_unsettled(const HlQueued *queued)
{
	return queued->unsettled_since != HL_NO_TIME;
}

bool
hl_queued_is_recent(TimestampTz time, int milliseconds)
{
	TimestampTz now = GetCurrentTimestamp();

	return time <= now && !TimestampDifferenceExceeds(time, now, milliseconds);
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
	hl_store_add(row, BoolGetDatum(ending->looked_before));
	hl_store_add(row, Int64GetDatum(queued->claim));
	hl_store_add(row, Int32GetDatum(ending->failed_looks));
	hl_store_add(row, Int32GetDatum(ending->unusable_looks));
}
