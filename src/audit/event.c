/*
 * event.c
 *	  Inserts rows into the history.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/event.h"
#include "audit/home.h"
#include "model/response.h"
#include "server/pinned.h"

const char *const hl_event_columns[HL_EVENT_FIELDS] = {
	"request_id",       "event",        "operation",      "kind",
	"request",          "client_token", "region",         "endpoint",
	"account",          "datastore_id", "job_id",         "transaction",
	"session_role",     "outer_role",   "current_role",   "client_addr",
	"application_name", "outcome",      "aws_request_id", "error_code",
	"error_message",    "attempts",     "duration",       "note",
	"resource_count",   "resources",    "patients",
};

/* The bits of an id that come from the sequence. */
#define COUNTED 43

/*
 * Added to the number of the sequence, so that ids of different homes do not
 * collide after replication, and not with those of requests: a hash of the
 * home, in the upper 20 bits.
 */
int64
hl_event_id(int64 number)
{
	const char *home = hl_home();
	uint32 hash = hash_bytes((const unsigned char *) home, (int) strlen(home));

	return ((int64) ((hash & 0xFFFFF) | 1) << COUNTED) + number;
}

/* ----------------------------------------------------- of queued requests */

/* Adds an interval of microseconds; null for -1. */
static void
add_duration(HlParameters *row, int64 microseconds)
{
	Interval *interval;

	if (microseconds < 0)
	{
		hl_store_add_null(row);
		return;
	}
	interval = palloc0(sizeof(Interval));
	interval->time = microseconds;
	hl_store_add(row, IntervalPGetDatum(interval));
}

/* Inserts one event of a queued request. */
static void
add_of_request(const HlStore *store, const HlClient *who,
			   const HlRequestEvent *event)
{
	static const HlClient owner = {0};
	HlParameters row = {0};
	bool ended = strcmp(event->event, "replied") == 0 ||
				 strcmp(event->event, "interrupted") == 0;

	hl_store_add(&row, Int64GetDatum(hl_event_id(0)));
	hl_store_add_text(&row, event->home == NULL ? hl_home() : event->home);
	hl_store_add(&row, Int64GetDatum(event->id));
	hl_store_add_text(&row, event->event);
	hl_store_add_text(&row, event->outcome);
	hl_store_add_text(&row, event->note);
	add_duration(&row, event->microseconds);
	hl_account_add_client(&row, who == NULL ? &owner : who);
	hl_store_add(&row, BoolGetDatum(who != NULL));
	hl_store_add(&row, BoolGetDatum(ended));
	(void) hl_store_run(store, HL_STATEMENT_REQUEST_EVENT, &row);
}

/*
 * Inserts events of queued requests. The plan is kept while the table grows, so
 * it must not be a sequential scan that was chosen when the table was small.
 */
void
hl_event_add_requests(const HlStore *store, const HlClient *who,
					  const HlRequestEvent *events, int count)
{
	int nest_level;

	if (count == 0)
		return;
	nest_level = hl_pinned_set("enable_seqscan", "off");
	for (int i = 0; i < count; i++)
		add_of_request(store, who, &events[i]);
	hl_pinned_release(nest_level);
}

void
hl_event_add_request(const HlStore *store, const HlClient *who,
					 const HlRequestEvent *event)
{
	hl_event_add_requests(store, who, event, 1);
}

/* --------------------------------------------------------------- of calls */

void
hl_event_set_client(HlEvent *event, const HlClient *who)
{
	event->fields[HL_EVENT_SESSION_ROLE] = who->session_role;
	event->fields[HL_EVENT_OUTER_ROLE] = who->outer_role;
	event->fields[HL_EVENT_CURRENT_ROLE] = who->current_role;
	event->fields[HL_EVENT_CLIENT_ADDR] = who->address;
	event->fields[HL_EVENT_APPLICATION_NAME] = who->application;
}

/* Adds the request, if jsonb can store it. */
static void
add_request(HlParameters *row, const char *json)
{
	bool isnull;
	Datum request = hl_response_jsonb_if_fit(json, &isnull);

	if (isnull)
		hl_store_add_null(row);
	else
		hl_store_add(row, request);
}

void
hl_event_prepare(const HlStore *store)
{
	hl_store_plan(store, HL_STATEMENT_CALL_EVENT);
}

/* Raises that the table has dropped an event, for example in a trigger. */
static void
refuse_loss(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
		 errmsg("could not insert the event of a call into the history"),
		 errhint(
			 "A trigger or a rule on \"%s\" prevents the insertion of rows.",
			 "healthlake_event")));
}

/* Whether a call has an end that keeps another from being inserted. */
static bool
is_ended(const HlStore *store, const HlEvent *event)
{
	HlParameters call = {0};

	if (event->fields[HL_EVENT_REQUEST_ID] == NULL)
		return false;
	hl_store_add_text(&call, hl_home());
	hl_store_add_text(&call, event->fields[HL_EVENT_REQUEST_ID]);
	hl_store_add_text(&call, event->fields[HL_EVENT_EVENT]);
	return hl_store_run(store, HL_STATEMENT_CALL_ENDED, &call) > 0;
}

int64
hl_event_add(const HlStore *store, const HlEvent *event)
{
	HlParameters row = {0};
	bool isnull;
	int64 id = 0;

	hl_store_add(&row, Int64GetDatum(hl_event_id(0)));
	hl_store_add_text(&row, hl_home());
	for (int i = 0; i < HL_EVENT_FIELDS; i++)
		if (i == HL_EVENT_REQUEST)
			add_request(&row, event->fields[i]);
		else
			hl_store_add_text(&row, event->fields[i]);
	if (hl_store_run(store, HL_STATEMENT_CALL_EVENT, &row) > 0)
		id = DatumGetInt64(hl_store_value(0, "id", INT8OID, &isnull));
	else if (!is_ended(store, event))
		refuse_loss();
	SPI_freetuptable(SPI_tuptable);
	return id;
}

/* --------------------------------------------------------------- messages */

/* Appends the length of each field and its bytes with a zero, or -1. */
void
hl_event_write(StringInfo message, const HlEvent *event)
{
	for (int i = 0; i < HL_EVENT_FIELDS; i++)
	{
		const char *text = event->fields[i];
		int32 len = text == NULL ? -1 : (int32) strlen(text);

		appendBinaryStringInfo(message, (const char *) &len, sizeof(len));
		if (text != NULL)
			appendBinaryStringInfo(message, text, len + 1);
	}
}

void
hl_event_read(HlEvent *event, const char *message, Size len)
{
	const char *end = message + len;

	for (int i = 0; i < HL_EVENT_FIELDS; i++)
	{
		int32 size = -1;

		if (end - message >= (ptrdiff_t) sizeof(size))
			memcpy(&size, message, sizeof(size));
		message += sizeof(size);
		if (end - message < size + 1 || (size >= 0 && message[size] != '\0'))
			elog(ERROR, "an event of the audit trail is incomplete");
		event->fields[i] = size < 0 ? NULL : message;
		message += size + 1;
	}
}
