/*
 * guard.c
 *	  The operator's guard rails.
 */
#include "postgres.h"

#include "utils/varlena.h"

#include "model/guard.h"
#include "server/settings.h"
#include "server/text.h"

static bool
has_member(const HlShape *shape, const char *name)
{
	return hl_shape_member(shape, name, strlen(name)) != NULL;
}

/* Whether a member is a non-empty string. */
static bool
is_filled(const HlJson *object, const char *member)
{
	return hl_json_string(hl_json_member(object, member))[0] != '\0';
}

/* Whether the operation creates an object that is encrypted with a key. */
static bool
makes_encrypted(const HlOperation *operation)
{
	return has_member(operation->input, "SseConfiguration") ||
		   has_member(operation->input, "KmsKeyId");
}

/*
 * Whether a request specifies a customer managed key. A member that the
 * operation does not have does not count: AWS ignores it, and with
 * healthlake.unknown_members = send any role can add one.
 */
static bool
has_customer_key(const HlOperation *operation, const HlJson *request)
{
	const HlJson *config = hl_json_member(
		hl_json_member(request, "SseConfiguration"), "KmsEncryptionConfig");
	const char *type = hl_json_string(hl_json_member(config, "CmkType"));

	if (has_member(operation->input, "KmsKeyId"))
		return is_filled(request, "KmsKeyId");
	return strcmp(type, "CUSTOMER_MANAGED_KMS_KEY") == 0 &&
		   is_filled(config, "KmsKeyId");
}

/* The value of a tag in a list or a map of tags; NULL if it is missing. */
static const HlJson *
tag_value(const HlJson *tags, const char *key)
{
	HlJsonEach each = hl_json_each(tags);
	const HlJson *found = NULL;
	const HlJson *tag;

	if (hl_json_kind(tags) == HL_JSON_OBJECT)
		return hl_json_member(tags, key);
	while ((tag = hl_json_step(&each)) != NULL)
		if (strcmp(hl_json_string(hl_json_member(tag, "Key")), key) == 0)
			found = hl_json_member(tag, "Value"); /* the last one counts */
	return found;
}

static bool
has_string(const HlJson *list, const char *string)
{
	HlJsonEach each = hl_json_each(list);
	const HlJson *element;

	while ((element = hl_json_step(&each)) != NULL)
		if (strcmp(hl_json_string(element), string) == 0)
			return true;
	return false;
}

/*
 * Whether an object would lack a tag: it is created without it or with an
 * empty value, or the tag is removed or set to an empty value.
 */
static bool
loses_tag(const HlOperation *operation, const HlJson *request, const char *key)
{
	const HlJson *tags = hl_json_member(request, "Tags");
	const HlJson *value = tag_value(tags, key);
	bool tagged = value != NULL && hl_json_string(value)[0] != '\0';

	if (has_member(operation->input, "TagKeys") &&
		has_string(hl_json_member(request, "TagKeys"), key))
		return true;
	if (!has_member(operation->input, "Tags"))
		return false;
	return has_member(operation->input, "ResourceARN") ? value && !tagged
													   : !tagged;
}

static void
refuse_missing_tags(const HlOperation *operation, const HlJson *request)
{
	char *list = pstrdup(hl_settings.required_tags);
	List *keys = NIL;
	ListCell *cell;

	if (!SplitGUCList(list, ',', &keys))
		elog(ERROR, "healthlake.required_tags is not a list");
	foreach (cell, keys)
	{
		const char *key = lfirst(cell);

		if (loses_tag(operation, request,
					  hl_text_to_utf8(key, (int) strlen(key))))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("tag \"%s\" is required", key),
							errdetail("healthlake.required_tags is \"%s\".",
									  hl_settings.required_tags)));
	}
}

void
hl_guard_request(const HlOperation *operation, const HlJson *request)
{
	if (hl_settings.require_customer_key && makes_encrypted(operation) &&
		!has_customer_key(operation, request))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("a customer managed key is required"),
						errdetail("healthlake.require_customer_key is on."),
						errhint("Give the argument \"kms_key_id\".")));
	if (hl_settings.required_tags != NULL &&
		hl_settings.required_tags[0] != '\0')
		refuse_missing_tags(operation, request);
}
