/*
 * target.c
 *	  Region, endpoint and credentials of one call.
 */
#include "postgres.h"

#include "aws/endpoint.h"
#include "credentials/credentials.h"
#include "credentials/environment.h"
#include "credentials/profiles.h"
#include "credentials/secret.h"
#include "engine/target.h"
#include "server/file.h"
#include "server/settings.h"
#include "server/text.h"

/* Everything that a call points to. */
typedef struct Settled
{
	HlLimits limits;
	HlTarget target;
} Settled;

/*
 * Refuses a configured profile that does not exist, since it could contain the
 * region.
 */
static void
refuse_missing_profile(void)
{
	const char *by;
	const char *name = hl_environment_profile(&by);

	if (by != NULL &&
		hl_profile_find(hl_profiles_kept(), HL_PROFILE_PROFILE, name) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no AWS region is set, and profile \"%s\", which %s "
						"names, does not exist",
						name, by),
				 errhint(HL_PROFILES_MISSING_HINT, by)));
}

/* The region, as it was configured. */
static const char *
region_of(const char *argument)
{
	const char *region = argument;

	if (region == NULL || region[0] == '\0')
		region = hl_settings.region;
	if (region == NULL || region[0] == '\0')
		region = hl_environment_variable("AWS_REGION");
	if (region == NULL)
		region = hl_environment_variable("AWS_DEFAULT_REGION");
	if (region == NULL)
		region = hl_environment_property("region");
	if (region == NULL)
		refuse_missing_profile();
	if (region == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no AWS region is set"),
						errhint("Set healthlake.region, or give the argument "
								"\"region\".")));
	if (!hl_endpoint_is_region(region))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid AWS region \"%s\"", hl_text_clip(region)),
			 errhint(
				 "A region is one word in lower case, such as us-east-1.")));
	return region;
}

/* Refuses a region that healthlake.allowed_regions does not contain. */
static void
refuse_region(const char *region)
{
	if (!hl_settings_list_allows(hl_settings.allowed_regions, region))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("AWS region \"%s\" is not allowed", region),
						errdetail("healthlake.allowed_regions is \"%s\".",
								  hl_settings.allowed_regions)));
}

/* The hint for an endpoint name with a host prefix. */
static const char *
prefix_hint(const char *prefix)
{
	return psprintf("The operation's requests go to a host whose name begins "
					"with \"%s\"; AWS_DISABLE_HOST_PREFIX_INJECTION=true in "
					"the server's environment leaves that out.",
					prefix);
}

/* Refuses an endpoint that the rules or security do not permit. */
static void
refuse_endpoint(HlEndpointOutcome outcome, const HlEndpoint *endpoint,
				const char *from, const char *prefix)
{
	const char *where = from != NULL ? psprintf(" (%s)", from) : "";
	bool clear = outcome == HL_ENDPOINT_OK && !endpoint->tls &&
				 !hl_endpoint_is_loopback(endpoint);

	hl_text_refuse_memory(outcome == HL_ENDPOINT_NO_MEMORY);
	if (outcome == HL_ENDPOINT_CONFLICT)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s", endpoint->reason),
			 errhint("Check healthlake.use_fips_endpoint, "
					 "healthlake.use_dualstack_endpoint and "
					 "healthlake.endpoint_url, and the corresponding values in "
					 "the server's environment and AWS's config file.")));
	if (outcome != HL_ENDPOINT_OK || clear)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid endpoint%s: %s", where,
						clear ? "http is allowed only for a loopback address"
							  : endpoint->reason),
				 prefix ? errhint("%s", prefix_hint(prefix)) : 0));
}

/*
 * AWS's switch that disables host prefixes, for endpoints without such names.
 */
static bool
prefixes_are_off(void)
{
	const char *value = getenv("AWS_DISABLE_HOST_PREFIX_INJECTION");

	return value != NULL && pg_strcasecmp(value, "true") == 0;
}

/*
 * The endpoint that was resolved last, with its parameters. Most calls have
 * the same as the one before, and libcurl's URL parser is slow.
 */
static struct
{
	bool known;
	char region[64];
	char url[HL_ENDPOINT_MAX_URL + 1];
	char host_prefix[64];
	bool use_fips;
	bool use_dual_stack;
	HlEndpoint endpoint;
} last;

/* Whether a string is the kept one; NULL is "". */
static bool
is_kept(const char *kept, const char *given)
{
	return strcmp(kept, given != NULL ? given : "") == 0;
}

/* Keeps a string; false if it is too long. */
static bool
keep_string(char *kept, const char *given, size_t size)
{
	return strlcpy(kept, given != NULL ? given : "", size) < size;
}

/* Applies the rules, unless the result for these parameters is in "last". */
static HlEndpointOutcome
resolve_endpoint(const HlEndpointParameters *given)
{
	HlEndpointOutcome outcome;

	if (last.known && is_kept(last.region, given->region) &&
		is_kept(last.url, given->url) &&
		is_kept(last.host_prefix, given->host_prefix) &&
		last.use_fips == given->use_fips &&
		last.use_dual_stack == given->use_dual_stack)
		return HL_ENDPOINT_OK;
	outcome = hl_endpoint_resolve(given, &last.endpoint);
	last.known = outcome == HL_ENDPOINT_OK &&
				 keep_string(last.region, given->region, sizeof(last.region)) &&
				 keep_string(last.url, given->url, sizeof(last.url)) &&
				 keep_string(last.host_prefix, given->host_prefix,
							 sizeof(last.host_prefix));
	last.use_fips = given->use_fips;
	last.use_dual_stack = given->use_dual_stack;
	return outcome;
}

static void
settle_endpoint(HlCall *call, Settled *settled, const char *region)
{
	const HlEndpoint *endpoint = &last.endpoint;
	HlEndpointParameters parameters = {
		.service = "healthlake",
		.region = region_of(region),
		.url = hl_settings.endpoint_url,
		.host_prefix = prefixes_are_off() ? NULL : call->host_prefix,
		.use_fips =
			hl_settings.use_fips_endpoint ||
			hl_environment_switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
		.use_dual_stack = hl_settings.use_dualstack_endpoint ||
						  hl_environment_switch("AWS_USE_DUALSTACK_ENDPOINT",
												"use_dualstack_endpoint")};
	const char *from = "healthlake.endpoint_url";
	const char *named = NULL; /* the variable or property; NULL: the setting */

	if (parameters.url == NULL || parameters.url[0] == '\0')
	{
		parameters.url = hl_environment_endpoint("healthlake", &from);
		named = parameters.url != NULL ? from : NULL;
	}
	refuse_endpoint(resolve_endpoint(&parameters), endpoint, named,
					parameters.host_prefix);
	refuse_region(endpoint->signing_region);
	settled->target = (HlTarget){.plain = !endpoint->tls,
								 .from = parameters.url != NULL ? from : NULL,
								 .authority = pstrdup(endpoint->authority),
								 .path = pstrdup(endpoint->path)};
	call->target = &settled->target;
	call->host_prefix = NULL; /* it is part of the endpoint */
	call->region = pstrdup(endpoint->signing_region);
	call->service = "healthlake";
}

/* The file of certificate authorities; NULL for the system's. */
static const char *
ca_bundle(void)
{
	const char *file = hl_settings.ca_bundle;

	if (file != NULL && file[0] != '\0')
		return pstrdup(file);
	file = hl_environment_variable("AWS_CA_BUNDLE");
	if (file == NULL)
		file = hl_environment_property("ca_bundle");
	return file != NULL ? hl_file_expand((char *) file) : NULL;
}

/* Copies the limits from the settings, which may change during the call. */
static void
settle_limits(HlLimits *limits)
{
	limits->ca_bundle = ca_bundle();
	limits->proxy = hl_secret_copy(hl_settings.proxy);
	limits->connect_timeout_ms = hl_settings.connect_timeout;
	limits->request_timeout_ms = hl_settings.request_timeout;
	limits->max_attempts = hl_settings.max_attempts;
	limits->max_in_flight = hl_settings.max_concurrency;
	limits->max_response_size = (size_t) hl_settings.max_response_size * 1024;
}

/* Plans the credentials of a call whose region is known. */
static bool
settle_credentials(HlCall *call, Settled *settled, List **notes)
{
	HlCredentials *credentials = hl_credentials_create(
		call->region, settled->limits.ca_bundle, settled->limits.proxy);

	call->credentials = credentials;
	if (hl_credentials_plan(credentials, notes))
	{
		call->reply.source = credentials->source;
		return true;
	}
	call->reply.outcome = HL_OUTCOME_UNSIGNED;
	call->reply.network = pstrdup(credentials->reason);
	call->reply.hint =
		credentials->hint != NULL ? pstrdup(credentials->hint) : NULL;
	return false;
}

bool
hl_target_settle(HlCall *call, const char *region, List **notes)
{
	Settled *settled = palloc0(sizeof(Settled));

	hl_profiles_read();
	settle_endpoint(call, settled, region);
	settle_limits(&settled->limits);
	call->limits = &settled->limits;
	if (call->bearer == NULL)
		return settle_credentials(call, settled, notes);
	call->reply.source = "healthlake.bearer_token";
	call->reply.hint = "Set healthlake.bearer_token to a token that is valid "
					   "for this data store.";
	return true;
}

void
hl_target_address(HlCall *call, const char *region)
{
	hl_profiles_read();
	settle_endpoint(call, palloc0(sizeof(Settled)), region);
}

char *
hl_target_url(const HlCall *call)
{
	return psprintf("%s://%s%s", call->target->plain ? "http" : "https",
					call->target->authority, call->target->path);
}
