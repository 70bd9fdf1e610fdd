/*
 * endpoints.c
 *	  Endpoints of the services that issue credentials.
 */
#include "postgres.h"

#include "credentials/endpoints.h"
#include "credentials/environment.h"
#include "server/settings.h"
#include "server/text.h"

/*
 * Resolves an endpoint; returns NULL, or the reason why it cannot be used,
 * palloc'd.
 */
static char *
resolve(const HlEndpointParameters *parameters, HlEndpoint *endpoint)
{
	HlEndpointOutcome outcome = hl_endpoint_resolve(parameters, endpoint);
	const char *reason = NULL;

	hl_text_refuse_memory(outcome == HL_ENDPOINT_NO_MEMORY);
	if (outcome != HL_ENDPOINT_OK)
		reason = endpoint->reason;
	else if (!endpoint->tls && !hl_endpoint_is_loopback(endpoint))
		reason = "http is allowed only for a loopback address";
	return reason == NULL ? NULL
						  : psprintf("the endpoint of %s cannot be used: %s",
									 parameters->service, reason);
}

static bool
wants_fips(void)
{
	return hl_settings.use_fips_endpoint ||
		   hl_environment_switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
}

/* Whether the old regions of STS share one endpoint, which is opt-in. */
static bool
wants_global_sts(void)
{
	const char *value = hl_environment_variable("AWS_STS_REGIONAL_ENDPOINTS");

	if (value == NULL)
		value = hl_environment_property("sts_regional_endpoints");
	return value != NULL && strcmp(value, "legacy") == 0;
}

void
hl_endpoints_find_sts(HlPlan *plan, const char *region)
{
	HlEndpointParameters parameters = {
		.service = "sts",
		.region = region,
		.url = hl_settings.sts_endpoint_url,
		.use_fips = wants_fips(),
		.use_dual_stack = hl_settings.use_dualstack_endpoint ||
						  hl_environment_switch("AWS_USE_DUALSTACK_ENDPOINT",
												"use_dualstack_endpoint"),
		.use_global = wants_global_sts()};

	plan->sts_from = "healthlake.sts_endpoint_url";
	if (parameters.url == NULL || parameters.url[0] == '\0')
		parameters.url = hl_environment_endpoint("sts", &plan->sts_from);
	if (parameters.url == NULL)
		plan->sts_from = NULL;
	plan->sts = palloc(sizeof(HlEndpoint));
	plan->sts_reason = resolve(&parameters, plan->sts);
}

void
hl_endpoints_find_portal(HlPlan *plan)
{
	const char *from;
	const char *url = hl_environment_endpoint("sso", &from);
	HlEndpointParameters parameters = {.service = "sso",
									   .region = plan->sso_region};

	if (url == NULL && wants_fips())
	{
		plan->portal_reason =
			psprintf("%s: single sign-on has no FIPS endpoint", plan->source);
		return;
	}
	if (url == NULL)
		url = psprintf("https://portal.sso.%s.%s", plan->sso_region,
					   hl_endpoint_partition(plan->sso_region)->dns_suffix);
	parameters.url = url;
	plan->portal = palloc(sizeof(HlEndpoint));
	plan->portal_reason = resolve(&parameters, plan->portal);
}
