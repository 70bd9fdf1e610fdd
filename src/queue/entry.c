/*
 * entry.c
 *	  From texts to a row, and from one process to another.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "api/response.h"
#include "client/compat.h"
#include "queue/entry.h"

/* Adds a field as text. */
static void
add(HlParameters *row, const HlEntry *entry, HlEntryField field)
{
	hl_store_add_text(row, entry->fields[field]);
}

/* Adds what is to be null in a row that is no part of the queue. */
static void
add_nulls(HlParameters *row, int count)
{
	for (int i = 0; i < count; i++)
		hl_store_add_null(row);
}

/* Adds the reply, if jsonb can hold it. */
static void
add_response(HlParameters *row, const HlEntry *entry)
{
	bool isnull;
	Datum response =
		hl_response_jsonb_if_fit(entry->fields[HL_ENTRY_RESPONSE], &isnull);

	if (isnull)
		hl_store_add_null(row);
	else
		hl_store_add(row, response);
}

/* Adds how long it took. */
static void
add_duration(HlParameters *row, const HlEntry *entry)
{
	const char *microseconds = entry->fields[HL_ENTRY_MICROSECONDS];
	Interval *duration;

	if (microseconds == NULL)
	{
		hl_store_add_null(row);
		return;
	}
	duration = palloc0(sizeof(Interval));
	duration->time = strtoll(microseconds, NULL, 10);
	hl_store_add(row, IntervalPGetDatum(duration));
}

/* Inserts a running row. */
void
hl_entry_insert(const HlStore *store, const HlEntry *entry, int64 holder,
				HlEntryPlace *place)
{
	HlParameters row = {0};
	HlStoreStep step;
	bool isnull;

	add(&row, entry, HL_ENTRY_OPERATION);
	hl_store_add(&row, hl_response_jsonb(entry->fields[HL_ENTRY_REQUEST]));
	add(&row, entry, HL_ENTRY_CLIENT_TOKEN);
	hl_store_add_text(&row, "running");
	hl_store_add_text(&row, "call");
	add_nulls(&row, 2); /* reference, until */
	add(&row, entry, HL_ENTRY_REGION);
	add(&row, entry, HL_ENTRY_ENDPOINT);
	add_nulls(&row, 1); /* run_after */
	add(&row, entry, HL_ENTRY_FENCE);
	hl_store_add(&row, Int32GetDatum(hl_compat_timeline()));
	add(&row, entry, HL_ENTRY_ACCOUNT);
	hl_store_add_time(&row, GetCurrentTimestamp());
	if (holder == 0)
		hl_store_add_null(&row);
	else
		hl_store_add(&row, Int64GetDatum(holder));
	add(&row, entry, HL_ENTRY_SESSION_ROLE);
	add(&row, entry, HL_ENTRY_SESSION_ROLE);
	add(&row, entry, HL_ENTRY_CURRENT_ROLE);
	add(&row, entry, HL_ENTRY_CLIENT_ADDR);
	add(&row, entry, HL_ENTRY_APPLICATION_NAME);
	add(&row, entry, HL_ENTRY_TRANSACTION);
	add(&row, entry, HL_ENTRY_KIND);
	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_INSERT, &row);
	place->id = DatumGetInt64(hl_store_value(0, "id", &isnull));
	strlcpy(place->ctid, hl_store_text(0, "place"), sizeof(place->ctid));
	hl_store_leave(&step);
}

/* Completes it. */
bool
hl_entry_end(const HlStore *store, const HlEntry *entry,
			 const HlEntryPlace *place)
{
	HlParameters row = {0};
	HlStoreStep step;
	uint64 count;

	hl_store_add(&row, Int64GetDatum(place->id));
	hl_store_add_text(&row, place->ctid);
	add(&row, entry, HL_ENTRY_STATE);
	add_response(&row, entry);
	add(&row, entry, HL_ENTRY_DATASTORE_ID);
	add(&row, entry, HL_ENTRY_JOB_ID);
	add(&row, entry, HL_ENTRY_SQLSTATE);
	add(&row, entry, HL_ENTRY_CODE);
	add(&row, entry, HL_ENTRY_MESSAGE);
	add(&row, entry, HL_ENTRY_AWS_REQUEST_ID);
	add(&row, entry, HL_ENTRY_ACCOUNT);
	hl_store_add(&row, Int32GetDatum(atoi(entry->fields[HL_ENTRY_ATTEMPTS])));
	add_duration(&row, entry);
	hl_store_add(&row, BoolGetDatum(entry->fields[HL_ENTRY_SENT] != NULL));
	hl_store_enter(&step, store);
	count = hl_store_run(store, HL_STATEMENT_END_CALL, &row);
	hl_store_leave(&step);
	return count == 1;
}

/* Appends each field: its length and its bytes with a zero, or -1. */
void
hl_entry_write(StringInfo message, const HlEntry *entry)
{
	for (int i = 0; i < HL_ENTRY_FIELDS; i++)
	{
		const char *text = entry->fields[i];
		int32 len = text == NULL ? -1 : (int32) strlen(text);

		appendBinaryStringInfo(message, (const char *) &len, sizeof(len));
		if (text != NULL)
			appendBinaryStringInfo(message, text, len + 1);
	}
}

/* Reads them again. */
void
hl_entry_read(HlEntry *entry, const char *message, Size len)
{
	const char *end = message + len;

	for (int i = 0; i < HL_ENTRY_FIELDS; i++)
	{
		int32 size = -1;

		if (end - message >= (ptrdiff_t) sizeof(size))
			memcpy(&size, message, sizeof(size));
		message += sizeof(size);
		if (end - message < size + 1 || (size >= 0 && message[size] != '\0'))
			elog(ERROR, "an entry of the audit trail is incomplete");
		entry->fields[i] = size < 0 ? NULL : message;
		message += size + 1;
	}
}
