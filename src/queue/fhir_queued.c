/*
 * fhir_queued.c
 *	  What a row of the queue says of a FHIR request, and what a reply says of
 *	  the row.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "base/timestamp.h"
#include "call/door.h"
#include "call/error.h"
#include "fhir/answers.h"
#include "fhir/entries.h"
#include "fhir/location.h"
#include "fhir/request.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "model/fhir_operations.h"
#include "model/response.h"
#include "queue/fhir_queued.h"
#include "server/text.h"

/* Most header lines of a request. */
#define MOST_HEADERS 8

/* What is wanted of a reply's head. */
static const char *const wanted[] = {"Location"};

bool
hl_fhir_is_queued(const HlQueued *queued)
{
	return strcmp(queued->kind, HL_FHIR_KIND) == 0;
}

/* The row's request, parsed. */
static const HlJson *
request_of(const HlQueued *queued)
{
	return hl_response_read(
		hl_text_to_utf8(queued->request, (int) strlen(queued->request)));
}

/* A header of the request; NULL if it has none of this name. */
static const char *
header_of(const HlJson *request, const char *name)
{
	const HlJson *value =
		hl_json_member(hl_json_member(request, "headers"), name);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

static bool
is_bundle(const HlQueued *queued)
{
	return queued->operation == &hl_fhir_operations[HL_FHIR_PROCESS_BUNDLE];
}

static Jsonb *
body_of(const HlQueued *queued)
{
	return DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(queued->body)));
}

/* -------------------------------------------------------------- what is sent */

/* The version that an attempt replaces; "*" for none, NULL for any. */
static const char *
match_of(const HlQueued *queued)
{
	const HlJson *request = request_of(queued);
	const char *match = header_of(request, "If-Match");

	if (match != NULL)
		return hl_fhir_version_of(match);
	match = header_of(request, "If-None-Match");
	return match != NULL ? match : queued->guard;
}

static void
add_header(HlRest *rest, const char *name, const char *value)
{
	HlHeader *headers = (HlHeader *) rest->headers;

	Assert(rest->nheaders < MOST_HEADERS);
	headers[rest->nheaders++] = (HlHeader){name, value};
}

/* The content type of the body. */
static const char *
type_of_body(const HlQueued *queued, const char *method)
{
	if (strcmp(method, "PATCH") == 0 && queued->body[0] == '[')
		return HL_FHIR_JSON_PATCH;
	return HL_FHIR_JSON;
}

/* Adds the headers of the row and the condition of this attempt. */
static void
add_headers(HlRest *rest, const HlQueued *queued, const HlJson *request)
{
	HlJsonEach each = hl_json_each(hl_json_member(request, "headers"));
	const HlJson *value;

	if (queued->body != NULL)
		add_header(rest, "Content-Type", type_of_body(queued, rest->method));
	while ((value = hl_json_step(&each)) != NULL)
		add_header(rest, each.name, hl_json_string(value));
	if (queued->client_token != NULL)
		add_header(rest, "x-amz-fhir-idempotency-key", queued->client_token);
	if (queued->guard != NULL && strcmp(queued->guard, "*") == 0)
		add_header(rest, "If-None-Match", "*");
	else if (queued->guard != NULL)
		add_header(rest, "If-Match", psprintf("W/\"%s\"", queued->guard));
}

static HlRequest *
make_request(const HlQueued *queued, const HlOperation *operation,
			 const char *method, const char *path)
{
	HlRequest *request = palloc0(sizeof(HlRequest));
	HlRest *rest = palloc0(sizeof(HlRest));

	rest->datastore_id = hl_fhir_datastore(queued->datastore_id);
	rest->method = method;
	rest->path = path;
	if (queued->resource_id != NULL)
		rest->subject =
			hl_fhir_path(queued->resource_type, queued->resource_id);
	else
		rest->subject = queued->resource_type;
	rest->headers = palloc0(sizeof(HlHeader) * MOST_HEADERS);
	rest->wanted = wanted;
	rest->nwanted = lengthof(wanted);
	request->operation = operation;
	request->rest = rest;
	return request;
}

HlRequest *
hl_fhir_sending(const HlQueued *queued)
{
	const HlJson *said = request_of(queued);
	HlRequest *request =
		make_request(queued, queued->operation,
					 hl_json_string(hl_json_member(said, "method")),
					 hl_json_string(hl_json_member(said, "path")));
	HlRest *rest = (HlRest *) request->rest;

	add_headers(rest, queued, said);
	rest->repeatable = hl_fhir_is_repeatable(queued);
	request->client_token = queued->client_token;
	if (queued->body != NULL)
	{
		char *body = hl_text_to_utf8(queued->body, (int) strlen(queued->body));

		request->body =
			(HlBytes){.data = body, .len = strlen(body), .size = strlen(body)};
	}
	return request;
}

HlRequest *
hl_fhir_reading(const HlQueued *queued, const HlFhirWitness *it,
				const char *version)
{
	if (version == NULL)
		return make_request(queued, &hl_fhir_operations[HL_FHIR_READ_RESOURCE],
							"GET", psprintf("%s/%s", it->type, it->id));
	return make_request(
		queued, &hl_fhir_operations[HL_FHIR_VERSION_READ_RESOURCE], "GET",
		psprintf("%s/%s/_history/%s", it->type, it->id, version));
}

/* ------------------------------------------------------------ what it leaves */

/* Whether an entry creates, or replaces only one version. */
static bool
is_guarded(const HlFhirEntry *entry)
{
	return entry->if_match != NULL || entry->if_none_match != NULL;
}

/* The entry whose resource shows best whether the bundle was carried out. */
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
	/* a patch must not be done twice, and only a guard sees to that */
	for (int i = 0; i < entries->count; i++)
		if (strcmp(entries->entries[i].method, "PATCH") == 0)
			return NULL;
	return found;
}

/* The parsed bundle of a row. */
static const HlFhirEntries *
entries_of(const HlQueued *queued)
{
	return hl_entries_read(body_of(queued), "transaction");
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
witness_of_bundle(const HlQueued *queued)
{
	const HlFhirEntry *entry = telling_entry(entries_of(queued));

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
hl_fhir_witness(const HlQueued *queued)
{
	const char *method =
		hl_json_string(hl_json_member(request_of(queued), "method"));
	const char *match = match_of(queued);
	bool patches = strcmp(method, "PATCH") == 0;

	if (is_bundle(queued))
		return witness_of_bundle(queued);
	/* what has no id is known by its key; of a patch only a version tells */
	if (queued->resource_id == NULL || (patches && match == NULL))
		return (HlFhirWitness){0};
	return (HlFhirWitness){
		.method = method,
		.type = queued->resource_type,
		.id = queued->resource_id,
		.match = match,
		.resource = patches || queued->body == NULL ? NULL : body_of(queued)};
}

bool
hl_fhir_is_recoverable(const HlQueued *queued)
{
	return queued->client_token != NULL ||
		   hl_fhir_witness(queued).method != NULL;
}

bool
hl_fhir_is_repeatable(const HlQueued *queued)
{
	const HlFhirEntries *entries;

	if (queued->client_token != NULL)
		return true;
	if (!is_bundle(queued))
		return match_of(queued) != NULL;
	entries = entries_of(queued);
	for (int i = 0; i < entries->count; i++)
		if (!is_guarded(&entries->entries[i]))
			return false;
	return true;
}

/* ------------------------------------------------------------- what is told */

static bool
deletes(const HlQueued *queued)
{
	return queued->operation == &hl_fhir_operations[HL_FHIR_DELETE_RESOURCE];
}

bool
hl_fhir_is_done(const HlQueued *queued, const HlReply *reply)
{
	/* AWS's own 404 is of the data store */
	if (!reply->diagnosed)
		return false;
	if (deletes(queued))
		return reply->http_status == 404 || reply->http_status == 410;
	return queued->client_token != NULL && reply->http_status == 409 &&
		   reply->code != NULL && strcmp(reply->code, "duplicate") == 0;
}

/* Whether a success says that the whole request was carried out. */
static bool
is_answer(const HlQueued *queued, const HlJson *document)
{
	if (deletes(queued))
		return true;
	if (is_bundle(queued))
		return hl_answers_read(entries_of(queued), document) != NULL;
	if (queued->resource_id != NULL)
		return hl_fhir_is_it(document, queued->resource_type,
							 queued->resource_id, NULL);
	return hl_fhir_is_a(document, queued->resource_type) &&
		   hl_fhir_is_id(hl_fhir_id(document));
}

void
hl_fhir_check(const HlQueued *queued, HlReply *reply)
{
	if (reply->outcome != HL_OUTCOME_SUCCESS ||
		is_answer(queued, reply->document))
		return;
	reply->outcome = HL_OUTCOME_MALFORMED;
	reply->may_have_run = true;
	reply->document = NULL; /* nobody is told what it says */
	reply->network = pstrdup("the reply is not the requested one");
}

/* Appends a string member, unless it is NULL. */
static void
append_member(HlBytes *bytes, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (bytes->data[bytes->len - 1] != '{')
		hl_bytes_append_char(bytes, ',');
	hl_bytes_format(bytes, "\"%s\":", name);
	hl_json_append_string(bytes, value, strlen(value));
}

/* A member that is a time; NULL if it is any other text. */
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

/* The place of the version that an answer is of; NULL: it does not say. */
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
told_of_entries(const HlQueued *queued, const HlJson *bundle)
{
	const HlFhirAnswer *answers = hl_answers_read(entries_of(queued), bundle);
	HlJsonEach each = hl_json_each(hl_json_member(bundle, "entry"));
	HlBytes bytes = {0};
	const HlJson *entry;
	const char *comma = "";

	hl_bytes_append_string(&bytes, "{\"entry\":[");
	for (; (entry = hl_json_step(&each)) != NULL; answers++)
	{
		hl_bytes_format(&bytes, "%s{", comma);
		append_member(&bytes, "status", psprintf("%d", answers->status));
		append_member(&bytes, "location", place_of(answers));
		append_member(
			&bytes, "lastModified",
			time_member(hl_json_member(entry, "response"), "lastModified"));
		hl_bytes_append_char(&bytes, '}');
		comma = ",";
	}
	hl_bytes_append_string(&bytes, "]}");
	return hl_text_take(&bytes);
}

/* The version of a resource; NULL if it has none, or any other text. */
static const char *
version_told(const HlJson *resource)
{
	const char *version = hl_fhir_version(resource);

	return version != NULL && hl_fhir_is_id(version) ? version : NULL;
}

/* The identity and version of the row's resource. */
static char *
told_of_resource(const HlQueued *queued, const HlJson *resource)
{
	HlBytes bytes = {0};

	hl_bytes_append_char(&bytes, '{');
	append_member(&bytes, "resourceType", queued->resource_type);
	append_member(&bytes, "id", hl_fhir_id(resource));
	append_member(&bytes, "versionId", version_told(resource));
	append_member(&bytes, "lastUpdated",
				  time_member(hl_json_member(resource, "meta"), "lastUpdated"));
	hl_bytes_append_char(&bytes, '}');
	return hl_text_take(&bytes);
}

void
hl_fhir_note(HlQueued *queued, const HlReply *reply)
{
	HlEnding *ending = &queued->ending;
	const HlJson *document = reply->document;
	bool succeeded = reply->outcome == HL_OUTCOME_SUCCESS;
	HlFhirLocation named;

	if (is_bundle(queued))
		ending->response = told_of_entries(queued, document);
	else if (!succeeded && deletes(queued))
		ending->note = "there was none";
	else if (!succeeded)
	{
		ending->note = "an earlier sending has created it";
		if (hl_fhir_location(queued->call, queued->datastore_id,
							 reply->headers[0], &named) &&
			strcmp(named.type, queued->resource_type) == 0)
			ending->resource_id = named.id;
	}
	else if (!deletes(queued))
	{
		ending->response = told_of_resource(queued, document);
		ending->resource_id = hl_text_from_utf8(hl_fhir_id(document));
		ending->version_id = hl_text_from_utf8(version_told(document));
	}
}

/* ------------------------------------------------------------------- rights */

/* The functions of which EXECUTE permits a method. */
static const char *const *
functions_of(const char *method, bool creates)
{
	static const char *const create[] = {
		"healthlake_fhir_create", "healthlake_fhir_enqueue_create",
		"healthlake_fhir_update", "healthlake_fhir_enqueue_update", NULL};
	static const char *const patch[] = {"healthlake_fhir_patch",
										"healthlake_fhir_enqueue_patch", NULL};
	static const char *const delete[] = {
		"healthlake_fhir_delete", "healthlake_fhir_enqueue_delete", NULL};

	if (strcmp(method, "DELETE") == 0)
		return delete;
	if (strcmp(method, "PATCH") == 0)
		return patch;
	return creates ? create : create + 2;
}

/* Whether a role may use a method. */
static bool
may_do(const HlStore *store, const char *method, bool creates, Oid role)
{
	const char *const *functions = functions_of(method, creates);

	for (; *functions != NULL; functions++)
		if (hl_door_lets(store->extension, store->schema, *functions, role))
			return true;
	return false;
}

/* Whether a role may perform all entries, given as method and URL. */
static bool
may_do_entries(const HlStore *store, const HlJson *entries, Oid role)
{
	HlJsonEach each = hl_json_each(entries);
	const HlJson *entry;

	while ((entry = hl_json_step(&each)) != NULL)
	{
		const char *said = hl_json_string(entry);
		char *method = pnstrdup(said, strcspn(said, " "));

		if (!may_do(store, method, false, role))
			return false;
	}
	return true;
}

bool
hl_fhir_permits(const HlStore *store, const char *request, Oid role)
{
	const HlJson *said =
		hl_response_read(hl_text_to_utf8(request, (int) strlen(request)));
	const char *method = hl_json_string(hl_json_member(said, "method"));
	const HlJson *entries = hl_json_member(said, "entries");

	if (entries != NULL)
		return may_do_entries(store, entries, role);
	return may_do(store, method,
				  strcmp(method, "POST") == 0 ||
					  header_of(said, "If-None-Match") != NULL,
				  role);
}
