/*
 * guard.c
 *	  Guard rails for every request.
 */
#include "postgres.h"

#include "utils/varlena.h"

#include "api/guard.h"
#include "client/settings.h"
#include "client/text.h"

/* Whether a request asks for encryption with a key of the customer's. */
static bool
has_customer_key(const HlJson *request)
{
	const HlJson *config = hl_json_member(
		hl_json_member(request, "SseConfiguration"), "KmsEncryptionConfig");
	const char *type = hl_json_string(hl_json_member(config, "CmkType"));

	return strcmp(type, "CUSTOMER_MANAGED_KMS_KEY") == 0 &&
		   hl_json_string(hl_json_member(config, "KmsKeyId"))[0] != '\0';
}

/* Whether a list of tags has one of that key whose value is not empty. */
static bool
has_tag(const HlJson *tags, const char *key)
{
	HlJsonEach each = hl_json_each(tags);
	const HlJson *tag;

	while ((tag = hl_json_step(&each)) != NULL)
		if (strcmp(hl_json_string(hl_json_member(tag, "Key")), key) == 0)
			return hl_json_string(hl_json_member(tag, "Value"))[0] != '\0';
	return false;
}

/* Whether a list of strings has that one. */
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

/* Whether what is made by an operation could be without the required tags. */
static bool
loses_tag(const HlOperation *operation, const HlJson *request, const char *key)
{
	if (hl_json_kind(hl_json_member(request, "TagKeys")) == HL_JSON_ARRAY)
		return has_string(hl_json_member(request, "TagKeys"), key);
	return operation->creates != NULL &&
		   !has_tag(hl_json_member(request, "Tags"), key);
}

/* Refuses a request that would leave something without a required tag. */
static void
refuse_missing_tags(const HlOperation *operation, const HlJson *request)
{
	char *list = pstrdup(hl_settings.required_tags);
	List *keys = NIL;
	ListCell *cell;

	if (!SplitGUCList(list, ',', &keys))
		elog(ERROR, "healthlake.required_tags is no list");
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

/* Refuses what the guard rails forbid. */
void
hl_guard_request(const HlOperation *operation, const HlJson *request)
{
	if (hl_settings.require_customer_key && operation->creates != NULL &&
		!has_customer_key(request))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("a customer managed key is required"),
						errdetail("healthlake.require_customer_key is on."),
						errhint("Give the argument \"kms_key_id\".")));
	if (hl_settings.required_tags != NULL &&
		hl_settings.required_tags[0] != '\0')
		refuse_missing_tags(operation, request);
}
