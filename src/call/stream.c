/*
 * stream.c
 *	  Events of a reply, as notices and as rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "call/call.h"
#include "call/once.h"
#include "call/stream.h"
#include "engine/events.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/notice.h"
#include "server/text.h"

/* The single member of an event's object. */
static const HlJson *
open_event(const HlJson *event, const char **name)
{
	HlJsonEach each = hl_json_each(event);
	const HlJson *payload = hl_json_step(&each);

	*name = each.name;
	return payload;
}

/* The readable text of an event; NULL if it has none. */
static const char *
text_of(const HlStream *stream, const char *name, const HlJson *payload)
{
	for (const HlEventText *text = stream->told; text->event != NULL; text++)
	{
		const HlJson *said = hl_json_member(payload, text->member);

		if (strcmp(text->event, name) == 0 &&
			hl_json_kind(said) == HL_JSON_STRING)
			return hl_json_string(said);
	}
	return NULL;
}

void
hl_stream_tell(HlCall *call)
{
	const HlJson *event;

	while ((event = hl_events_next(call)) != NULL)
	{
		const char *name;
		const HlJson *payload = open_event(event, &name);
		const char *text = text_of(call->stream, name, payload);
		char *line;

		if (text == NULL)
			continue;
		line = psprintf("%s: %s", name, hl_text_from_utf8(text));
		hl_notice_tell(line);
		pfree(line);
	}
}

/*
 * The rows of a set, and the current position. All rows are made before the
 * first is returned, since an error in a later one would not report what AWS
 * has done.
 */
typedef struct Rows
{
	const HlStream *stream;
	TupleDesc desc;
	List *tuples;
	int next;
} Rows;

/*
 * Performs the operation and returns its events as JSON, in the memory of the
 * current row, for this call and its copies.
 */
static char *
perform(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	const HlArguments *arguments;
	const HlReply *reply;
	HlBytes json = {0};
	Datum kept;

	if (hl_once_take(fcinfo, &kept))
		return DatumGetPointer(kept);
	arguments = hl_arguments_read(fcinfo);
	reply = hl_call_perform(hl_arguments_make(arguments, operation),
							hl_arguments_text(arguments, "region"));
	hl_json_append_node(
		&json, hl_json_member(reply->document, operation->stream->member));
	kept = PointerGetDatum(hl_text_take(&json));
	hl_once_keep(fcinfo, kept);
	return DatumGetPointer(kept);
}

static Datum
row_of_event(const Rows *rows, const char *name, const HlJson *payload)
{
	const HlMember *event =
		hl_shape_member(rows->stream->event, name, strlen(name));
	Datum *values = palloc0(sizeof(Datum) * rows->desc->natts);
	bool *nulls = palloc0(sizeof(bool) * rows->desc->natts);

	hl_response_columns(rows->desc, event->shape, payload, values, nulls);
	for (int i = 0; i < rows->desc->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(rows->desc, i)->attname), "event") ==
			0)
		{
			values[i] = CStringGetTextDatum(name);
			nulls[i] = false;
		}
	return HeapTupleGetDatum(heap_form_tuple(rows->desc, values, nulls));
}

static void
make_rows(Rows *rows, const char *json)
{
	HlJsonEach each = hl_json_each(hl_response_read(json));
	const HlJson *event;

	while ((event = hl_json_step(&each)) != NULL)
	{
		const char *name;
		const HlJson *payload = open_event(event, &name);

		if (!hl_text_is_listed(rows->stream->idle, name))
			rows->tuples =
				lappend(rows->tuples,
						DatumGetPointer(row_of_event(rows, name, payload)));
	}
}

static void
begin_rows(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	FuncCallContext *calls = SRF_FIRSTCALL_INIT();
	const char *json = perform(fcinfo, operation);
	MemoryContext caller = MemoryContextSwitchTo(calls->multi_call_memory_ctx);
	Rows *rows = palloc0(sizeof(Rows));

	if (get_call_result_type(fcinfo, NULL, &rows->desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rows->desc = BlessTupleDesc(rows->desc);
	rows->stream = operation->stream;
	make_rows(rows, json);
	calls->user_fctx = rows;
	MemoryContextSwitchTo(caller);
}

Datum
hl_stream_next(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	FuncCallContext *calls;
	Rows *rows;

	if (SRF_IS_FIRSTCALL())
		begin_rows(fcinfo, operation);
	calls = SRF_PERCALL_SETUP();
	rows = calls->user_fctx;
	if (rows->next < list_length(rows->tuples))
		SRF_RETURN_NEXT(calls,
						PointerGetDatum(list_nth(rows->tuples, rows->next++)));
	SRF_RETURN_DONE(calls);
}
