/*
 * sso.c
 *	  Credentials of single sign-on: "aws sso login" has stored a token in a
 *	  file, which the portal exchanges for the keys of a role.
 */
#include "postgres.h"

#include "base/percent.h"
#include "credentials/steps.h"
#include "server/clock.h"
#include "server/file.h"
#include "server/text.h"

/* Reads the token file, which others must not be able to read. */
static const char *
read_sign_on(HlProvider *provider)
{
	const char *path = provider->plan->file;
	HlFileStamp stamp;
	char *reason = hl_file_read(path, &provider->token, &stamp);
	const char *fault = NULL;

	if (reason != NULL)
		return reason;
	if (!hl_file_is_private(&stamp))
		fault = "it has group or world access";
	else if (!hl_sso_read(&provider->sign_on, hl_bytes_string(&provider->token),
						  provider->token.len))
		fault = pstrdup(provider->sign_on.reason);
	else if (provider->sign_on.expires_at <= hl_clock_unix())
		fault = psprintf("the sign-on expired at %s",
						 hl_provider_time(provider->sign_on.expires_at));
	provider->final = fault != NULL;
	return fault == NULL ? NULL : psprintf("file \"%s\": %s", path, fault);
}

/* The portal's path for the keys of the role. */
static char *
portal_path(const HlPlan *plan)
{
	HlBytes path = {0};

	hl_bytes_append_string(&path, plan->portal->path);
	hl_bytes_append_string(&path, "federation/credentials?role_name=");
	hl_percent_append_string(&path, plan->sso_role);
	hl_bytes_append_string(&path, "&account_id=");
	hl_percent_append_string(&path, plan->sso_account);
	return hl_text_take(&path);
}

/* Requests the keys from the portal. */
static HlProviderAnswer
ask(HlProvider *provider)
{
	const HlPlan *plan = provider->plan;
	const char *reason = read_sign_on(provider);
	HlProviderRequest *request = &provider->request;

	provider->hint = "Sign on with \"aws sso login\" as the server's user.";
	if (reason != NULL)
		return hl_provider_blame(provider, reason);
	if (plan->portal_reason != NULL)
		return hl_provider_refuse(provider, plan->portal_reason);
	*request =
		(HlProviderRequest){.target = {.plain = !plan->portal->tls,
									   .authority = plan->portal->authority,
									   .path = portal_path(plan)},
							.region = provider->region,
							.method = "GET",
							.body = ""};
	hl_provider_add_header(request, "x-amz-sso_bearer_token",
						   hl_bytes_string(&provider->sign_on.token));
	return HL_PROVIDER_REQUEST;
}

static HlProviderAnswer
sso_step(HlProvider *provider, const HlReply *reply)
{
	if (reply == NULL)
		return ask(provider);
	provider->final = reply->outcome == HL_OUTCOME_REFUSED;
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return hl_provider_blame(provider,
								 psprintf("single sign-on's portal: %s",
										  hl_provider_failure(reply)));
	provider->hint = NULL;
	return hl_provider_take_json(provider, HL_ISSUED_PORTAL, &reply->body);
}

const HlProviderKind hl_sso_provider = {
	sso_step, "Sign on with \"aws sso login\" as the server's user."};
