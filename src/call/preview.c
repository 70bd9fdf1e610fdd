/*
 * preview.c
 *	  The request of a call, masked.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "call/call.h"
#include "call/door.h"
#include "call/error.h"
#include "call/preview.h"
#include "credentials/credentials.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/dropped.h"
#include "server/text.h"

#define MASK "****************"

/* The masked body as jsonb. */
static Datum
body_of(const HlRequest *request)
{
	const HlJson *body = hl_response_read(hl_bytes_string(&request->body));

	return hl_response_jsonb(
		hl_response_masked(request->operation->input, body, NULL));
}

/*
 * Masks an Authorization header: the signature completely, the access key id
 * except for its last four characters, as SHOW does.
 */
static char *
mask_authorization(const char *value)
{
	const char *id = strstr(value, "Credential=");
	const char *slash = id == NULL ? NULL : strchr(id, '/');
	const char *signature = strstr(value, "Signature=");
	int len;

	if (slash == NULL || signature == NULL)
		return pstrdup(MASK);
	id += strlen("Credential=");
	signature += strlen("Signature=");
	len = (int) (slash - id);
	return psprintf("%.*s" MASK "%.*s%.*s" MASK, (int) (id - value), value,
					len >= 8 ? 4 : 0, slash - (len >= 8 ? 4 : 0),
					(int) (signature - slash), slash);
}

/* The value of a header, masked if it must not be shown. */
static const char *
shown_value(const char *name, const char *value)
{
	if (pg_strcasecmp(name, "X-Amz-Security-Token") == 0)
		return MASK;
	if (pg_strcasecmp(name, "Authorization") == 0)
		return mask_authorization(value);
	return value;
}

/*
 * The header lines, each terminated by a zero byte, as a jsonb object, masked.
 */
static Datum
headers_of(const HlBytes *head)
{
	HlBytes bytes = {0};
	char *json;

	hl_bytes_append_char(&bytes, '{');
	for (const char *line = hl_bytes_string(head);
		 line < head->data + head->len; line += strlen(line) + 1)
	{
		const char *colon = strstr(line, ": ");
		char *name = pnstrdup(line, colon - line);
		const char *value = shown_value(name, colon + 2);

		hl_bytes_append_string(&bytes, bytes.len > 1 ? "," : "");
		hl_json_append_string(&bytes, name, strlen(name));
		hl_bytes_append_char(&bytes, ':');
		hl_json_append_string(&bytes, value, strlen(value));
	}
	hl_bytes_append_char(&bytes, '}');
	json = hl_text_take(&bytes);
	return hl_response_jsonb(json);
}

/*
 * Gets keys that sign the request. A session that may not send because of its
 * settings requests none: the mask stands for them.
 */
static bool
get_keys(HlCall *call, const HlOperation *operation)
{
	static const HlSigv4Credentials masked = {MASK, MASK, MASK};

	if (call->credentials == NULL ||
		hl_credentials_look(call->credentials) != HL_CREDENTIALS_WANTED)
		return hl_engine_get_keys(call);
	if (hl_dropped_blocks())
	{
		call->credentials = NULL;
		call->keys = &masked;
	}
	else
		hl_call_may_send(operation);
	return hl_engine_get_keys(call);
}

Datum
hl_preview_row(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	HlRequest *request = hl_door_request(fcinfo, operation);
	HlCall *call = hl_engine_calls(1);
	HlPreview preview;
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false};

	if (!hl_call_settle(call, request,
						hl_arguments_text(hl_arguments_read(fcinfo), "region"),
						NULL) ||
		!get_keys(call, operation) || !hl_engine_preview(call, &preview))
		hl_error_raise(operation, &call->reply, NULL);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(preview.url);
	values[1] = headers_of(preview.head);
	values[2] = body_of(request);
	return HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
