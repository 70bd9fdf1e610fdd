/*
 * target.c
 *	  Region, endpoint and credentials of one call.
 */
#include "postgres.h"

#include "aws/endpoint.h"
#include "client/credentials.h"
#include "client/settings.h"
#include "client/target.h"
#include "client/text.h"

/* All that a call points to, in one piece. */
typedef struct Settled
{
	HlClientConfig config;
	HlTarget target;
	HlSigv4Credentials credentials;
	HlEndpoint endpoint;
} Settled;

/* The first of some strings that is not empty; NULL if all are. */
static const char *
first_given(const char *const *strings, int count)
{
	for (int i = 0; i < count; i++)
		if (strings[i] != NULL && strings[i][0] != '\0')
			return strings[i];
	return NULL;
}

/* The region to use, as whoever named it wrote it. */
static const char *
region_of(const char *argument)
{
	const char *const named[] = {argument, hl_settings.region,
								 getenv("AWS_REGION"),
								 getenv("AWS_DEFAULT_REGION")};
	const char *region = first_given(named, lengthof(named));

	if (region == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no AWS region is set"),
						errhint("Set healthlake.region, or give the argument "
								"\"region\".")));
	if (!hl_endpoint_is_region(region))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid AWS region \"%s\"", region),
						errhint("A region is one word such as us-east-1.")));
	return region;
}

/* Refuses a region that the operator has left out. */
static void
refuse_region(const char *region)
{
	if (!hl_settings_list_allows(hl_settings.allowed_regions, region))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("AWS region \"%s\" is not allowed", region),
						errdetail("healthlake.allowed_regions is \"%s\".",
								  hl_settings.allowed_regions)));
}

/* What may help where a host prefix was put before the endpoint's name. */
static const char *
prefix_hint(const char *prefix)
{
	return psprintf("The operation's requests go to a host whose name begins "
					"with \"%s\"; AWS_DISABLE_HOST_PREFIX_INJECTION=true in "
					"the server's environment leaves that out.",
					prefix);
}

/* Refuses an endpoint that the rules, or safety, do not permit. */
static void
refuse_endpoint(HlEndpointOutcome outcome, const HlEndpoint *endpoint,
				const char *prefix)
{
	if (outcome == HL_ENDPOINT_CONFLICT)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s", endpoint->reason),
						errhint("Check healthlake.use_fips_endpoint, "
								"healthlake.use_dualstack_endpoint and "
								"healthlake.endpoint_url.")));
	if (outcome != HL_ENDPOINT_OK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid endpoint: %s", endpoint->reason),
						prefix ? errhint("%s", prefix_hint(prefix)) : 0));
	if (!endpoint->tls && !hl_endpoint_is_loopback(endpoint))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid endpoint: http is for a loopback "
							   "address alone"),
						prefix ? errhint("%s", prefix_hint(prefix)) : 0));
}

/* AWS's own switch against host prefixes, for endpoints that lack them. */
static bool
prefixes_are_off(void)
{
	const char *value = getenv("AWS_DISABLE_HOST_PREFIX_INJECTION");

	return value != NULL && pg_strcasecmp(value, "true") == 0;
}

/* Finds out where the call goes. */
static void
settle_endpoint(HlCall *call, Settled *settled, const char *region)
{
	HlEndpoint *endpoint = &settled->endpoint;
	HlEndpointParameters parameters = {
		.service = "healthlake",
		.region = region_of(region),
		.url = hl_settings.endpoint_url,
		.host_prefix = prefixes_are_off() ? NULL : call->host_prefix,
		.use_fips = hl_settings.use_fips_endpoint,
		.use_dual_stack = hl_settings.use_dualstack_endpoint};

	refuse_endpoint(hl_endpoint_resolve(&parameters, endpoint), endpoint,
					parameters.host_prefix);
	refuse_region(endpoint->signing_region);
	settled->target = (HlTarget){.plain = !endpoint->tls,
								 .authority = endpoint->authority,
								 .path = endpoint->path};
	call->target = &settled->target;
	call->host_prefix = NULL; /* the endpoint has it */
	call->region = endpoint->signing_region;
	call->service = "healthlake";
}

/* Takes over the limits that the settings name. */
static void
settle_limits(HlClientConfig *config)
{
	config->ca_bundle = hl_settings.ca_bundle;
	config->proxy = hl_settings.proxy;
	config->connect_timeout_ms = hl_settings.connect_timeout;
	config->request_timeout_ms = hl_settings.request_timeout;
	config->max_attempts = hl_settings.max_attempts;
	config->max_response_size = (size_t) hl_settings.max_response_size * 1024;
}

/* Settles all of it. */
bool
hl_target_settle(HlCall *call, const char *region)
{
	Settled *settled = palloc0(sizeof(Settled));
	const char *reason = NULL;

	settle_endpoint(call, settled, region);
	settle_limits(&settled->config);
	settled->config.credentials = &settled->credentials;
	call->config = &settled->config;
	if (hl_credentials_find(&settled->credentials, &reason))
		return true;
	call->reply.outcome = HL_OUTCOME_UNSIGNED;
	call->reply.network = pstrdup(reason);
	return false;
}
