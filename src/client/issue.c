/*
 * issue.c
 *	  Getting credentials issued.
 */
#include "postgres.h"

#include <time.h>

#include "aws/metadata.h"
#include "aws/retry.h"
#include "client/ambient.h"
#include "client/file.h"
#include "client/issue.h"
#include "client/process.h"
#include "client/settings.h"
#include "utils/timestamp.h"

#define MAX_REPLY (64 * 1024)
#define EPOCH_SHIFT                                                            \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* What instance metadata and containers are given, in seconds and attempts. */
#define METADATA_SECONDS 1
#define METADATA_ATTEMPTS 1
#define CONTAINER_SECONDS 2
#define CONTAINER_ATTEMPTS 3

/* Wipes what an issue holds: its memory context goes. */
static void
wipe(void *argument)
{
	HlIssue *issue = argument;

	hl_issued_wipe(&issue->issued);
	hl_issued_wipe(&issue->next);
	hl_sign_on_wipe(&issue->sign_on);
	hl_bytes_wipe(&issue->form);
	hl_bytes_wipe(&issue->token);
}

/* An issue that is wiped with CurrentMemoryContext. */
HlIssue *
hl_issue_create(void)
{
	HlIssue *issue = palloc0(sizeof(HlIssue));

	issue->form.secret = true;
	issue->token.secret = true;
	issue->callback.func = wipe;
	issue->callback.arg = issue;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &issue->callback);
	return issue;
}

/* A point in time, in words. */
char *
hl_issue_time(int64 micros)
{
	time_t seconds = (time_t) (micros / USECS_PER_SEC);
	struct tm parts;
	char text[64];

	if (gmtime_r(&seconds, &parts) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		return pstrdup("a time that nobody knows");
	return pstrdup(text);
}

/* Says why there are no credentials. */
static bool
refuse(HlIssue *issue, char *reason)
{
	issue->reason = reason;
	return false;
}

/* The same, with the source in front. */
static bool
blame_source(HlIssue *issue, const char *reason)
{
	return refuse(issue, psprintf("%s: %s", issue->plan->source, reason));
}

/* What went wrong with a request, as far as it may be told. */
static const char *
failure_of(const HlReply *reply)
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

/* A request of a kind, with the limits of this issue. */
static HlCall *
new_request(HlIssue *issue, HlCallKind kind)
{
	HlCall *call = hl_client_calls(1);
	HlClientConfig *config = palloc(sizeof(HlClientConfig));

	*config = *issue->limits;
	config->credentials = NULL;
	config->renew = NULL;
	config->max_response_size = MAX_REPLY;
	if (issue->hasty)
		config->max_attempts = 1;
	call->config = config;
	call->kind = kind;
	call->operation = "";
	call->body = "";
	call->region = issue->region;
	call->service = "sts";
	call->repeatable = true;
	return call;
}

/* Sends it, and waits for the reply. */
static const HlReply *
send_request(HlCall *call, const HlTarget *target)
{
	call->target = target;
	hl_client_run(call, 1);
	return &call->reply;
}

/* Reads a number that a variable may give. */
static bool
read_number(HlIssue *issue, const char *variable, int *number)
{
	const char *value = hl_ambient_variable(variable);

	if (value == NULL)
		return true;
	if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 4 ||
		atoi(value) < 1)
		return refuse(issue,
					  psprintf("%s is not a number from 1 to 9999", variable));
	*number = atoi(value);
	return true;
}

/* A request to instance metadata or to a container's endpoint. */
static HlCall *
new_fetch(HlIssue *issue, int seconds, int attempts)
{
	HlCall *call = new_request(issue, HL_CALL_FETCH);
	HlClientConfig *config = (HlClientConfig *) call->config;

	config->proxy = NULL;
	config->connect_timeout_ms = seconds * 1000;
	config->request_timeout_ms = seconds * 1000;
	config->max_attempts = issue->hasty ? 1 : attempts;
	call->method = "GET";
	return call;
}

/* Sends it to where the plan says. */
static const HlReply *
fetch(HlIssue *issue, HlCall *call, const char *path)
{
	HlTarget *target = palloc0(sizeof(HlTarget));
	const HlMetadataUrl *url = &issue->plan->url;

	target->plain = !url->tls;
	target->link_local = !url->tls;
	target->authority = url->authority;
	target->path = psprintf("%s%s", url->path, path);
	return send_request(call, target);
}

/* Whether a header can hold a token. */
static bool
is_sendable(const HlBytes *token)
{
	for (size_t i = 0; i < token->len; i++)
		if ((unsigned char) token->data[i] < ' ' || token->data[i] == 0x7f)
			return false;
	return token->len > 0;
}

/* A request to instance metadata, with what it is to show. */
static const HlReply *
ask_metadata(HlIssue *issue, const char *path)
{
	int seconds = METADATA_SECONDS, attempts = METADATA_ATTEMPTS;
	bool first = strcmp(path, HL_METADATA_TOKEN_PATH) == 0;
	HlHeader *header = palloc(sizeof(HlHeader));
	HlCall *call;

	if (!read_number(issue, "AWS_METADATA_SERVICE_TIMEOUT", &seconds) ||
		!read_number(issue, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", &attempts))
		return NULL;
	call = new_fetch(issue, seconds, attempts);
	*header = first
				  ? (HlHeader){"x-aws-ec2-metadata-token-ttl-seconds", "21600"}
				  : (HlHeader){"x-aws-ec2-metadata-token",
							   hl_bytes_string(&issue->token)};
	if (first)
		call->method = "PUT";
	call->headers = header;
	call->nheaders = 1;
	return fetch(issue, call, path);
}

/* Whether nobody is there, which is only what was to be expected. */
static bool
is_absent(HlIssue *issue, const HlReply *reply, int status)
{
	bool silent = reply->outcome == HL_OUTCOME_NOT_SENT ||
				  reply->outcome == HL_OUTCOME_TIMED_OUT ||
				  reply->outcome == HL_OUTCOME_LOST;

	return issue->plan->optional &&
		   (silent || (status != 0 && reply->http_status == status));
}

/* Says that instance metadata has none, in one way or another. */
static bool
blame_metadata(HlIssue *issue, const HlReply *reply, int status,
			   const char *words)
{
	if (reply == NULL)
		return false;
	issue->nobody = is_absent(issue, reply, status);
	if (words != NULL && reply->http_status == status)
		return blame_source(issue, words);
	return blame_source(issue, failure_of(reply));
}

/* Gets the token without which instance metadata tells nothing. */
static bool
get_metadata_token(HlIssue *issue)
{
	const HlReply *reply = ask_metadata(issue, HL_METADATA_TOKEN_PATH);

	if (reply == NULL || reply->outcome != HL_OUTCOME_SUCCESS)
		return blame_metadata(issue, reply, 403,
							  "it is switched off (HTTP status 403)");
	hl_bytes_reset(&issue->token);
	hl_bytes_append(&issue->token, reply->body.data, reply->body.len);
	return is_sendable(&issue->token) ||
		   blame_source(issue, "its token is empty or malformed");
}

/* Gets the name of the instance's role. */
static char *
get_metadata_role(HlIssue *issue)
{
	const HlReply *reply = ask_metadata(issue, HL_METADATA_ROLES_PATH);
	char *name;

	if (reply == NULL || reply->outcome != HL_OUTCOME_SUCCESS)
	{
		blame_metadata(issue, reply, 404, "the instance has no role");
		return NULL;
	}
	name = pnstrdup(hl_bytes_string(&reply->body), reply->body.len);
	name[strcspn(name, "\r\n")] = '\0';
	if (hl_metadata_is_role(name))
		return name;
	issue->nobody = issue->plan->optional && name[0] == '\0';
	blame_source(issue, name[0] == '\0' ? "the instance has no role"
										: "the name of its role is malformed");
	return NULL;
}

/* Takes JSON over. */
static bool
take_json(HlIssue *issue, HlIssuedForm form, const HlBytes *json)
{
	return hl_issued_read(&issue->issued, form, hl_bytes_string(json),
						  json->len) ||
		   blame_source(issue, pstrdup(issue->issued.reason));
}

/* Asks instance metadata, version 2. */
static bool
issue_metadata(HlIssue *issue)
{
	const HlReply *reply;
	char *role = NULL;

	if (get_metadata_token(issue))
		role = get_metadata_role(issue);
	if (role == NULL)
		return false;
	reply = ask_metadata(issue, psprintf(HL_METADATA_ROLES_PATH "%s", role));
	if (reply == NULL || reply->outcome != HL_OUTCOME_SUCCESS)
		return blame_metadata(issue, reply, 0, NULL);
	return take_json(issue, HL_ISSUED_METADATA, &reply->body);
}

/* Reads a token out of a file that the plan names. */
static bool
read_token(HlIssue *issue)
{
	HlFileStamp stamp;
	char *reason = hl_file_read(issue->plan->file, &issue->token, &stamp);

	if (reason != NULL)
		return blame_source(issue, reason);
	hl_file_trim(&issue->token);
	return is_sendable(&issue->token) ||
		   blame_source(issue,
						psprintf("the token in file \"%s\" is empty or has a "
								 "byte that no header can hold",
								 issue->plan->file));
}

/* Finds what a container's endpoint wants to see; false: it is malformed. */
static bool
find_authorization(HlIssue *issue)
{
	hl_bytes_reset(&issue->token);
	if (issue->plan->file != NULL)
		return read_token(issue);
	if (issue->plan->authorization == NULL)
		return true;
	hl_bytes_append_string(&issue->token, issue->plan->authorization);
	return is_sendable(&issue->token) ||
		   blame_source(issue, "AWS_CONTAINER_AUTHORIZATION_TOKEN has a byte "
							   "that no header can hold");
}

/* Asks a container's endpoint. */
static bool
issue_container(HlIssue *issue)
{
	HlHeader headers[2] = {{"Accept", "application/json"}};
	const HlReply *reply;
	HlCall *call;

	if (!find_authorization(issue))
		return false;
	call = new_fetch(issue, CONTAINER_SECONDS, CONTAINER_ATTEMPTS);
	headers[1] = (HlHeader){"Authorization", hl_bytes_string(&issue->token)};
	call->headers = headers;
	call->nheaders = issue->token.len > 0 ? 2 : 1;
	reply = fetch(issue, call, "");
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return blame_source(issue, failure_of(reply));
	return take_json(issue, HL_ISSUED_CONTAINER, &reply->body);
}

/* Runs a program. */
static bool
issue_process(HlIssue *issue)
{
	char *reason = hl_process_run(
		issue->plan->command, issue->limits->request_timeout_ms, &issue->token);

	if (reason != NULL)
		return blame_source(issue, reason);
	return take_json(issue, HL_ISSUED_PROCESS, &issue->token);
}

/* Whether STS's old regions share one endpoint: only who asks for it. */
static bool
wants_global_sts(void)
{
	const char *value = hl_ambient_variable("AWS_STS_REGIONAL_ENDPOINTS");

	if (value == NULL)
		value = hl_ambient_property("sts_regional_endpoints");
	return value != NULL && strcmp(value, "legacy") == 0;
}

/* Applies the rules to a service that hands credentials out. */
static bool
resolve(HlIssue *issue, const HlEndpointParameters *parameters,
		HlEndpoint *endpoint)
{
	if (hl_endpoint_resolve(parameters, endpoint) != HL_ENDPOINT_OK)
		return refuse(issue, psprintf("the endpoint of %s cannot be used: %s",
									  parameters->service, endpoint->reason));
	if (!endpoint->tls && !hl_endpoint_is_loopback(endpoint))
		return refuse(issue, psprintf("the endpoint of %s cannot be used: http "
									  "is for a loopback address alone",
									  parameters->service));
	return true;
}

/* Where STS is. */
bool
hl_issue_sts(HlIssue *issue, HlEndpoint *endpoint, const char **from)
{
	HlEndpointParameters parameters = {
		.service = "sts",
		.region = issue->region,
		.url = hl_settings.sts_endpoint_url,
		.use_fips =
			hl_settings.use_fips_endpoint ||
			hl_ambient_switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
		.use_dual_stack = hl_settings.use_dualstack_endpoint ||
						  hl_ambient_switch("AWS_USE_DUALSTACK_ENDPOINT",
											"use_dualstack_endpoint"),
		.use_global = wants_global_sts()};

	*from = "healthlake.sts_endpoint_url";
	if (parameters.url == NULL || parameters.url[0] == '\0')
		parameters.url = hl_ambient_endpoint("sts", from);
	if (parameters.url == NULL)
		*from = NULL;
	return resolve(issue, &parameters, endpoint);
}

/* A target that lives as long as an endpoint. */
static HlTarget
target_of(const HlEndpoint *endpoint)
{
	return (HlTarget){.plain = !endpoint->tls,
					  .authority = endpoint->authority,
					  .path = endpoint->path};
}

/* Sends a form to STS, signed where there is something to sign with. */
static const HlReply *
ask_sts(HlIssue *issue, const HlSigv4Credentials *credentials)
{
	HlEndpoint *endpoint = palloc(sizeof(HlEndpoint));
	HlTarget *target = palloc(sizeof(HlTarget));
	const char *from;
	HlCall *call;

	if (!hl_issue_sts(issue, endpoint, &from))
		return NULL;
	*target = target_of(endpoint);
	call = new_request(issue, credentials != NULL ? HL_CALL_QUERY
												  : HL_CALL_OPEN_QUERY);
	((HlClientConfig *) call->config)->credentials = credentials;
	call->region = endpoint->signing_region;
	call->body = hl_bytes_string(&issue->form);
	call->body_len = issue->form.len;
	call->secret = hl_bytes_string(&issue->token);
	return send_request(call, target);
}

/* Assumes a role with what was issued before, or with a web identity. */
static bool
assume(HlIssue *issue, const HlStsRole *role)
{
	bool web_identity = role->web_identity_token != NULL;
	HlSigv4Credentials with = {
		hl_bytes_string(&issue->issued.access_key_id),
		hl_bytes_string(&issue->issued.secret_access_key),
		hl_bytes_string(&issue->issued.session_token)};
	const HlReply *reply;

	hl_bytes_reset(&issue->form);
	hl_sts_write_role(&issue->form, role);
	if (issue->form.failed)
		return refuse(issue, pstrdup("out of memory"));
	reply = ask_sts(issue, web_identity ? NULL : &with);
	if (reply == NULL)
		return false;
	if (reply->outcome != HL_OUTCOME_SUCCESS)
	{
		issue->final = reply->outcome == HL_OUTCOME_REFUSED &&
					   hl_retry_judge(HL_TRANSPORT_OK, reply->http_status,
									  reply->code) == HL_VERDICT_TERMINAL;
		return blame_source(issue, psprintf("could not assume role \"%s\": %s",
											role->role_arn, failure_of(reply)));
	}
	if (!hl_sts_read_role(&issue->next, web_identity,
						  hl_bytes_string(&reply->body), reply->body.len))
		return blame_source(
			issue, psprintf("unusable reply to assuming role \"%s\": %s",
							role->role_arn, issue->next.reason));
	hl_issued_wipe(&issue->issued);
	issue->issued = issue->next;
	issue->next = (HlIssued){0};
	return true;
}

/* Assumes the first role with a token out of a file. */
static bool
issue_web_identity(HlIssue *issue)
{
	HlStsRole role = issue->plan->roles[0];

	if (!read_token(issue))
		return false;
	role.web_identity_token = hl_bytes_string(&issue->token);
	return assume(issue, &role);
}

/* Reads the sign-on that somebody has made, which others must not read. */
static bool
read_sign_on(HlIssue *issue, int64 now)
{
	const char *path = issue->plan->file;
	HlFileStamp stamp;
	char *reason = hl_file_read(path, &issue->token, &stamp);
	const char *fault = NULL;

	issue->hint = "Sign on with \"aws sso login\" as the server's user.";
	if (reason != NULL)
		return blame_source(issue, reason);
	if (!hl_file_is_private(&stamp))
		fault = "it has group or world access";
	else if (!hl_sign_on_read(&issue->sign_on, hl_bytes_string(&issue->token),
							  issue->token.len))
		fault = pstrdup(issue->sign_on.reason);
	else if (issue->sign_on.expires_at <= now)
		fault = psprintf("the sign-on expired at %s",
						 hl_issue_time(issue->sign_on.expires_at));
	issue->final = fault != NULL;
	return fault == NULL ||
		   blame_source(issue, psprintf("file \"%s\": %s", path, fault));
}

/* Where single sign-on's portal is. */
static bool
find_portal(HlIssue *issue, HlEndpoint *endpoint)
{
	const HlPlan *plan = issue->plan;
	const char *from;
	const char *url = hl_ambient_endpoint("sso", &from);
	HlEndpointParameters parameters = {.service = "sso",
									   .region = plan->sso_region};

	if (url == NULL &&
		(hl_settings.use_fips_endpoint ||
		 hl_ambient_switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")))
		return blame_source(issue, "single sign-on has no FIPS endpoint");
	if (url == NULL)
		url = psprintf("https://portal.sso.%s.%s", plan->sso_region,
					   hl_endpoint_partition(plan->sso_region)->dns_suffix);
	parameters.url = url;
	return resolve(issue, &parameters, endpoint);
}

/* Asks single sign-on's portal. */
static bool
issue_sign_on(HlIssue *issue)
{
	const HlPlan *plan = issue->plan;
	HlEndpoint *endpoint = palloc(sizeof(HlEndpoint));
	HlCall *call = new_request(issue, HL_CALL_FETCH);
	HlBytes path = {0};
	HlHeader header;
	HlTarget target;
	const HlReply *reply;

	if (!read_sign_on(issue, GetCurrentTimestamp() + EPOCH_SHIFT) ||
		!find_portal(issue, endpoint))
		return false;
	hl_bytes_append_string(&path, "federation/credentials?role_name=");
	hl_sts_append_encoded(&path, plan->sso_role, false);
	hl_bytes_append_string(&path, "&account_id=");
	hl_sts_append_encoded(&path, plan->sso_account, false);
	target = target_of(endpoint);
	target.path = psprintf("%s%s", endpoint->path, hl_bytes_string(&path));
	hl_bytes_free(&path);
	header = (HlHeader){"x-amz-sso_bearer_token",
						hl_bytes_string(&issue->sign_on.token)};
	call->method = "GET";
	call->headers = &header;
	call->nheaders = 1;
	reply = send_request(call, &target);
	issue->final = reply->outcome == HL_OUTCOME_REFUSED;
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		return blame_source(
			issue, psprintf("single sign-on's portal: %s", failure_of(reply)));
	issue->hint = NULL;
	return take_json(issue, HL_ISSUED_PORTAL, &reply->body);
}

/* Takes keys over that lie somewhere. */
static bool
issue_keys(HlIssue *issue)
{
	HlIssuedParts parts = {
		issue->plan->keys.access_key_id, issue->plan->keys.secret_access_key,
		issue->plan->keys.session_token, issue->plan->expiration};

	return hl_issued_set(&issue->issued, &parts) ||
		   blame_source(issue, pstrdup(issue->issued.reason));
}

static bool (*const issuers[])(HlIssue *) = {
	[HL_PLAN_KEYS] = issue_keys,
	[HL_PLAN_WEB_IDENTITY] = issue_web_identity,
	[HL_PLAN_SIGN_ON] = issue_sign_on,
	[HL_PLAN_PROCESS] = issue_process,
	[HL_PLAN_CONTAINER] = issue_container,
	[HL_PLAN_METADATA] = issue_metadata,
};

/* Carries the plan out. */
bool
hl_issue_run(HlIssue *issue)
{
	const HlPlan *plan = issue->plan;
	bool issued = issuers[plan->kind](issue);

	for (int i = plan->kind == HL_PLAN_WEB_IDENTITY ? 1 : 0;
		 issued && i < plan->nroles; i++)
		issued = assume(issue, &plan->roles[i]);
	if (issued && issue->issued.expires &&
		issue->issued.expires_at <= GetCurrentTimestamp() + EPOCH_SHIFT)
		issued =
			refuse(issue, psprintf("%s gave credentials that expired at %s",
								   plan->source,
								   hl_issue_time(issue->issued.expires_at)));
	return issued;
}

/* Asks STS whose credentials these are. */
char *
hl_issue_identity(HlIssue *issue, const HlSigv4Credentials *credentials)
{
	HlStsIdentity identity = {0};
	const HlReply *reply;
	char *text = NULL;

	hl_bytes_reset(&issue->form);
	hl_sts_write_identity(&issue->form);
	reply = ask_sts(issue, credentials);
	if (reply == NULL)
		return NULL;
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		refuse(issue, psprintf("STS: %s", failure_of(reply)));
	else if (!hl_sts_read_identity(&identity, hl_bytes_string(&reply->body),
								   reply->body.len))
		refuse(issue, pstrdup("the reply is none of STS's"));
	else
		text = psprintf("%s, account %s", hl_bytes_string(&identity.arn),
						hl_bytes_string(&identity.account));
	hl_bytes_free(&identity.arn);
	hl_bytes_free(&identity.account);
	return text;
}
