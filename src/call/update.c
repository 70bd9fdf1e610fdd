/*
 * update.c
 *	  Updates that change only what was specified.
 */
#include "postgres.h"

#include "base/json.h"
#include "call/call.h"
#include "call/datastore.h"
#include "call/update.h"
#include "model/response.h"
#include "server/owned.h"
#include "server/settings.h"
#include "server/text.h"

/* A request whose structures are being completed. */
typedef struct Completion
{
	const HlOperation *operation;
	const HlJson *properties; /* of the data store */
	HlBytes bytes;
} Completion;

static void
completion_free(void *argument)
{
	hl_bytes_free(&((Completion *) argument)->bytes);
}

/* Whether a value is given; a JSON null is not. */
static bool
is_given(const HlJson *value)
{
	return value != NULL && hl_json_kind(value) != HL_JSON_NULL;
}

/* How an operation replaces a member as a whole; NULL if it does not. */
static const HlReplaced *
replacement_of(const HlOperation *operation, const char *member)
{
	const HlReplaced *row = operation->replaces;

	while (row != NULL && row->member != NULL && strcmp(row->member, member))
		row++;
	return row == NULL || row->member == NULL ? NULL : row;
}

/* The shape of a member of the request. */
static const HlShape *
shape_of(const HlOperation *operation, const char *member)
{
	return hl_shape_member(operation->input, member, strlen(member))->shape;
}

/* Whether a structure lacks a member of its shape. */
static bool
is_partial(const HlShape *shape, const HlJson *given)
{
	for (int i = 0; i < shape->nmembers; i++)
		if (!is_given(hl_json_member(given, shape->members[i].name)))
			return true;
	return false;
}

/* Whether a member would be lost if the request were sent as it is. */
static bool
needs_completion(const HlOperation *operation, const HlJson *request)
{
	HlJsonEach each = hl_json_each(request);
	const HlJson *value;

	while ((value = hl_json_step(&each)) != NULL)
		if (is_given(value) && replacement_of(operation, each.name) != NULL &&
			is_partial(shape_of(operation, each.name), value))
			return true;
	return false;
}

/* The current value at a path of members; NULL if there is none. */
static const HlJson *
present_at(const HlJson *properties, const char *path)
{
	while (properties != NULL && *path != '\0')
	{
		size_t len = strcspn(path, ".");

		properties = hl_json_member(properties, pnstrdup(path, len));
		path += len + (path[len] == '.' ? 1 : 0);
	}
	return properties;
}

/* Appends a member's name and a colon, after a comma if one is needed. */
static void
append_name(HlBytes *bytes, const HlJsonEach *each)
{
	if (hl_bytes_last(bytes) != '{')
		hl_bytes_append_char(bytes, ',');
	hl_json_append_string(bytes, each->name, each->name_len);
	hl_bytes_append_char(bytes, ':');
}

/* Refuses an update that would remove a member that was not given. */
static void
refuse_loss(const HlReplaced *row, const char *name)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("the update would remove %s.%s of the data store", row->member,
				hl_text_from_utf8(name)),
		 errdetail("AWS replaces %s as a whole, and this version does not "
				   "know that member.",
				   row->member),
		 errhint(
			 "With healthlake.unknown_members = send, the update keeps it.")));
}

/* Appends the current members of a structure that were not given. */
static void
append_present(HlBytes *bytes, const HlReplaced *row, const HlShape *shape,
			   const HlJson *given, const HlJson *present)
{
	HlJsonEach each = hl_json_each(present);
	const HlJson *value;

	while ((value = hl_json_step(&each)) != NULL)
	{
		if (!is_given(value) || is_given(hl_json_member(given, each.name)))
			continue;
		if (hl_shape_member(shape, each.name, each.name_len) == NULL &&
			hl_settings.unknown_members != HL_UNKNOWN_SEND)
			refuse_loss(row, each.name);
		append_name(bytes, &each);
		hl_json_append_node(bytes, value);
	}
}

static void
append_completed(Completion *completion, const HlReplaced *row,
				 const HlJson *given)
{
	HlBytes *bytes = &completion->bytes;
	HlJsonEach each = hl_json_each(given);
	const HlJson *value;

	hl_bytes_append_char(bytes, '{');
	while ((value = hl_json_step(&each)) != NULL)
		if (is_given(value))
		{
			append_name(bytes, &each);
			hl_json_append_node(bytes, value);
		}
	append_present(bytes, row, shape_of(completion->operation, row->member),
				   given, present_at(completion->properties, row->path));
	hl_bytes_append_char(bytes, '}');
}

/* Returns the request with completed structures. */
static const char *
complete(const HlOperation *operation, const HlJson *request,
		 const HlJson *properties)
{
	Completion *completion =
		hl_owned_create(sizeof(Completion), completion_free);
	HlJsonEach each = hl_json_each(request);
	const HlJson *value;

	completion->operation = operation;
	completion->properties = properties;
	hl_bytes_append_char(&completion->bytes, '{');
	while ((value = hl_json_step(&each)) != NULL)
	{
		const HlReplaced *row = replacement_of(operation, each.name);

		append_name(&completion->bytes, &each);
		if (row != NULL && is_given(value))
			append_completed(completion, row, value);
		else
			hl_json_append_node(&completion->bytes, value);
	}
	hl_bytes_append_char(&completion->bytes, '}');
	if (completion->bytes.failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return hl_bytes_string(&completion->bytes);
}

HlRequest *
hl_update_make(const HlArguments *arguments, const HlOperation *operation)
{
	const char *more = hl_arguments_json(arguments, "more", operation);
	const char *text = hl_request_gather(
		operation, hl_arguments_request(arguments, operation), more);
	const HlJson *request = hl_response_read(text);
	const HlJson *id = hl_json_member(request, "DatastoreId");

	if (is_given(id) && needs_completion(operation, request))
	{
		hl_call_refuse_change(operation);
		text = complete(operation, request,
						hl_datastore_properties(arguments, hl_json_string(id)));
	}
	return hl_request_make(operation, text, NULL, true);
}
