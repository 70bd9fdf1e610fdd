/*
 * enqueue.c
 *	  From arguments to a row of the queue.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "audit/account.h"
#include "audit/event.h"
#include "audit/store.h"
#include "call/call.h"
#include "call/door.h"
#include "call/portal.h"
#include "engine/target.h"
#include "model/arguments.h"
#include "model/response.h"
#include "model/target_states.h"
#include "queue/enqueue.h"
#include "queue/presence.h"
#include "queue/wakeup.h"
#include "server/dropped.h"
#include "server/settings.h"
#include "server/text.h"

/*
 * Queued requests use the credentials of the server; a session with its own
 * would expect those to be used.
 */
void
hl_enqueue_refuse_session(Oid owner, const char *what)
{
	const char *setting = hl_settings_of_session(GetSessionUserId() == owner);

	hl_dropped_refuse();
	if (setting != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot use the session's own setting of \"%s\"",
						what, setting),
				 errdetail("Queued requests use the credentials and endpoints "
						   "of the server or the database."),
				 errhint("%s", hl_settings_place(setting))));
}

/* Refuses a target state that the operation does not lead to. */
static void
refuse_until(const HlOperation *operation, const char *until)
{
	if (until != NULL && hl_target_states_of_change(operation, until) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has no status \"%s\" to wait for", operation->name,
						hl_text_clip(until)),
				 errhint("It is ACTIVE after creating, restoring or updating "
						 "a data store, DELETED after deleting it, COMPLETED "
						 "for a job.")));
}

void
hl_enqueue_refuse_large(const char *argument, Datum value)
{
	size_t len = toast_raw_datum_size(value) - VARHDRSZ;
	size_t most = (size_t) hl_settings.max_request_size * 1024;

	if (len > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is too large", argument),
				 errdetail("It has %zu bytes; healthlake.max_request_size "
						   "allows %zu.",
						   len, most)));
}

/* Refuses sensitive members, which would get into WAL and backups. */
static void
refuse_sensitive(const HlRequest *request)
{
	bool has_sensitive = false;

	(void) hl_response_masked(request->operation->input,
							  hl_response_read(hl_bytes_string(&request->body)),
							  &has_sensitive);
	if (has_sensitive)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a request for %s with sensitive members cannot be "
						"enqueued",
						request->operation->name),
				 errdetail("They would get into the server's write-ahead log "
						   "and backups."),
				 errhint("Call function %s.", request->operation->function)));
}

/*
 * Appends the tags of the request, and the one by which a search recognizes it.
 */
static void
append_tags(HlBytes *bytes, const HlJson *tags, const char *token)
{
	HlJsonEach each = hl_json_each(tags);
	const HlJson *tag;

	hl_bytes_append_string(bytes, "\"Tags\":[");
	while ((tag = hl_json_step(&each)) != NULL)
	{
		hl_json_append_node(bytes, tag);
		hl_bytes_append_char(bytes, ',');
	}
	hl_bytes_append_string(bytes, "{\"Key\":\"" HL_REQUEST_TAG "\",\"Value\":");
	hl_json_append_string(bytes, token, strlen(token));
	hl_bytes_append_string(bytes, "}]");
}

/* The request to be stored, with a tag by which a search recognizes it. */
static char *
tagged_request(const HlRequest *request)
{
	const HlJson *kept = hl_response_read(hl_account_request(request));
	HlJsonEach each = hl_json_each(kept);
	HlBytes bytes = {0};
	const HlJson *value;
	char *json;

	hl_bytes_append_char(&bytes, '{');
	while ((value = hl_json_step(&each)) != NULL)
	{
		if (strcmp(each.name, "Tags") == 0)
			continue;
		hl_json_append_string(&bytes, each.name, each.name_len);
		hl_bytes_append_char(&bytes, ':');
		hl_json_append_node(&bytes, value);
		hl_bytes_append_char(&bytes, ',');
	}
	append_tags(&bytes, hl_json_member(kept, "Tags"), request->client_token);
	hl_bytes_append_char(&bytes, '}');
	json = hl_text_take(&bytes);
	return json;
}

/* ----------------------------------------------------------------- the row */

/* The endpoint and the region with the current settings. */
static char *
address_of(const HlEnqueued *enqueued, const char **region)
{
	HlCall *call = hl_engine_calls(1);

	call->host_prefix = enqueued->host_prefix;
	hl_target_address(call, hl_arguments_text(enqueued->arguments, "region"));
	*region = call->region;
	return hl_target_url(call);
}

static TimestampTz
run_after_of(const HlArguments *arguments)
{
	Datum value;
	TimestampTz now = GetCurrentTimestamp();

	if (!hl_arguments_value(arguments, "run_after", &value))
		return now;
	if (TIMESTAMP_IS_NOEND(DatumGetTimestampTz(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be infinite", "run_after")));
	return Max(DatumGetTimestampTz(value), now);
}

static void
add_pointer(HlParameters *row, const void *value)
{
	if (value == NULL)
		hl_store_add_null(row);
	else
		hl_store_add(row, PointerGetDatum(value));
}

static void
add_request(HlParameters *row, const HlEnqueued *enqueued)
{
	const char *region;
	char *endpoint = address_of(enqueued, &region);
	Datum reference;

	hl_store_add_text(row, enqueued->operation);
	hl_store_add_text(row, enqueued->kind);
	hl_store_add(row, hl_response_jsonb(enqueued->request));
	hl_store_add_text(row, hl_text_from_utf8(enqueued->client_token));
	if (hl_arguments_value(enqueued->arguments, "reference", &reference))
	{
		hl_enqueue_refuse_large("reference", reference);
		hl_store_add(row, reference);
	}
	else
		hl_store_add_null(row);
	hl_store_add_text(row, enqueued->until);
	hl_store_add_text(row, region);
	hl_store_add_text(row, endpoint);
}

static void
add_resource(HlParameters *row, const HlEnqueued *enqueued)
{
	hl_store_add_text(row, enqueued->datastore_id);
	hl_store_add_text(row, enqueued->resource_type);
	hl_store_add_text(row, enqueued->resource_id);
	add_pointer(row, enqueued->resources);
	add_pointer(row, enqueued->body);
}

static int64
insert(const HlStore *store, const HlEnqueued *enqueued)
{
	HlClient who = hl_account_client();
	HlRequestEvent event = {.event = "enqueued", .microseconds = -1};
	HlParameters row = {0};
	HlStoreStep step;
	bool isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	add_request(&row, enqueued);
	hl_store_add_time(&row, run_after_of(enqueued->arguments));
	hl_store_add_text(&row, hl_settings.fence);
	hl_store_add(&row, Int32GetDatum((int) GetWALInsertionTimeLine()));
	hl_store_add_text(&row, hl_account_of_settings());
	hl_account_add_client(&row, &who);
	add_resource(&row, enqueued);
	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_INSERT, &row);
	event.id = DatumGetInt64(hl_store_value(0, "id", INT8OID, &isnull));
	hl_event_add_request(store, NULL, &event);
	hl_store_leave(&step);
	SPI_finish();
	return event.id;
}

int64
hl_enqueue_insert(const HlEnqueued *enqueued)
{
	const HlStore *store = hl_store_need();
	int64 id;

	hl_enqueue_refuse_session(store->owner, "a queued request");
	id = insert(store, enqueued);
	hl_wakeup_want(store);
	return id;
}

static Datum
enqueue(const HlArguments *arguments, HlRequest *request)
{
	const HlOperation *operation = request->operation;
	bool tagged = hl_settings.tag_requests && request->client_token != NULL &&
				  operation->creates != NULL;
	HlEnqueued enqueued = {.arguments = arguments,
						   .operation = operation->name,
						   .kind = hl_operation_kind(operation),
						   .host_prefix = operation->host_prefix,
						   .client_token = request->client_token,
						   .until = hl_arguments_text(arguments, "until")};

	refuse_until(operation, enqueued.until);
	refuse_sensitive(request);
	enqueued.request =
		tagged ? tagged_request(request) : hl_account_request(request);
	PG_RETURN_INT64(hl_enqueue_insert(&enqueued));
}

void
hl_enqueue_refuse_change(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	hl_portal_forbid_rerun(function);
}

Datum
hl_enqueue(FunctionCallInfo fcinfo)
{
	const HlOperation *operation;

	hl_enqueue_refuse_change("healthlake_enqueue");
	operation = hl_door_enter(fcinfo);
	return enqueue(hl_arguments_read(fcinfo),
				   hl_door_request(fcinfo, operation));
}

Datum
hl_enqueue_create_datastore(FunctionCallInfo fcinfo)
{
	const HlOperation *operation =
		&hl_operations[HL_OPERATION_CREATE_FHIR_DATASTORE];
	const HlArguments *arguments;

	hl_enqueue_refuse_change("healthlake_enqueue_create_datastore");
	arguments = hl_arguments_read(fcinfo);
	return enqueue(arguments, hl_arguments_make(arguments, operation));
}
