/*
 * event.c
 *	  The history's rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/response.h"
#include "queue/event.h"
#include "queue/home.h"

const char *const hl_event_columns[HL_EVENT_FIELDS] = {
	"request_id",       "event",        "operation",      "kind",
	"request",          "client_token", "region",         "endpoint",
	"account",          "datastore_id", "job_id",         "transaction",
	"session_role",     "outer_role",   "current_role",   "client_addr",
	"application_name", "outcome",      "aws_request_id", "error_code",
	"error_message",    "attempts",     "duration",       "note",
};

/* Bits of an id that the sequence counts in. */
#define COUNTED 43

/*
 * What is added to the sequence's number, so that ids of different homes do
 * not collide where replication brings them together, nor with those of
 * requests: a hash of the home, in the upper 20 bits.
 */
static Datum
ids_of_home(void)
{
	const char *home = hl_home();
	uint32 hash = hash_bytes((const unsigned char *) home, (int) strlen(home));

	return Int64GetDatum((int64) ((hash & 0xFFFFF) | 1) << COUNTED);
}

/* ----------------------------------------------------- of queued requests */

/* Makes an interval; null for -1. */
static Datum
interval_of(int64 microseconds, bool *isnull)
{
	Interval *interval;

	*isnull = microseconds < 0;
	if (*isnull)
		return (Datum) 0;
	interval = palloc0(sizeof(Interval));
	interval->time = microseconds;
	return IntervalPGetDatum(interval);
}

/* Makes a text; null for NULL. */
static Datum
text_of(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Makes an array of a parameter. */
static Datum
array_of(Datum *values, bool *nulls, int count, Oid type)
{
	int lower = 1;
	int16 length = type == INT8OID       ? (int16) sizeof(int64)
				   : type == INTERVALOID ? (int16) sizeof(Interval)
										 : -1;
	bool by_value = type == INT8OID && FLOAT8PASSBYVAL;
	char align = type == TEXTOID ? TYPALIGN_INT : TYPALIGN_DOUBLE;

	return PointerGetDatum(construct_md_array(values, nulls, 1, &count, &lower,
											  type, length, by_value, align));
}

/* Adds what differs between the events, an array a column. */
static void
add_arrays(HlParameters *row, const HlRequestEvent *events, int count)
{
	static const Oid types[] = {INT8OID, TEXTOID, TEXTOID,
								TEXTOID, TEXTOID, INTERVALOID};

	for (size_t column = 0; column < lengthof(types); column++)
	{
		Datum *values = palloc(count * sizeof(Datum));
		bool *nulls = palloc0(count * sizeof(bool));

		for (int i = 0; i < count; i++)
		{
			const HlRequestEvent *event = &events[i];
			const char *texts[] = {NULL, event->home, event->event,
								   event->outcome, event->note};

			if (types[column] == INT8OID)
				values[i] = Int64GetDatum(event->id);
			else if (types[column] == INTERVALOID)
				values[i] = interval_of(event->microseconds, &nulls[i]);
			else
				values[i] = text_of(texts[column], &nulls[i]);
		}
		hl_store_add(row, array_of(values, nulls, count, types[column]));
	}
}

/* Inserts events of queued requests. */
void
hl_event_add_requests(const HlStore *store, const HlClient *who,
					  const HlRequestEvent *events, int count)
{
	static const HlClient owner = {0};
	HlParameters row = {0};

	if (count == 0)
		return;
	hl_store_add(&row, ids_of_home());
	hl_store_add_text(&row, hl_home());
	add_arrays(&row, events, count);
	hl_account_add_client(&row, who == NULL ? &owner : who);
	hl_store_add(&row, BoolGetDatum(who != NULL));
	(void) hl_store_run(store, HL_STATEMENT_REQUEST_EVENTS, &row);
}

/* Inserts one. */
void
hl_event_add_request(const HlStore *store, const HlClient *who,
					 const HlRequestEvent *event)
{
	hl_event_add_requests(store, who, event, 1);
}

/* --------------------------------------------------------------- of calls */

/* Fills in who asks. */
void
hl_event_set_client(HlEvent *event, const HlClient *who)
{
	event->fields[HL_EVENT_SESSION_ROLE] = who->session_role;
	event->fields[HL_EVENT_OUTER_ROLE] = who->outer_role;
	event->fields[HL_EVENT_CURRENT_ROLE] = who->current_role;
	event->fields[HL_EVENT_CLIENT_ADDR] = who->address;
	event->fields[HL_EVENT_APPLICATION_NAME] = who->application;
}

/* Adds the request, if jsonb can hold it. */
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

/* Inserts an event of a call. */
int64
hl_event_add(const HlStore *store, const HlEvent *event)
{
	HlParameters row = {0};
	bool isnull;
	int64 id = 0;

	hl_store_add(&row, ids_of_home());
	hl_store_add_text(&row, hl_home());
	for (int i = 0; i < HL_EVENT_FIELDS; i++)
		if (i == HL_EVENT_REQUEST)
			add_request(&row, event->fields[i]);
		else
			hl_store_add_text(&row, event->fields[i]);
	if (hl_store_run(store, HL_STATEMENT_CALL_EVENT, &row) > 0)
		id = DatumGetInt64(hl_store_value(0, "id", &isnull));
	SPI_freetuptable(SPI_tuptable);
	return id;
}

/* --------------------------------------------------------------- messages */

/* Appends each field: its length and its bytes with a zero, or -1. */
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

/* Reads them again. */
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
