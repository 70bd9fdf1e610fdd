/*
 * environment.c
 *	  AWS's environment variables and profiles.
 */
#include "postgres.h"

#include "base/bytes.h"
#include "credentials/environment.h"
#include "credentials/profiles.h"
#include "server/settings.h"
#include "server/text.h"

const char *
hl_environment_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[strspn(value, " \t\r\n")] != '\0' ? value
																	: NULL;
}

const char *
hl_environment_profile(const char **by)
{
	static const char *const variables[] = {"AWS_PROFILE",
											"AWS_DEFAULT_PROFILE"};

	*by = "healthlake.profile";
	if (hl_settings.profile != NULL && hl_settings.profile[0] != '\0')
		return hl_settings.profile;
	for (size_t i = 0; i < lengthof(variables); i++)
	{
		*by = variables[i];
		if (hl_environment_variable(variables[i]) != NULL)
			return hl_environment_variable(variables[i]);
	}
	*by = NULL;
	return "default";
}

/* The section of the current profile; NULL if there is none. */
static const HlProfile *
profile_in_force(const HlProfiles **profiles)
{
	const char *by;
	const char *fault;

	*profiles = hl_profiles_kept();
	fault = hl_profiles_fault(HL_PROFILE_CONFIG);
	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("AWS's config file cannot be used: %s", fault),
						hl_profiles_hint(HL_PROFILE_CONFIG) != NULL
							? errhint("%s", hl_profiles_hint(HL_PROFILE_CONFIG))
							: 0));
	/* without files, the environment need not be searched for a name */
	return (*profiles)->count == 0
			   ? NULL
			   : hl_profile_find(*profiles, HL_PROFILE_PROFILE,
								 hl_environment_profile(&by));
}

const char *
hl_environment_property(const char *name)
{
	const HlProfiles *profiles;
	const char *value = hl_profile_value(profile_in_force(&profiles), name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

bool
hl_environment_switch(const char *variable, const char *property)
{
	const char *value = hl_environment_variable(variable);
	const char *from = variable;

	if (value == NULL)
	{
		value = hl_environment_property(property);
		from = property;
	}
	if (value == NULL || pg_strcasecmp(value, "false") == 0)
		return false;
	if (pg_strcasecmp(value, "true") != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s is neither true nor false", from)));
	return true;
}

/* The endpoint for a service in the profile's services section. */
static const char *
services_endpoint(const char *service, const char **from)
{
	const HlProfiles *profiles;
	const HlProfile *profile = profile_in_force(&profiles);
	const char *name = hl_profile_value(profile, "services");
	const HlProfile *services;
	HlBytes value = {0};
	char *url = NULL;

	if (name == NULL)
		return NULL;
	services = hl_profile_find(profiles, HL_PROFILE_SERVICES, name);
	if (services == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("profile \"%s\" names services section \"%s\", which "
						"does not exist",
						profile->name, name)));
	/*
	 * if memory is missing, AWS's endpoint must not be used: hl_text_take()
	 * throws
	 */
	if (hl_profile_nested_value(services, service, "endpoint_url", &value) &&
		(value.failed || value.len > 0))
		url = hl_text_take(&value);
	hl_bytes_free(&value);
	*from = psprintf("services section \"%s\"", name);
	return url;
}

const char *
hl_environment_endpoint(const char *service, const char **from)
{
	char variable[64] = "AWS_ENDPOINT_URL_";
	const char *url;

	if (hl_environment_switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
							  "ignore_configured_endpoint_urls"))
		return NULL;
	for (const char *c = service; *c != '\0'; c++)
		variable[strlen(variable)] = (char) pg_toupper((unsigned char) *c);
	*from = pstrdup(variable);
	url = hl_environment_variable(variable);
	if (url == NULL)
	{
		*from = "AWS_ENDPOINT_URL";
		url = hl_environment_variable("AWS_ENDPOINT_URL");
	}
	if (url == NULL)
		url = services_endpoint(service, from);
	if (url == NULL)
	{
		*from = "endpoint_url of the profile";
		url = hl_environment_property("endpoint_url");
	}
	return url;
}
