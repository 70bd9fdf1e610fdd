/*
 * request.c
 *	  From the JSON of a request to the bytes that are sent.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "aws/protocol.h"
#include "aws/validate.h"
#include "base/json.h"
#include "base/uuid.h"
#include "model/guard.h"
#include "model/request.h"
#include "model/response.h"
#include "server/jsonb_text.h"
#include "server/owned.h"
#include "server/random.h"
#include "server/settings.h"
#include "server/text.h"

/*
 * The state of making a request; its malloc'd parts are freed with the memory
 * context.
 */
typedef struct Making
{
	HlRequest request;
	bool typed;
	HlBytes text; /* the arguments merged with "more" */
	HlJsonDocument document;
	HlJsonDocument more;
	HlFaults faults;
} Making;

static void
making_free(void *argument)
{
	Making *making = argument;

	hl_bytes_free(&making->request.body);
	hl_bytes_free(&making->text);
	hl_json_free(&making->document);
	hl_json_free(&making->more);
	hl_faults_free(&making->faults);
}

/* Starts a request whose parts are freed even after an error. */
static Making *
making_start(const HlOperation *operation, bool typed)
{
	Making *making = hl_owned_create(sizeof(Making), making_free);

	making->request.operation = operation;
	making->typed = typed;
	return making;
}

/* Reads JSON that must be an object. */
static void
read_object(HlJsonDocument *document, const char *json, const char *what)
{
	bool read;

	hl_json_free(document);
	read = hl_json_read(document, json, strlen(json));
	hl_text_refuse_memory(document->fault == HL_JSON_NO_MEMORY);
	if (!read)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be read: %s", what, document->reason),
				 errdetail("At byte %zu of its text.", document->offset)));
	if (hl_json_kind(document->root) != HL_JSON_OBJECT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a JSON object", what)));
}

/* Appends a member's name and a colon, after a comma if one is needed. */
static void
append_name(HlBytes *bytes, const char *name, size_t len)
{
	if (bytes->len > 0 && hl_bytes_last(bytes) != '{')
		hl_bytes_append_char(bytes, ',');
	hl_json_append_string(bytes, name, len);
	hl_bytes_append_char(bytes, ':');
}

/*
 * Appends an object with the members of both; a member must not be in both,
 * except as null, which stands for a member that is absent.
 */
static void
append_merged(HlBytes *bytes, const HlJson *one, const HlJson *other,
			  const char *path)
{
	HlJsonEach each = hl_json_each(one);
	const HlJson *value;

	hl_bytes_append_char(bytes, '{');
	while ((value = hl_json_step(&each)) != NULL)
	{
		const HlJson *twin = hl_json_member(other, each.name);
		const char *here = psprintf("%s%s", path, each.name);

		append_name(bytes, each.name, each.name_len);
		if (hl_json_kind(twin) == HL_JSON_NULL)
			hl_json_append_node(bytes, value);
		else if (hl_json_kind(value) == HL_JSON_NULL)
			hl_json_append_node(bytes, twin);
		else if (hl_json_kind(value) == HL_JSON_OBJECT &&
				 hl_json_kind(twin) == HL_JSON_OBJECT)
			append_merged(bytes, value, twin, psprintf("%s.", here));
		else
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member %s is given twice", hl_text_from_utf8(here)),
				 errhint("Give it as an argument or in \"more\", not "
						 "both.")));
	}
	each = hl_json_each(other);
	while ((value = hl_json_step(&each)) != NULL)
		if (hl_json_member(one, each.name) == NULL)
		{
			append_name(bytes, each.name, each.name_len);
			hl_json_append_node(bytes, value);
		}
	hl_bytes_append_char(bytes, '}');
}

/* Adds the members of "more" to those of the arguments. */
static void
merge_more(Making *making, const char *more)
{
	read_object(&making->more, more, "argument \"more\"");
	append_merged(&making->text, making->document.root, making->more.root, "");
	hl_text_refuse_memory(making->text.failed);
	read_object(&making->document, making->text.data, "request");
}

char *
hl_request_token(void)
{
	unsigned char random[HL_UUID_BYTES];
	char *token = palloc(HL_UUID_SIZE);

	hl_random_need(random, sizeof(random));
	hl_uuid_write(random, token);
	return token;
}

/* Fills in the client token, if the operation has one. */
static void
settle_token(Making *making)
{
	const HlMember *member = hl_operation_token(making->request.operation);
	const HlJson *given;

	if (member == NULL)
		return;
	given = hl_json_member(making->document.root, member->name);
	making->request.client_token = hl_json_kind(given) == HL_JSON_NULL
									   ? hl_request_token()
									   : pstrdup(hl_json_string(given));
}

/* The full path of the member that a fault is about. */
static const char *
path_of(const HlFault *fault)
{
	if (fault->member == NULL)
		return fault->path;
	if (strcmp(fault->path, "input") == 0)
		return fault->member;
	return psprintf("%s.%s", fault->path, fault->member);
}

/* Finds the row of the member at a path; NULL if the tables have none. */
static const HlMember *
member_at(const HlShape *shape, const char *path)
{
	size_t len = strcspn(path, ".[");

	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];

		if (strlen(member->name) != len ||
			strncmp(member->name, path, len) != 0)
			continue;
		if (member->sql_name != NULL || path[len] != '.')
			return member;
		return member_at(member->shape, path + len + 1);
	}
	return NULL;
}

/* Appends the arguments for a member, or for the members that it requires. */
static void
append_arguments(StringInfo names, const HlMember *member)
{
	const HlShape *shape = member->shape;

	if (member->sql_name != NULL)
		appendStringInfo(names, "%s\"%s\"", names->len > 0 ? ", " : "",
						 member->sql_name);
	else if (shape->kind == HL_KIND_STRUCTURE || shape->kind == HL_KIND_UNION)
		for (int i = 0; i < shape->nmembers; i++)
			if (shape->members[i].required || shape->kind == HL_KIND_UNION)
				append_arguments(names, &shape->members[i]);
}

/* Appends one fault as a line: its path, SQL's arguments, the problem. */
static void
append_fault(StringInfo lines, const Making *making, const HlFault *fault)
{
	const char *path = path_of(fault);
	const HlMember *member = member_at(making->request.operation->input, path);
	StringInfoData names;

	initStringInfo(&names);
	if (making->typed && member != NULL)
		append_arguments(&names, member);
	if (lines->len > 0)
		appendStringInfoChar(lines, '\n');
	appendStringInfoString(lines, hl_text_from_utf8(path));
	if (names.len > 0)
		appendStringInfo(lines, " (argument%s %s)",
						 strchr(names.data, ',') ? "s" : "", names.data);
	appendStringInfo(lines, ": %s.", hl_text_from_utf8(fault->text));
}

/* The hint for a missing or misspelled member. */
static const char *
hint_of(const Making *making, const HlFault *fault)
{
	const HlMember *member =
		member_at(making->request.operation->input, path_of(fault));

	if (fault->kind == HL_FAULT_MISSING && member != NULL &&
		member->example != NULL)
		return psprintf("\"%s\": %s", member->name, member->example);
	if (fault->suggestion != NULL)
		return psprintf("Perhaps you meant \"%s\".",
						hl_text_from_utf8(fault->suggestion));
	return NULL;
}

/* Raises one error with all faults. */
static void
raise_faults(const Making *making, const HlFaults *faults)
{
	const HlFault *first = &faults->list[0];
	bool only_missing = true;
	const char *hint = NULL;
	StringInfoData lines;

	initStringInfo(&lines);
	for (size_t i = 0; i < faults->count; i++)
	{
		const HlFault *fault = &faults->list[i];

		only_missing = only_missing && (fault->kind == HL_FAULT_MISSING ||
										fault->kind == HL_FAULT_NULL);
		append_fault(&lines, making, fault);
		if (hint == NULL)
			hint = hint_of(making, fault);
	}
	if (faults->more > 0)
		appendStringInfo(&lines, "\nAnd %zu more.", faults->more);
	ereport(
		ERROR,
		(errcode(only_missing ? ERRCODE_NULL_VALUE_NOT_ALLOWED
							  : ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("invalid request for %s: %s%s", making->request.operation->name,
				hl_text_from_utf8(first->text),
				faults->count > 1 ? " (see the detail for more)" : ""),
		 errdetail("%s", lines.data), hint ? errhint("%s", hint) : 0));
}

/* Warns of the members that are sent although the model does not have them. */
static void
warn_of_unknown(const Making *making)
{
	for (size_t i = 0; i < making->faults.count; i++)
		ereport(
			WARNING,
			(errmsg("request for %s has an unknown member",
					making->request.operation->name),
			 errdetail("%s is sent as it is.",
					   hl_text_from_utf8(path_of(&making->faults.list[i])))));
}

/* Raises an error if a request body of that many bytes must not be sent. */
static void
refuse_too_large(const HlOperation *operation, size_t len)
{
	size_t most = (size_t) hl_settings.max_request_size * 1024;

	if (len > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("request for %s is too large", operation->name),
						errdetail("Its body would have %zu bytes; "
								  "healthlake.max_request_size allows %zu.",
								  len, most)));
}

char *
hl_request_text(const HlOperation *operation, Jsonb *json)
{
	size_t most = (size_t) hl_settings.max_request_size * 1024;
	char *text = hl_jsonb_text(json, Max(most, VARSIZE(json)));

	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("request for %s is too large", operation->name),
						errdetail("Its body would have more bytes than the "
								  "%zu that healthlake.max_request_size "
								  "allows.",
								  most)));
	return text;
}

/*
 * Refuses a text that is too large before its faults are reported, since their
 * messages repeat parts of it. The text may contain whitespace and escapes that
 * the body will not have.
 */
static void
refuse_long_text(const Making *making, size_t len)
{
	HlBytes body = {0};
	bool failed;

	if (len <= (size_t) hl_settings.max_request_size * 1024)
		return;
	hl_json_append_node(&body, making->document.root);
	len = body.len;
	failed = body.failed;
	hl_bytes_free(&body);
	hl_text_refuse_memory(failed);
	refuse_too_large(making->request.operation, len);
}

static void
refuse_faults(Making *making)
{
	bool send_unknown = hl_settings.unknown_members == HL_UNKNOWN_SEND;
	bool valid = hl_validate(&making->faults, making->document.root,
							 making->request.operation->input, send_unknown);

	hl_text_refuse_memory(making->faults.failed);
	if (!valid)
		raise_faults(making, &making->faults);
	if (send_unknown && !hl_validate(&making->faults, making->document.root,
									 making->request.operation->input, false))
		warn_of_unknown(making);
}

/* The faults that further members cannot correct. */
static HlFaults
faults_to_stay(const HlFaults *all)
{
	HlFaults faults = {.list = palloc(all->count * sizeof(HlFault)),
					   .more = all->more};

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].kind != HL_FAULT_MISSING)
			faults.list[faults.count++] = all->list[i];
	return faults;
}

char *
hl_request_gather(const HlOperation *operation, const char *json,
				  const char *more)
{
	Making *making = making_start(operation, true);
	HlFaults faults;

	read_object(&making->document, json, "request");
	if (more != NULL)
	{
		merge_more(making, more);
		json = making->text.data; /* complete, as merge_more() has checked */
	}
	refuse_long_text(making, strlen(json));
	(void) hl_validate(&making->faults, making->document.root, operation->input,
					   hl_settings.unknown_members == HL_UNKNOWN_SEND);
	hl_text_refuse_memory(making->faults.failed);
	faults = faults_to_stay(&making->faults);
	if (faults.count > 0)
		raise_faults(making, &faults);
	return unconstify(char *, json);
}

HlRequest *
hl_request_make(const HlOperation *operation, const char *json,
				const char *more, bool typed)
{
	Making *making = making_start(operation, typed);
	HlRequest *request = &making->request;
	const HlJson *name;

	read_object(&making->document, json, "request");
	if (more != NULL)
		merge_more(making, more);
	refuse_long_text(making, more == NULL ? strlen(json) : making->text.len);
	settle_token(making);
	refuse_faults(making);
	hl_guard_request(operation, making->document.root);
	hl_protocol_write_request(&request->body, operation->input,
							  making->document.root, request->client_token);
	hl_text_refuse_memory(request->body.failed);
	refuse_too_large(operation, request->body.len);
	name = hl_json_member(making->document.root, "DatastoreName");
	if (hl_json_kind(name) == HL_JSON_STRING)
		request->name = hl_json_string(name);
	request->session_role = GetUserNameFromId(GetSessionUserId(), false);
	request->current_role = GetUserNameFromId(GetUserId(), false);
	return request;
}

/* Whether a resource is of the type of a subject, such as Patient/1. */
static bool
is_of_subject(const HlJson *resource, const char *subject)
{
	const char *type = hl_json_string(hl_json_member(resource, "resourceType"));

	return subject != NULL && type[0] != '\0' &&
		   strcspn(subject, "/") == strlen(type) &&
		   strncmp(subject, type, strlen(type)) == 0;
}

const char *
hl_request_id(const HlRequest *request, const HlJson *reply)
{
	const HlRest *rest = request->rest;

	if (rest != NULL && rest->stored != NULL)
		return rest->stored;
	if (rest != NULL && !is_of_subject(reply, rest->subject))
		return NULL;
	return hl_response_id(request->operation->output, reply);
}

char *
hl_request_member(const char *name, const char *value)
{
	HlBytes bytes = {0};
	char *json;

	hl_bytes_format(&bytes, "{\"%s\":", name);
	hl_json_append_string(&bytes, value, strlen(value));
	hl_bytes_append_char(&bytes, '}');
	json = hl_text_take(&bytes);
	return json;
}
