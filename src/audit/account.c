/*
 * account.c
 *	  The origin of a request, and what AWS's reply names.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "audit/account.h"
#include "model/response.h"
#include "server/settings.h"
#include "server/text.h"

/*
 * The client's address as inet_client_addr() returns it; NULL if it has none.
 */
static char *
client_address(void)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum address;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	if (fcinfo->isnull)
		return NULL;
	return DatumGetCString(DirectFunctionCall1(inet_out, address));
}

/* The result is copied: user code may change settings during the calls. */
HlClient
hl_account_client(void)
{
	return (HlClient){.session_role =
						  GetUserNameFromId(GetSessionUserId(), false),
					  .outer_role = GetUserNameFromId(GetOuterUserId(), false),
					  .current_role = GetUserNameFromId(GetUserId(), false),
					  .address = client_address(),
					  .application = pstrdup(application_name)};
}

bool
hl_account_sees_all(const HlStore *store)
{
	Oid audit = get_relname_relid("healthlake_audit", store->schema);

	return OidIsValid(audit) &&
		   pg_class_aclcheck(audit, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

void
hl_account_add_client(HlParameters *row, const HlClient *who)
{
	hl_store_add_text(row, who->session_role);
	hl_store_add_text(row, who->outer_role);
	hl_store_add_text(row, who->current_role);
	hl_store_add_text(row, who->address);
	hl_store_add_text(row, who->application);
}

/* The account is the fifth part of an ARN and has twelve digits. */
char *
hl_account_of_arn(const char *arn)
{
	for (int part = 0; arn != NULL && part < 4; part++)
	{
		arn = strchr(arn, ':');
		if (arn != NULL)
			arn++;
	}
	if (arn == NULL || strspn(arn, "0123456789") != 12 || arn[12] != ':')
		return NULL;
	return pnstrdup(arn, 12);
}

char *
hl_account_of_settings(void)
{
	return hl_account_of_arn(hl_settings.role_arn);
}

/* A string of a reply by its SQL name. */
static const char *
named(const HlOperation *operation, const HlReply *reply, const char *name)
{
	return hl_text_from_utf8(
		hl_response_string(operation->output, reply->document, name));
}

/*
 * Takes the ids in a reply; creating operations return a data store's as "id".
 */
HlNamed
hl_account_of_reply(const HlOperation *operation, const HlReply *reply)
{
	HlNamed it = {.datastore_id = named(operation, reply, "id"),
				  .job_id = named(operation, reply, "job_id"),
				  .account = hl_account_of_arn(hl_response_string(
					  operation->output, reply->document, "arn"))};

	if (it.datastore_id == NULL)
		it.datastore_id = named(operation, reply, "datastore_id");
	return it;
}

/* Appends a UTF-8 string member, unless it is NULL. */
static void
append_member(StringInfo json, const char *name, const char *value)
{
	HlBytes quoted = {0};

	if (value == NULL)
		return;
	hl_json_append_string(&quoted, value, strlen(value));
	appendStringInfo(json, "%s\"%s\":%s", json->len == 1 ? "" : ",", name,
					 hl_text_take(&quoted));
}

/*
 * Describes a request to the data plane, without its body or a value of its
 * query.
 */
char *
hl_account_rest(const HlRest *rest, const char *id)
{
	/* the id of the reply to a Bundle is not the id of a resource */
	bool named = id != NULL && rest->subject != NULL && rest->entries == NULL &&
				 strchr(rest->subject, '/') == NULL;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_member(&json, "method", rest->method);
	append_member(&json, "path",
				  rest->asked != NULL ? rest->asked : rest->path);
	append_member(&json, "resource",
				  named ? psprintf("%s/%s", rest->subject, id) : rest->subject);
	if (rest->entries != NULL)
		appendStringInfo(&json, ",\"entries\":%s", rest->entries);
	if (rest->discloses && rest->parameters != NULL)
		appendStringInfo(&json, ",\"parameters\":%s", rest->parameters);
	if (rest->discloses && rest->totals)
		appendStringInfoString(&json, ",\"total\":true");
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* The masked body of a request without its token, palloc'd. */
static char *
describe_body(const HlRequest *request)
{
	const HlShape *input = request->operation->input;
	const HlMember *token = hl_operation_token(request->operation);
	HlJsonEach each =
		hl_json_each(hl_response_read(hl_bytes_string(&request->body)));
	const HlJson *value;
	HlBytes json = {0};

	hl_bytes_append_char(&json, '{');
	while ((value = hl_json_step(&each)) != NULL)
	{
		const HlMember *member =
			hl_shape_member(input, each.name, each.name_len);

		if (member != NULL && member == token)
			continue;
		if (json.len > 1)
			hl_bytes_append_char(&json, ',');
		hl_json_append_string(&json, each.name, each.name_len);
		hl_bytes_append_char(&json, ':');
		hl_response_append_masked(&json, member ? member->shape : NULL, value);
	}
	hl_bytes_append_char(&json, '}');
	return hl_text_take(&json);
}

char *
hl_account_request(const HlRequest *request)
{
	return request->rest != NULL ? hl_account_rest(request->rest, NULL)
								 : describe_body(request);
}
