/*
 * deferred.c
 *	  The request of a kept write, and the results of its reply.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "aws/protocol.h"
#include "base/timestamp.h"
#include "call/error.h"
#include "fhir/answers.h"
#include "fhir/deferred.h"
#include "fhir/entries.h"
#include "fhir/location.h"
#include "fhir/read.h"
#include "fhir/request.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "model/fhir_operations.h"
#include "model/response.h"
#include "server/text.h"

/* The headers that a kept request may have; the others are of an attempt. */
static const char *const kept_headers[] = {
	"If-Match", "If-None-Match", "x-amzn-healthlake-fhir-validation-level",
	"x-amz-fhir-history-consistency-level", NULL};

/* Those, and the body's type, the key and the condition of an attempt. */
#define MOST_HEADERS (lengthof(kept_headers) + 2)

/* The maximum number of issues that are recorded of a reply. */
#define MOST_ISSUES 10

/* The kept request, parsed. */
static const HlJson *
request_of(const HlFhirDeferred *write)
{
	return hl_response_read(
		hl_text_to_utf8(write->request, (int) strlen(write->request)));
}

/* A header of the request; NULL: none. */
static const char *
header_of(const HlJson *request, const char *name)
{
	const HlJson *value =
		hl_json_member(hl_json_member(request, "headers"), name);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

static bool
is_bundle(const HlFhirDeferred *write)
{
	return write->operation == &hl_fhir_operations[HL_FHIR_PROCESS_BUNDLE];
}

static Jsonb *
body_of(const HlFhirDeferred *write)
{
	return DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(write->body)));
}

/* --------------------------------------------------------- what may be kept */

/* Whether each header is an allowed one, with a string, and there once. */
static bool
are_headers(const HlJson *headers)
{
	HlJsonEach each = hl_json_each(headers);
	const HlJson *value;

	if (headers != NULL && hl_json_kind(headers) != HL_JSON_OBJECT)
		return false;
	while ((value = hl_json_step(&each)) != NULL)
		if (!hl_text_is_listed(kept_headers, each.name) ||
			hl_json_kind(value) != HL_JSON_STRING ||
			hl_json_member(headers, each.name) != value)
			return false;
	return true;
}

/* Whether a path is the one of the resource, or of its type. */
static bool
is_place(const HlFhirDeferred *write, const HlJson *path)
{
	const char *type = write->resource_type;

	if (hl_json_kind(path) != HL_JSON_STRING)
		return false;
	if (type == NULL)
		return hl_json_len(path) == 0;
	return strcmp(hl_json_string(path), type) == 0 ||
		   (write->resource_id != NULL &&
			strcmp(hl_json_string(path),
				   hl_fhir_path(type, write->resource_id)) == 0);
}

bool
hl_deferred_is_whole(const HlFhirDeferred *write)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE",
										  NULL};
	const HlJson *request = request_of(write);
	const HlJson *method = hl_json_member(request, "method");

	return hl_json_kind(method) == HL_JSON_STRING &&
		   hl_text_is_listed(methods, hl_json_string(method)) &&
		   is_place(write, hl_json_member(request, "path")) &&
		   are_headers(hl_json_member(request, "headers"));
}

/* -------------------------------------------------------------- what is sent */

/* The version that an attempt replaces; "*" for none, NULL for any. */
static const char *
match_of(const HlFhirDeferred *write)
{
	const HlJson *request = request_of(write);
	const char *match = header_of(request, "If-Match");

	if (match != NULL)
		return hl_fhir_version_of(match);
	match = header_of(request, "If-None-Match");
	return match != NULL ? match : write->guard;
}

static void
add_header(HlRest *rest, const char *name, const char *value)
{
	HlHeader *headers = (HlHeader *) rest->headers;

	if (rest->nheaders == MOST_HEADERS)
		elog(ERROR, "a FHIR request has more than %d headers",
			 (int) MOST_HEADERS);
	headers[rest->nheaders++] = (HlHeader){name, value};
}

/* The content type of the body. */
static const char *
type_of_body(const HlFhirDeferred *write, const char *method)
{
	if (strcmp(method, "PATCH") == 0 && write->body[0] == '[')
		return HL_FHIR_JSON_PATCH;
	return HL_FHIR_JSON;
}

/* Adds the headers of the write and the condition of this attempt. */
static void
add_headers(HlRest *rest, const HlFhirDeferred *write, const HlJson *request)
{
	HlJsonEach each = hl_json_each(hl_json_member(request, "headers"));
	const HlJson *value;

	if (write->body != NULL)
		add_header(rest, "Content-Type", type_of_body(write, rest->method));
	while ((value = hl_json_step(&each)) != NULL)
		add_header(rest, each.name, hl_json_string(value));
	if (write->key != NULL)
		add_header(rest, "x-amz-fhir-idempotency-key", write->key);
	if (write->guard != NULL && strcmp(write->guard, "*") == 0)
		add_header(rest, "If-None-Match", "*");
	else if (write->guard != NULL)
		add_header(rest, "If-Match", psprintf("W/\"%s\"", write->guard));
}

static HlRequest *
make_request(const HlFhirDeferred *write, const HlOperation *operation,
			 const char *method, const char *path)
{
	HlRequest *request = palloc0(sizeof(HlRequest));
	HlRest *rest = palloc0(sizeof(HlRest));

	rest->datastore_id = hl_fhir_datastore(write->datastore_id);
	rest->method = method;
	rest->path = path;
	if (write->resource_id != NULL)
		rest->subject = hl_fhir_path(write->resource_type, write->resource_id);
	else
		rest->subject = write->resource_type;
	rest->headers = palloc0(sizeof(HlHeader) * MOST_HEADERS);
	rest->wanted = hl_fhir_wanted;
	rest->nwanted = HL_FHIR_WANTED;
	request->operation = operation;
	request->rest = rest;
	return request;
}

HlRequest *
hl_deferred_request(const HlFhirDeferred *write)
{
	const HlJson *said = request_of(write);
	HlRequest *request = make_request(
		write, write->operation, hl_json_string(hl_json_member(said, "method")),
		hl_json_string(hl_json_member(said, "path")));
	HlRest *rest = (HlRest *) request->rest;

	add_headers(rest, write, said);
	rest->repeatable = hl_deferred_is_repeatable(write);
	request->client_token = write->key;
	if (write->body != NULL)
	{
		char *body = hl_text_to_utf8(write->body, (int) strlen(write->body));

		request->body =
			(HlBytes){.data = body, .len = strlen(body), .size = strlen(body)};
	}
	return request;
}

HlRequest *
hl_deferred_read(const HlFhirDeferred *write, const HlFhirWitness *it,
				 const char *version)
{
	if (version == NULL)
		return make_request(write, &hl_fhir_operations[HL_FHIR_READ_RESOURCE],
							"GET", psprintf("%s/%s", it->type, it->id));
	return make_request(
		write, &hl_fhir_operations[HL_FHIR_VERSION_READ_RESOURCE], "GET",
		psprintf("%s/%s/_history/%s", it->type, it->id, version));
}

/* ------------------------------------------------------------ what it leaves */

/* Whether an entry creates, or replaces only one version. */
static bool
is_guarded(const HlFhirEntry *entry)
{
	return entry->if_match != NULL || entry->if_none_match != NULL;
}

/*
 * The entry whose resource is the best evidence that the bundle was carried
 * out.
 */
static const HlFhirEntry *
telling_entry(const HlFhirEntries *entries)
{
	const HlFhirEntry *found = NULL;

	for (int i = 0; i < entries->count; i++)
	{
		const HlFhirEntry *entry = &entries->entries[i];

		if (strcmp(entry->method, "PUT") == 0 && is_guarded(entry))
			return entry;
		if (strcmp(entry->method, "PUT") == 0 && found == NULL)
			found = entry;
	}
	/* only a guard prevents that a patch is carried out twice */
	for (int i = 0; i < entries->count; i++)
		if (strcmp(entries->entries[i].method, "PATCH") == 0)
			return NULL;
	return found;
}

/* The parsed bundle. */
static const HlFhirEntries *
entries_of(const HlFhirDeferred *write)
{
	return hl_entries_read(body_of(write), "transaction");
}

static Jsonb *
jsonb_of(const HlJson *node)
{
	HlBytes bytes = {0};

	hl_json_append_node(&bytes, node);
	return DatumGetJsonbP(hl_response_jsonb(hl_text_take(&bytes)));
}

/* The version that an entry replaces; NULL for any. */
static const char *
version_of(const HlFhirEntry *entry)
{
	return entry->if_match == NULL ? NULL : hl_fhir_version_of(entry->if_match);
}

static HlFhirWitness
witness_of_bundle(const HlFhirDeferred *write)
{
	const HlFhirEntry *entry = telling_entry(entries_of(write));

	if (entry == NULL)
		return (HlFhirWitness){0};
	return (HlFhirWitness){.method = entry->method,
						   .type = entry->type,
						   .id = entry->id,
						   .match = entry->if_none_match != NULL
										? entry->if_none_match
										: version_of(entry),
						   .resource = jsonb_of(entry->resource)};
}

HlFhirWitness
hl_deferred_witness(const HlFhirDeferred *write)
{
	const char *method =
		hl_json_string(hl_json_member(request_of(write), "method"));
	const char *match = match_of(write);
	bool patches = strcmp(method, "PATCH") == 0;

	if (is_bundle(write))
		return witness_of_bundle(write);
	/*
	 * without an id the key identifies it; a patch can only be recognized by a
	 * version
	 */
	if (write->resource_id == NULL || (patches && match == NULL))
		return (HlFhirWitness){0};
	return (HlFhirWitness){
		.method = method,
		.type = write->resource_type,
		.id = write->resource_id,
		.match = match,
		.resource = patches || write->body == NULL ? NULL : body_of(write)};
}

bool
hl_deferred_is_recoverable(const HlFhirDeferred *write)
{
	return write->key != NULL || hl_deferred_witness(write).method != NULL;
}

bool
hl_deferred_is_repeatable(const HlFhirDeferred *write)
{
	const HlFhirEntries *entries;

	if (write->key != NULL)
		return true;
	if (!is_bundle(write))
		return match_of(write) != NULL;
	entries = entries_of(write);
	for (int i = 0; i < entries->count; i++)
		if (!is_guarded(&entries->entries[i]))
			return false;
	return true;
}

/* ------------------------------------------------------------- what is told */

static bool
deletes(const HlFhirDeferred *write)
{
	return write->operation == &hl_fhir_operations[HL_FHIR_DELETE_RESOURCE];
}

bool
hl_deferred_is_done(const HlFhirDeferred *write, const HlReply *reply)
{
	if (deletes(write))
		return hl_fhir_is_missing(reply, write->resource_type);
	return write->key != NULL && reply->diagnosed &&
		   reply->http_status == 409 && reply->code != NULL &&
		   strcmp(reply->code, "duplicate") == 0;
}

/* What a success without the resource has stored; false: unknown. */
static bool
find_stored(const HlFhirDeferred *write, const HlCall *call,
			HlFhirLocation *named)
{
	return hl_fhir_location_stored(call, write->datastore_id,
								   write->resource_type, write->resource_id,
								   named);
}

/* Whether a success shows that the whole request was carried out. */
static bool
is_answer(const HlFhirDeferred *write, const HlCall *call)
{
	const HlJson *document = call->reply.document;
	HlFhirLocation named;

	if (deletes(write))
		return true;
	if (is_bundle(write))
		return hl_answers_read(entries_of(write), document) != NULL;
	if (find_stored(write, call, &named))
		return true;
	if (write->resource_id != NULL)
		return hl_fhir_is_it(document, write->resource_type, write->resource_id,
							 NULL);
	return hl_fhir_is_a(document, write->resource_type) &&
		   hl_fhir_is_id(hl_fhir_id(document));
}

void
hl_deferred_check(const HlFhirDeferred *write, HlCall *call)
{
	HlReply *reply = &call->reply;

	if (reply->outcome != HL_OUTCOME_SUCCESS || is_answer(write, call))
		return;
	hl_error_spoil(reply, "the reply is not the requested one");
	reply->may_have_run = true;
	reply->document = NULL; /* its contents are not returned */
}

/* A member that is a timestamp; NULL: missing or malformed. */
static const char *
time_member(const HlJson *object, const char *name)
{
	const HlJson *value = hl_json_member(object, name);
	const char *text = hl_json_string(value);
	int64_t micros;

	return hl_json_kind(value) == HL_JSON_STRING &&
				   hl_timestamp_from_text(text, strlen(text), &micros)
			   ? text
			   : NULL;
}

/* The parts of an issue that quote no value. */
static void
append_issue(HlBytes *bytes, const HlJson *issue)
{
	static const char *const severities[] = {"fatal", "error", "warning",
											 "information", NULL};
	const char *severity = hl_json_string(hl_json_member(issue, "severity"));
	const char *code = hl_json_string(hl_json_member(issue, "code"));
	const char *place =
		hl_json_string(hl_json_element(hl_json_member(issue, "expression"), 0));

	hl_bytes_append_char(bytes, '{');
	if (hl_text_is_listed(severities, severity))
		hl_json_append_member(bytes, "severity", severity);
	if (hl_protocol_is_issue_code(code))
		hl_json_append_member(bytes, "code", code);
	if (hl_protocol_is_path(place))
		hl_json_append_member(bytes, "expression", place);
	hl_bytes_append_char(bytes, '}');
}

/* Appends the first issues of an OperationOutcome as a member of an object. */
static void
append_issues(HlBytes *bytes, const HlJson *outcome)
{
	HlJsonEach each = hl_json_each(hl_json_member(outcome, "issue"));
	const char *comma = "";
	const HlJson *issue;

	if (!hl_fhir_is_a(outcome, "OperationOutcome"))
		return;
	hl_bytes_append_string(bytes, ",\"issues\":[");
	for (int i = 0; i < MOST_ISSUES && (issue = hl_json_step(&each)) != NULL;
		 i++)
	{
		hl_bytes_append_string(bytes, comma);
		append_issue(bytes, issue);
		comma = ",";
	}
	hl_bytes_append_char(bytes, ']');
}

/* The path of the version in an answer; NULL: missing. */
static const char *
place_of(const HlFhirAnswer *answer)
{
	if (answer->id == NULL || answer->version == NULL)
		return NULL;
	return psprintf("%s/%s/_history/%s", answer->type, answer->id,
					answer->version);
}

/* The outcome of each entry, in the order of the bundle. */
static char *
told_of_entries(const HlFhirDeferred *write, const HlJson *bundle)
{
	const HlFhirAnswer *answers = hl_answers_read(entries_of(write), bundle);
	HlJsonEach each = hl_json_each(hl_json_member(bundle, "entry"));
	HlBytes bytes = {0};
	const HlJson *entry;
	const char *comma = "";

	hl_bytes_append_string(&bytes, "{\"entry\":[");
	for (; (entry = hl_json_step(&each)) != NULL; answers++)
	{
		hl_bytes_format(&bytes, "%s{", comma);
		hl_json_append_member(&bytes, "status",
							  psprintf("%d", answers->status));
		hl_json_append_member(&bytes, "location", place_of(answers));
		hl_json_append_member(
			&bytes, "lastModified",
			time_member(hl_json_member(entry, "response"), "lastModified"));
		append_issues(&bytes, answers->outcome);
		hl_bytes_append_char(&bytes, '}');
		comma = ",";
	}
	hl_bytes_append_string(&bytes, "]}");
	return hl_text_take(&bytes);
}

/* The version of a resource; NULL: missing or malformed. */
static const char *
version_told(const HlJson *resource)
{
	const char *version = hl_fhir_version(resource);

	return version != NULL && hl_fhir_is_id(version) ? version : NULL;
}

/* The time of a resource, or the one in the reply's header; NULL: none. */
static const char *
time_told(const HlJson *resource, const HlReply *reply)
{
	const char *text =
		time_member(hl_json_member(resource, "meta"), "lastUpdated");
	char *buffer;
	TimestampTz at;
	int utc = 0;

	if (text != NULL ||
		!hl_fhir_modified(reply->headers[HL_FHIR_LAST_MODIFIED], &at))
		return text;
	buffer = palloc(MAXDATELEN + 1);
	return JsonEncodeDateTime(buffer, TimestampTzGetDatum(at), TIMESTAMPTZOID,
							  &utc);
}

/* Sets the identity, the version and the issues of what the write stored. */
static void
tell_resource(HlFhirTold *told, const HlFhirDeferred *write, const HlCall *call)
{
	const HlReply *reply = &call->reply;
	const HlJson *document = reply->document;
	HlFhirLocation named = {.id = hl_fhir_id(document),
							.version = version_told(document)};
	bool issues = find_stored(write, call, &named);
	HlBytes bytes = {0};

	hl_bytes_append_char(&bytes, '{');
	hl_json_append_member(&bytes, "resourceType", write->resource_type);
	hl_json_append_member(&bytes, "id", named.id);
	hl_json_append_member(&bytes, "versionId", named.version);
	hl_json_append_member(&bytes, "lastUpdated", time_told(document, reply));
	if (issues)
		append_issues(&bytes, document);
	hl_bytes_append_char(&bytes, '}');
	told->response = hl_text_take(&bytes);
	told->resource_id = hl_text_from_utf8(named.id);
	told->version_id = hl_text_from_utf8(named.version);
}

HlFhirTold
hl_deferred_told(const HlFhirDeferred *write, const HlCall *call)
{
	const HlReply *reply = &call->reply;
	bool succeeded = reply->outcome == HL_OUTCOME_SUCCESS;
	HlFhirTold told = {0};
	HlFhirLocation named;

	if (is_bundle(write))
		told.response = told_of_entries(write, reply->document);
	else if (!succeeded && deletes(write))
		told.note = "there was none";
	else if (!succeeded)
	{
		told.note = "an earlier sending has created it";
		if (hl_fhir_location(call, write->datastore_id,
							 reply->headers[HL_FHIR_LOCATION], &named) &&
			strcmp(named.type, write->resource_type) == 0)
			told.resource_id = named.id;
	}
	else if (!deletes(write))
		tell_resource(&told, write, call);
	if (hl_fhir_has_issues(reply))
		told.note = "stored with validation issues";
	return told;
}
