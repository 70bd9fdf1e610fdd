/*
 * container.c
 *	  Credentials of a container's endpoint: of ECS, EKS, or a compatible
 *	  program.
 */
#include "postgres.h"

#include "credentials/steps.h"

#define SECONDS 2
#define ATTEMPTS 3

/*
 * Determines the Authorization header; returns NULL, or why it cannot be used.
 */
static const char *
find_authorization(HlProvider *provider)
{
	const HlPlan *plan = provider->plan;

	hl_bytes_reset(&provider->token);
	if (plan->file != NULL)
		return hl_provider_read_token(provider);
	if (plan->authorization == NULL)
		return NULL;
	hl_bytes_append_string(&provider->token, plan->authorization);
	return hl_provider_is_sendable(&provider->token)
			   ? NULL
			   : "AWS_CONTAINER_AUTHORIZATION_TOKEN has a byte that no header "
				 "can hold";
}

/* Requests the keys. */
static HlProviderAnswer
ask(HlProvider *provider)
{
	const char *reason = find_authorization(provider);
	HlProviderRequest *request;

	if (reason != NULL)
		return hl_provider_blame(provider, reason);
	request = hl_provider_fetch(provider, "");
	request->timeout_ms = SECONDS * 1000;
	request->max_attempts = ATTEMPTS;
	hl_provider_add_header(request, "Accept", "application/json");
	if (provider->token.len > 0)
		hl_provider_add_header(request, "Authorization",
							   hl_bytes_string(&provider->token));
	return HL_PROVIDER_REQUEST;
}

static HlProviderAnswer
container_step(HlProvider *provider, const HlReply *reply)
{
	if (reply == NULL)
		return ask(provider);
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return hl_provider_blame(provider, hl_provider_failure(reply));
	return hl_provider_take_json(provider, HL_ISSUED_CONTAINER, &reply->body);
}

const HlProviderKind hl_container_provider = {
	container_step, "Check the role of the task or pod, and the AWS_CONTAINER_ "
					"variables of the "
					"server's environment."};
