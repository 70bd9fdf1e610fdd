/*
 * provider.c
 *	  Carries out a plan: the source, then the roles.
 */
#include "postgres.h"

#include <time.h>

#include "aws/retry.h"
#include "credentials/steps.h"
#include "server/clock.h"
#include "server/file.h"
#include "server/owned.h"

/* Memory context callback. */
static void
wipe(void *argument)
{
	HlProvider *provider = argument;

	hl_issued_wipe(&provider->issued);
	hl_issued_wipe(&provider->next);
	hl_sso_wipe(&provider->sign_on);
	hl_bytes_wipe(&provider->form);
	hl_bytes_wipe(&provider->token);
}

HlProvider *
hl_provider_create(void)
{
	HlProvider *provider = hl_owned_create(sizeof(HlProvider), wipe);

	provider->form.secret = true;
	provider->token.secret = true;
	return provider;
}

char *
hl_provider_time(int64 micros)
{
	time_t seconds = (time_t) (micros / USECS_PER_SEC);
	struct tm parts;
	char text[64];

	if (gmtime_r(&seconds, &parts) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		return pstrdup("an unknown time");
	return pstrdup(text);
}

HlProviderAnswer
hl_provider_refuse(HlProvider *provider, char *reason)
{
	provider->reason = reason;
	return HL_PROVIDER_FAILURE;
}

HlProviderAnswer
hl_provider_blame(HlProvider *provider, const char *reason)
{
	return hl_provider_refuse(
		provider, psprintf("%s: %s", provider->plan->source, reason));
}

const char *
hl_provider_failure(const HlReply *reply)
{
	if (reply->network != NULL)
		return reply->network;
	if (reply->code != NULL && reply->message != NULL &&
		reply->message[0] != '\0')
		return psprintf("%s: %s", reply->code, reply->message);
	if (reply->code != NULL)
		return reply->code;
	return psprintf("HTTP status %d", reply->http_status);
}

HlProviderAnswer
hl_provider_take_json(HlProvider *provider, HlIssuedForm form,
					  const HlBytes *json)
{
	if (hl_issued_read(&provider->issued, form, hl_bytes_string(json),
					   json->len))
		return HL_PROVIDER_KEYS;
	return hl_provider_blame(provider, pstrdup(provider->issued.reason));
}

HlProviderRequest *
hl_provider_fetch(HlProvider *provider, const char *path)
{
	const HlMetadataUrl *url = &provider->plan->url;
	HlProviderRequest *request = &provider->request;

	*request = (HlProviderRequest){
		.target = {.plain = !url->tls,
				   .link_local = !url->tls,
				   .authority = url->authority,
				   .path = psprintf("%s%s", url->path, path)},
		.region = provider->region,
		.method = "GET",
		.body = "",
		.direct = true};
	return request;
}

void
hl_provider_add_header(HlProviderRequest *request, const char *name,
					   const char *value)
{
	if (request->nheaders == HL_PROVIDER_HEADERS)
		elog(ERROR, "a request for credentials has more than %d headers",
			 HL_PROVIDER_HEADERS);
	request->headers[request->nheaders++] = (HlHeader){name, value};
}

bool
hl_provider_is_sendable(const HlBytes *token)
{
	for (size_t i = 0; i < token->len; i++)
		if ((unsigned char) token->data[i] < ' ' || token->data[i] == 0x7f)
			return false;
	return token->len > 0;
}

const char *
hl_provider_read_token(HlProvider *provider)
{
	HlFileStamp stamp;
	char *reason = hl_file_read(provider->plan->file, &provider->token, &stamp);

	if (reason != NULL)
		return reason;
	hl_file_trim(&provider->token);
	if (hl_provider_is_sendable(&provider->token))
		return NULL;
	return psprintf("the token in file \"%s\" is empty or has a byte that no "
					"header can hold",
					provider->plan->file);
}

/* ------------------------------------------------------------------- keys */

static HlProviderAnswer
keys_step(HlProvider *provider, const HlReply *reply)
{
	const HlPlan *plan = provider->plan;
	HlIssuedParts parts = {plan->keys.access_key_id,
						   plan->keys.secret_access_key,
						   plan->keys.session_token, plan->expiration};

	if (hl_issued_set(&provider->issued, &parts))
		return HL_PROVIDER_KEYS;
	return hl_provider_blame(provider, pstrdup(provider->issued.reason));
}

/* ------------------------------------------------------------------ roles */

/* Makes the request to STS for provider->form. */
static HlProviderAnswer
ask_sts(HlProvider *provider, const HlSigv4Credentials *keys)
{
	const HlPlan *plan = provider->plan;

	if (plan->sts_reason != NULL)
		return hl_provider_refuse(provider, plan->sts_reason);
	provider->issued.no_memory |= provider->form.failed;
	if (provider->form.failed)
		return hl_provider_refuse(provider, pstrdup("out of memory"));
	provider->request =
		(HlProviderRequest){.form = true,
							.keys = keys,
							.target = {.plain = !plan->sts->tls,
									   .authority = plan->sts->authority,
									   .path = plan->sts->path},
							.region = plan->sts->signing_region,
							.body = hl_bytes_string(&provider->form),
							.body_len = provider->form.len,
							.secret = hl_bytes_string(&provider->token)};
	return HL_PROVIDER_REQUEST;
}

/*
 * Requests the credentials of a role, with the keys issued before or with a
 * token.
 */
static HlProviderAnswer
ask_role(HlProvider *provider, const HlStsRole *role)
{
	HlSigv4Credentials *keys = &provider->keys;

	hl_bytes_reset(&provider->form);
	hl_sts_write_role(&provider->form, role);
	if (role->web_identity_token != NULL)
		return ask_sts(provider, NULL);
	*keys = (HlSigv4Credentials){
		hl_bytes_string(&provider->issued.access_key_id),
		hl_bytes_string(&provider->issued.secret_access_key),
		hl_bytes_string(&provider->issued.session_token)};
	return ask_sts(provider, keys);
}

static HlProviderAnswer
take_role(HlProvider *provider, const HlReply *reply, const HlStsRole *role,
		  bool web_identity)
{
	provider->final = reply->outcome == HL_OUTCOME_REFUSED &&
					  hl_retry_judge(HL_TRANSPORT_OK, reply->http_status,
									 reply->code) == HL_VERDICT_TERMINAL;
	if (reply->outcome == HL_OUTCOME_NOT_SENT)
		provider->hint = "Check that the server can reach STS, and "
						 "healthlake.sts_endpoint_url, healthlake.proxy and "
						 "healthlake.ca_bundle.";
	else if (reply->outcome != HL_OUTCOME_SUCCESS)
		provider->hint =
			"Check the role's trust policy, and that the credentials in use "
			"may perform the action sts:AssumeRole on the role.";
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return hl_provider_blame(
			provider, psprintf("could not assume role \"%s\": %s",
							   role->role_arn, hl_provider_failure(reply)));
	if (!hl_sts_read_role(&provider->next, web_identity,
						  hl_bytes_string(&reply->body), reply->body.len))
	{
		provider->issued.no_memory |= provider->next.no_memory;
		return hl_provider_blame(
			provider, psprintf("unusable reply to assuming role \"%s\": %s",
							   role->role_arn, provider->next.reason));
	}
	hl_issued_wipe(&provider->issued);
	provider->issued = provider->next;
	provider->next = (HlIssued){0};
	return HL_PROVIDER_KEYS;
}

/* Assumes the first role with a token from a file. */
static HlProviderAnswer
web_identity_step(HlProvider *provider, const HlReply *reply)
{
	HlStsRole role = provider->plan->roles[0];
	const char *reason;

	if (reply != NULL)
	{
		provider->nroles = 1;
		return take_role(provider, reply, &role, true);
	}
	reason = hl_provider_read_token(provider);
	if (reason != NULL)
		return hl_provider_blame(provider, reason);
	role.web_identity_token = hl_bytes_string(&provider->token);
	return ask_role(provider, &role);
}

const HlProviderKind hl_web_identity_provider = {
	web_identity_step,
	"See that the server's user can read the token's file, and that the "
	"role's trust policy names the identity provider."};

/* Assumes the remaining roles of the plan. */
static HlProviderAnswer
role_step(HlProvider *provider, const HlReply *reply)
{
	const HlPlan *plan = provider->plan;

	if (reply != NULL)
	{
		HlProviderAnswer answer =
			take_role(provider, reply, &plan->roles[provider->nroles], false);

		if (answer != HL_PROVIDER_KEYS)
			return answer;
		provider->nroles++;
	}
	if (provider->nroles < plan->nroles)
		return ask_role(provider, &plan->roles[provider->nroles]);
	return HL_PROVIDER_KEYS;
}

/* ------------------------------------------------------------------- next */

/* Refuses keys that have already expired. */
static HlProviderAnswer
check_expiry(HlProvider *provider)
{
	const HlIssued *issued = &provider->issued;

	if (!issued->expires || issued->expires_at > hl_clock_unix())
		return HL_PROVIDER_KEYS;
	return hl_provider_refuse(
		provider,
		psprintf("%s returned credentials that expired at %s",
				 provider->plan->source, hl_provider_time(issued->expires_at)));
}

/* What to correct if the source returns no keys. */
static const char *
hint_of(const HlProvider *provider)
{
	const HlPlan *plan = provider->plan;

	if (provider->nobody)
		return hl_plan_nothing_hint;
	if (plan->kind != NULL)
		return plan->kind->hint;
	return psprintf("Correct the credentials of %s.", plan->source);
}

HlProviderAnswer
hl_provider_next(HlProvider *provider, const HlReply *reply)
{
	const HlProviderKind *kind = provider->plan->kind;
	HlProviderAnswer answer;

	if (reply != NULL && reply->outcome == HL_OUTCOME_NO_MEMORY)
	{
		provider->issued.no_memory = true;
		return hl_provider_refuse(provider, pstrdup("out of memory"));
	}
	if (!provider->begun)
	{
		answer = kind != NULL ? kind->step(provider, reply)
							  : keys_step(provider, reply);
		provider->step++;
		provider->issued.no_memory |=
			provider->token.failed || provider->sign_on.token.failed;
		if (answer == HL_PROVIDER_FAILURE && provider->hint == NULL)
			provider->hint = (char *) hint_of(provider);
		if (answer != HL_PROVIDER_KEYS)
			return answer;
		provider->begun = true;
		reply = NULL;
	}
	answer = role_step(provider, reply);
	return answer == HL_PROVIDER_KEYS ? check_expiry(provider) : answer;
}

/* --------------------------------------------------------------- identity */

bool
hl_provider_ask_identity(HlProvider *provider, const HlSigv4Credentials *keys)
{
	hl_bytes_reset(&provider->form);
	hl_sts_write_identity(&provider->form);
	return ask_sts(provider, keys) == HL_PROVIDER_REQUEST;
}

char *
hl_provider_identity(HlProvider *provider, const HlReply *reply)
{
	HlStsIdentity identity = {0};
	char *text = NULL;

	if (reply->outcome != HL_OUTCOME_SUCCESS)
		provider->reason = psprintf("STS: %s", hl_provider_failure(reply));
	else if (!hl_sts_read_identity(&identity, hl_bytes_string(&reply->body),
								   reply->body.len))
		provider->reason = pstrdup("the reply is not a reply of STS");
	else
		text = psprintf("%s, account %s", hl_bytes_string(&identity.arn),
						hl_bytes_string(&identity.account));
	hl_bytes_free(&identity.arn);
	hl_bytes_free(&identity.account);
	return text;
}
