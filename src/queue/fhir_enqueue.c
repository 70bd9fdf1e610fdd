/*
 * fhir_enqueue.c
 *	  From SQL's arguments to a FHIR request in the queue.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "fhir/body.h"
#include "fhir/entries.h"
#include "fhir/request.h"
#include "fhir/resource.h"
#include "fhir/rights.h"
#include "fhir/types.h"
#include "model/arguments.h"
#include "model/fhir_operations.h"
#include "model/request.h"
#include "model/response.h"
#include "queue/enqueue.h"
#include "queue/fhir_enqueue.h"
#include "server/arrays.h"
#include "server/jsonb_text.h"
#include "server/settings.h"
#include "server/text.h"

/* The maximum length of the argument "headers" as JSON, in bytes. */
#define MOST_HEADERS 65536

/* What is to be written, before it is a row. Texts of the database. */
typedef struct Write
{
	const HlArguments *arguments;
	const char *method;
	const char *type; /* NULL: a bundle */
	const char *id;   /* NULL: HealthLake assigns it */
	Jsonb *body;      /* NULL: none */
	const char *if_match;
	bool only_new;
	const char *validation;
	const char *consistency;
	const char *key;              /* by which HealthLake knows a create again */
	const HlFhirEntries *entries; /* of a bundle */
} Write;

/* Raises 22023 about an argument. */
static void refuse_argument(const char *name, const char *what)
	__attribute__((noreturn));

static void
refuse_argument(const char *name, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("argument \"%s\" %s", name, what)));
}

static Datum
need_argument(const HlArguments *arguments, const char *name)
{
	Datum value;

	if (!hl_arguments_value(arguments, name, &value))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", name)));
	return value;
}

/* A jsonb argument; NULL if it is null. */
static Jsonb *
jsonb_argument(const HlArguments *arguments, const char *name)
{
	Datum value;

	return hl_arguments_value(arguments, name, &value) ? DatumGetJsonbP(value)
													   : NULL;
}

/* -------------------------------------------------------------- the request */

/* Appends the headers of the condition, and the caller's. */
static void
append_headers(HlBytes *bytes, const Write *write)
{
	hl_bytes_append_string(bytes, ",\"headers\":{");
	hl_json_append_member(bytes, "If-Match", write->if_match);
	hl_json_append_member(bytes, "If-None-Match", write->only_new ? "*" : NULL);
	hl_json_append_member(bytes, "x-amzn-healthlake-fhir-validation-level",
						  write->validation);
	hl_json_append_member(bytes, "x-amz-fhir-history-consistency-level",
						  write->consistency);
	hl_bytes_append_char(bytes, '}');
}

/* Appends method and URL of each entry of a bundle, for the history. */
static void
append_entries(HlBytes *bytes, const HlFhirEntries *entries)
{
	hl_bytes_append_string(bytes, ",\"entries\":[");
	for (int i = 0; i < entries->count; i++)
	{
		const HlFhirEntry *entry = &entries->entries[i];
		char *said = psprintf("%s %s", entry->method, entry->url);

		if (i > 0)
			hl_bytes_append_char(bytes, ',');
		hl_json_append_string(bytes, said, strlen(said));
	}
	hl_bytes_append_char(bytes, ']');
}

/* The path below the base of the data store. */
static const char *
path_of(const Write *write)
{
	if (write->type == NULL)
		return "";
	return write->id == NULL || write->key != NULL
			   ? write->type
			   : psprintf("%s/%s", write->type, write->id);
}

/* The request for its row, without any part of the body. */
static char *
request_of(const Write *write)
{
	const char *path = path_of(write);
	HlBytes bytes = {0};

	hl_bytes_format(&bytes, "{\"method\":\"%s\",\"path\":", write->method);
	hl_json_append_string(&bytes, path, strlen(path));
	append_headers(&bytes, write);
	if (write->entries != NULL)
		append_entries(&bytes, write->entries);
	hl_bytes_append_char(&bytes, '}');
	return hl_text_take(&bytes);
}

/* The operation by its IAM name. */
static const HlOperation *
operation_of(const Write *write)
{
	HlFhirName name = HL_FHIR_PROCESS_BUNDLE;

	if (write->type != NULL)
		name = strcmp(write->method, "POST") == 0    ? HL_FHIR_CREATE_RESOURCE
			   : strcmp(write->method, "PUT") == 0   ? HL_FHIR_UPDATE_RESOURCE
			   : strcmp(write->method, "PATCH") == 0 ? HL_FHIR_PATCH_RESOURCE
													 : HL_FHIR_DELETE_RESOURCE;
	return &hl_fhir_operations[name];
}

static ArrayType *
resources_of(const HlFhirEntries *entries)
{
	Datum *names = palloc(sizeof(Datum) * Max(entries->count, 1));

	for (int i = 0; i < entries->count; i++)
		names[i] = CStringGetTextDatum(psprintf(
			"%s/%s", entries->entries[i].type, entries->entries[i].id));
	return hl_arrays_text(names, entries->count);
}

/* Refuses the request if the role lacks EXECUTE for a part of it. */
static void
refuse_unpermitted(const char *request)
{
	if (!hl_fhir_permits(hl_store_need(), hl_text_from_utf8(request),
						 GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for this FHIR request"),
				 errhint("EXECUTE on healthlake_fhir_enqueue_create, _update, "
						 "_patch or _delete is also required for each "
						 "operation in it; healthlake_grant() grants it by the "
						 "words fhir_write and fhir_delete.")));
}

static Datum
enqueue_write(const Write *write)
{
	const HlOperation *operation = operation_of(write);
	HlEnqueued enqueued = {.arguments = write->arguments,
						   .operation = operation->name,
						   .kind = hl_operation_kind(operation),
						   .request = request_of(write),
						   .client_token = write->key,
						   .resource_type = write->type,
						   .resource_id = write->key == NULL ? write->id : NULL,
						   .body = write->body};

	enqueued.datastore_id =
		hl_fhir_datastore(hl_arguments_text(write->arguments, "datastore_id"));
	refuse_unpermitted(enqueued.request);
	if (write->body != NULL)
		hl_body_check(operation,
					  hl_body_json(operation, write->body, HL_BODY_MAX_BYTES),
					  write->entries != NULL);
	if (write->entries != NULL)
		enqueued.resources = resources_of(write->entries);
	PG_RETURN_INT64(hl_enqueue_insert(&enqueued));
}

/* ---------------------------------------------------------------- resources */

/* The resource with this id. */
static Jsonb *
with_id(Jsonb *resource, const char *id)
{
	Datum name = CStringGetTextDatum("id");
	ArrayType *path = hl_arrays_text(&name, 1);
	JsonbValue value = {.type = jbvString};

	value.val.string.val = (char *) id;
	value.val.string.len = strlen(id);
	return DatumGetJsonbP(DirectFunctionCall4(
		jsonb_set, JsonbPGetDatum(resource), PointerGetDatum(path),
		JsonbPGetDatum(JsonbValueToJsonb(&value)), BoolGetDatum(true)));
}

static HlFhirResource *
resource_of(const Write *write, const char *argument)
{
	HlFhirResource *resource = hl_fhir_resource(write->arguments, argument);

	if (write->type != NULL && strcmp(write->type, resource->type) != 0)
		refuse_argument(argument, "must be of the type that \"path\" names");
	return resource;
}

/* Makes a create: a PUT with the resource's id, or a new one. */
static void
make_create(Write *write, const char *argument)
{
	HlFhirResource *resource = resource_of(write, argument);

	write->type = resource->type;
	write->body = resource->json;
	if (hl_fhir_is_written_once(resource->type))
	{
		write->method = "POST";
		write->key = hl_request_token();
		return;
	}
	write->method = "PUT";
	write->only_new = true;
	write->id = resource->id != NULL ? resource->id : hl_request_token();
	if (resource->id == NULL)
		write->body = with_id(resource->json, write->id);
}

static void
make_update(Write *write, const char *argument)
{
	HlFhirResource *resource = resource_of(write, argument);

	if (resource->id == NULL)
		refuse_argument(argument, "must be a resource with an id");
	if (write->id != NULL && strcmp(write->id, resource->id) != 0)
		refuse_argument(argument, "must have the id that \"path\" names");
	if (hl_fhir_is_written_once(resource->type))
		refuse_argument(argument, "is of a type that is created once");
	if (write->only_new && write->if_match != NULL)
		refuse_argument("only_new", "and \"if_match\" are mutually exclusive");
	write->method = "PUT";
	write->type = resource->type;
	write->id = resource->id;
	write->body = resource->json;
}

static void
make_patch(Write *write, Jsonb *patch, const char *argument)
{
	const char *type = hl_fhir_member(&patch->root, "resourceType");

	write->body = patch;
	if (!(JB_ROOT_IS_ARRAY(patch) && !JB_ROOT_IS_SCALAR(patch)) &&
		(type == NULL || strcmp(type, "Parameters") != 0))
		refuse_argument(argument,
						"must be a JSON Patch or a Parameters resource");
}

/* Makes a bundle, whose POSTs become PUTs with new ids. */
static void
make_bundle(Write *write, Jsonb *bundle)
{
	HlFhirEntries *entries = hl_entries_read(bundle, "transaction");

	for (int i = 0; i < entries->count; i++)
		if (strcmp(entries->entries[i].method, "GET") == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("Bundle.entry[%d] cannot be enqueued: it "
								   "only reads",
								   i)));
	hl_entries_settle(entries);
	write->method = "POST";
	write->entries = entries;
	write->body = DatumGetJsonbP(hl_response_jsonb(hl_entries_write(entries)));
}

/* ---------------------------------------------------------------- arguments */

/* A version for If-Match, given as 2 or W/"2". */
static const char *
entity_tag(const char *argument, const char *version)
{
	size_t len = strlen(version);
	char *number;

	if (len > 4 && strncmp(version, "W/\"", 3) == 0 && version[len - 1] == '"')
		number = pnstrdup(version + 3, len - 4);
	else
		number = pstrdup(version);
	if (!hl_fhir_is_id(number))
		refuse_argument(argument, "must be a version like 2 or W/\"2\"");
	return psprintf("W/\"%s\"", number);
}

/* The argument "if_match"; NULL if it is null. */
static const char *
tag_argument(const HlArguments *arguments)
{
	const char *version = hl_arguments_text(arguments, "if_match");

	return version == NULL ? NULL : entity_tag("if_match", version);
}

/* The validation level; NULL for the default of the data store. */
static const char *
checked_validation(const char *argument, const char *level)
{
	static const char *const levels[] = {"strict", "structure-only", "minimal",
										 NULL};

	if (level != NULL && !hl_text_is_listed(levels, level))
		refuse_argument(argument, "must be strict, structure-only or minimal");
	return level;
}

static void
take_header(Write *write, const char *name, const char *value)
{
	static const char *const consistencies[] = {"strong", "eventual", NULL};

	if (pg_strcasecmp(name, "If-Match") == 0)
		write->if_match = entity_tag("headers", value);
	else if (pg_strcasecmp(name, "If-None-Match") == 0 &&
			 strcmp(value, "*") == 0)
		write->only_new = true;
	else if (pg_strcasecmp(name, "x-amzn-healthlake-fhir-validation-level") ==
			 0)
		write->validation = checked_validation("headers", value);
	else if (pg_strcasecmp(name, "x-amz-fhir-history-consistency-level") == 0 &&
			 hl_text_is_listed(consistencies, value))
		write->consistency = value;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" has a header that cannot be enqueued",
						"headers"),
				 errdetail("Allowed are If-Match with a version, If-None-Match "
						   "with *, x-amzn-healthlake-fhir-validation-level "
						   "and x-amz-fhir-history-consistency-level.")));
}

/* Refuses a header that is given twice, since one of them would be ignored. */
static void
refuse_twice(const HlJson *headers, const char *name)
{
	HlJsonEach each = hl_json_each(headers);
	int count = 0;

	while (hl_json_step(&each) != NULL)
		count += pg_strcasecmp(each.name, name) == 0;
	if (count > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" has a header twice", "headers"),
						errdetail("Names of headers are compared without "
								  "case.")));
}

static void
take_headers(Write *write)
{
	Jsonb *headers = jsonb_argument(write->arguments, "headers");
	const HlJson *read;
	const HlJson *value;
	HlJsonEach each;
	char *text;

	if (headers == NULL)
		return;
	text = hl_jsonb_text(headers, MOST_HEADERS);
	if (text == NULL)
		refuse_argument("headers", "is too large");
	read = hl_response_read(text);
	if (hl_json_kind(read) != HL_JSON_OBJECT)
		refuse_argument("headers", "must be a JSON object of strings");
	each = hl_json_each(read);
	while ((value = hl_json_step(&each)) != NULL)
	{
		take_header(write, each.name, hl_json_string(value));
		refuse_twice(read, each.name);
	}
}

/* -------------------------------------------------- what functions are given */

static void
take_create(Write *write)
{
	make_create(write, "resource");
	write->validation = checked_validation(
		"validation", hl_arguments_text(write->arguments, "validation"));
}

static void
take_update(Write *write)
{
	Datum only_new;

	write->if_match = tag_argument(write->arguments);
	write->only_new =
		hl_arguments_value(write->arguments, "only_new", &only_new) &&
		DatumGetBool(only_new);
	make_update(write, "resource");
	write->validation = checked_validation(
		"validation", hl_arguments_text(write->arguments, "validation"));
}

/* Refuses a type or an id that must not become part of a path. */
static void
check_place(const Write *write)
{
	hl_fhir_check_type(write->type);
	if (write->id != NULL)
		hl_fhir_check_id(write->id);
	if (strcmp(write->method, "POST") != 0 &&
		hl_fhir_is_written_once(write->type))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("type \"%s\" can only be created and read",
							   write->type)));
}

static void
take_place(Write *write)
{
	write->type = hl_fhir_needed(write->arguments, "type");
	write->id = hl_fhir_needed(write->arguments, "id");
	check_place(write);
	write->if_match = tag_argument(write->arguments);
}

static void
take_patch(Write *write)
{
	write->method = "PATCH";
	take_place(write);
	(void) need_argument(write->arguments, "patch");
	make_patch(write, jsonb_argument(write->arguments, "patch"), "patch");
}

static void
take_deletion(Write *write)
{
	write->method = "DELETE";
	take_place(write);
}

static void
take_bundle(Write *write)
{
	(void) need_argument(write->arguments, "entries");
	make_bundle(write, jsonb_argument(write->arguments, "entries"));
}

/* Splits a path: nothing, a type, or type/id. */
static void
take_path(Write *write)
{
	char *path = pstrdup(hl_fhir_needed(write->arguments, "path"));
	char *slash = strchr(path, '/');

	if (strpbrk(path, "?#") != NULL)
		refuse_argument("path", "must have no query: its values would be "
								"stored in the queue and in the history");
	if (path[0] == '\0')
		return;
	if (slash != NULL)
	{
		*slash = '\0';
		write->id = slash + 1;
	}
	write->type = path;
}

/* Refuses a method that is not allowed for its path. */
static void
refuse_place(const Write *write)
{
	bool posts = strcmp(write->method, "POST") == 0;

	if (!posts && strcmp(write->method, "PUT") != 0 &&
		strcmp(write->method, "PATCH") != 0 &&
		strcmp(write->method, "DELETE") != 0)
		refuse_argument("method", "must be POST, PUT, PATCH or DELETE");
	if (posts && write->id != NULL)
		refuse_argument("path", "must be a type, or empty for a bundle");
	if (!posts && write->id == NULL)
		refuse_argument("path", "must be a type and an id: Patient/1");
}

/* Refuses a condition that is not allowed for the method. */
static void
refuse_condition(const Write *write)
{
	bool puts = strcmp(write->method, "PUT") == 0;
	bool posts = strcmp(write->method, "POST") == 0;

	if ((write->if_match != NULL && posts) ||
		(write->only_new && !puts && !posts) ||
		(write->only_new && write->type == NULL))
		refuse_argument("headers",
						"has a condition that is not allowed for \"method\"");
}

static void
take_body(Write *write)
{
	(void) need_argument(write->arguments, "body");
	if (write->type == NULL)
		make_bundle(write, jsonb_argument(write->arguments, "body"));
	else if (strcmp(write->method, "POST") == 0)
		make_create(write, "body");
	else if (strcmp(write->method, "PUT") == 0)
		make_update(write, "body");
	else
		make_patch(write, jsonb_argument(write->arguments, "body"), "body");
}

static void
take_any(Write *write)
{
	write->method = hl_fhir_needed(write->arguments, "method");
	take_path(write);
	refuse_place(write);
	if (write->type != NULL)
		check_place(write);
	take_headers(write);
	refuse_condition(write);
	if (strcmp(write->method, "DELETE") != 0)
		take_body(write);
	else if (jsonb_argument(write->arguments, "body") != NULL)
		refuse_argument("body", "must be null for DELETE");
}

/* ---------------------------------------------------------------- functions */

/*
 * Whether the user of the session can act as the current role. A member of a
 * role can create functions that belong to it, even if it has to use SET ROLE
 * for that. Superusers, who can do everything, are not taken for members.
 */
static bool
can_become_current(void)
{
	return is_member_of_role_nosuper(GetOuterUserId(), GetUserId()) ||
		   is_member_of_role_nosuper(GetSessionUserId(), GetUserId());
}

/*
 * Refuses a request that would get the server's rights in place of the user's:
 * the queue has no token. A function of another role's may enqueue all the same
 * where a token is required, for it decides what is enqueued.
 */
static void
refuse_token(void)
{
	if (hl_settings.bearer_token != NULL && hl_settings.bearer_token[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a FHIR request cannot be enqueued while "
						"healthlake.bearer_token is set"),
				 errdetail("It would be sent with the privileges of the "
						   "server, not with those of the token."),
				 errhint("A trigger function of a trusted role can have SET "
						 "healthlake.bearer_token TO ''.")));
	if (hl_settings.require_bearer_token && can_become_current())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a bearer token is required"),
				 errdetail("healthlake.require_bearer_token is on, and the "
						   "queue sends no token."),
				 errhint("A SECURITY DEFINER function of a trusted role can "
						 "enqueue.")));
}

static Datum
enqueue_given(FunctionCallInfo fcinfo, const char *function,
			  void (*take)(Write *))
{
	Write write = {0};

	hl_enqueue_refuse_change(function);
	refuse_token();
	write.arguments = hl_arguments_read(fcinfo);
	take(&write);
	return enqueue_write(&write);
}

Datum
hl_fhir_enqueue(FunctionCallInfo fcinfo)
{
	return enqueue_given(fcinfo, "healthlake_fhir_enqueue", take_any);
}

Datum
hl_fhir_enqueue_create(FunctionCallInfo fcinfo)
{
	return enqueue_given(fcinfo, "healthlake_fhir_enqueue_create", take_create);
}

Datum
hl_fhir_enqueue_update(FunctionCallInfo fcinfo)
{
	return enqueue_given(fcinfo, "healthlake_fhir_enqueue_update", take_update);
}

Datum
hl_fhir_enqueue_patch(FunctionCallInfo fcinfo)
{
	return enqueue_given(fcinfo, "healthlake_fhir_enqueue_patch", take_patch);
}

Datum
hl_fhir_enqueue_delete(FunctionCallInfo fcinfo)
{
	return enqueue_given(fcinfo, "healthlake_fhir_enqueue_delete",
						 take_deletion);
}

Datum
hl_fhir_enqueue_bundle(FunctionCallInfo fcinfo)
{
	return enqueue_given(fcinfo, "healthlake_fhir_enqueue_bundle", take_bundle);
}
