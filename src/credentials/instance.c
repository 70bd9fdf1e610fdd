/*
 * instance.c
 *	  Credentials of an EC2 instance: instance metadata, version 2. A session
 *	  token first, then the name of the instance's role, then its keys.
 *
 * Requests a session token, then the name of the instance's role, then its
 * keys.
 *
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
#include "postgres.h"

#include "aws/metadata.h"
#include "credentials/environment.h"
#include "credentials/steps.h"

/*
 * Defaults of the AWS SDKs: instance metadata responds at once, or does not
 * exist.
 */
#define SECONDS 1
#define ATTEMPTS 1

/* Reads a number from a variable; false if it is none. */
static bool
read_number(HlProvider *provider, const char *variable, int *number)
{
	const char *value = hl_environment_variable(variable);

	if (value == NULL)
		return true;
	if (strspn(value, "0123456789") == strlen(value) && strlen(value) <= 4 &&
		atoi(value) >= 1)
	{
		*number = atoi(value);
		return true;
	}
	(void) hl_provider_refuse(
		provider, psprintf("%s is not a number from 1 to 9999", variable));
	return false;
}

/* Requests a path, with the token if there is one. */
static HlProviderAnswer
ask(HlProvider *provider, const char *path)
{
	HlProviderRequest *request = hl_provider_fetch(provider, path);
	int seconds = SECONDS;

	request->max_attempts = ATTEMPTS;
	if (!read_number(provider, "AWS_METADATA_SERVICE_TIMEOUT", &seconds) ||
		!read_number(provider, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
					 &request->max_attempts))
		return HL_PROVIDER_FAILURE;
	request->timeout_ms = seconds * 1000;
	if (provider->token.len > 0)
		hl_provider_add_header(request, "x-aws-ec2-metadata-token",
							   hl_bytes_string(&provider->token));
	return HL_PROVIDER_REQUEST;
}

static HlProviderAnswer
ask_token(HlProvider *provider)
{
	hl_bytes_reset(&provider->token);
	if (ask(provider, HL_METADATA_TOKEN_PATH) != HL_PROVIDER_REQUEST)
		return HL_PROVIDER_FAILURE;
	provider->request.method = "PUT";
	hl_provider_add_header(&provider->request,
						   "x-aws-ec2-metadata-token-ttl-seconds", "21600");
	return HL_PROVIDER_REQUEST;
}

#define HINT_NO_ROLE                                                           \
	"The server runs on an instance without a role: attach an IAM role to it " \
	"(an instance profile)."

/* Reports that there are no keys. words: the meaning of the HTTP status. */
static HlProviderAnswer
blame(HlProvider *provider, const HlReply *reply, int status, const char *words)
{
	bool silent = reply->outcome == HL_OUTCOME_NOT_SENT ||
				  reply->outcome == HL_OUTCOME_TIMED_OUT ||
				  reply->outcome == HL_OUTCOME_LOST;
	bool told = status != 0 && reply->http_status == status;

	/* outside of EC2 there is no endpoint, which is no error */
	provider->nobody = provider->plan->optional && (silent || told);
	if (reply->http_status == 403)
		provider->hint =
			"Instance metadata is switched off: enable it for the instance, "
			"with a hop limit of 2 where the server runs in a container.";
	else if (reply->http_status == 404)
		provider->hint = HINT_NO_ROLE;
	return hl_provider_blame(provider,
							 told ? words : hl_provider_failure(reply));
}

/* Takes the token, and requests the name of the role. */
static HlProviderAnswer
take_token(HlProvider *provider, const HlReply *reply)
{
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return blame(provider, reply, 403,
					 "it is switched off (HTTP status 403)");
	hl_bytes_reset(&provider->token);
	hl_bytes_append(&provider->token, reply->body.data, reply->body.len);
	if (!hl_provider_is_sendable(&provider->token))
		return hl_provider_blame(provider, "its token is empty or malformed");
	return ask(provider, HL_METADATA_ROLES_PATH);
}

/* Takes the name of the role, and requests its keys. */
static HlProviderAnswer
take_role(HlProvider *provider, const HlReply *reply)
{
	const char *body = hl_bytes_string(&reply->body);
	char *name;

	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return blame(provider, reply, 404, "the instance has no role");
	name = pstrdup(body);
	name[strcspn(name, "\r\n")] = '\0';
	if (hl_metadata_is_role(name))
		return ask(provider, psprintf(HL_METADATA_ROLES_PATH "%s", name));
	provider->nobody = provider->plan->optional && name[0] == '\0';
	provider->hint = name[0] == '\0' ? HINT_NO_ROLE : NULL;
	return hl_provider_blame(provider, name[0] == '\0'
										   ? "the instance has no role"
										   : "the name of its role is "
											 "malformed");
}

static HlProviderAnswer
take_keys(HlProvider *provider, const HlReply *reply)
{
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return blame(provider, reply, 0, NULL);
	return hl_provider_take_json(provider, HL_ISSUED_METADATA, &reply->body);
}

static HlProviderAnswer
instance_step(HlProvider *provider, const HlReply *reply)
{
	switch (provider->step)
	{
		case 0:
			return ask_token(provider);
		case 1:
			return take_token(provider, reply);
		case 2:
			return take_role(provider, reply);
		default:
			return take_keys(provider, reply);
	}
}

const HlProviderKind hl_instance_provider = {
	instance_step,
	"Check that the server can reach instance metadata, and that the instance "
	"has a role."};
