/*
 * plan_profile.c
 *	  Plans by a profile: its first source and its chain of roles.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "credentials/plan.h"
#include "credentials/profiles.h"
#include "credentials/secret.h"
#include "credentials/steps.h"
#include "server/file.h"
#include "server/settings.h"

#define HINT_PROFILE "Correct the profile in AWS's config or credentials file."

static char *
copy(const char *value)
{
	return value != NULL ? pstrdup(value) : NULL;
}

static HlPlanAnswer
refuse(HlPlan *plan, const HlProfile *profile, const char *reason)
{
	if (plan->hint == NULL)
		plan->hint = HINT_PROFILE;
	return hl_plan_refuse(
		plan, HL_PLAN_BROKEN,
		psprintf("profile \"%s\": %s", profile->name, reason));
}

/* Whether a profile has any credential property. */
static bool
is_about_credentials(const HlProfile *profile)
{
	static const char *const names[] = {
		"aws_access_key_id", "aws_secret_access_key", "aws_session_token",
		"role_arn",          "source_profile",        "credential_source",
		"sso_session",       "sso_account_id",        "sso_role_name",
		"sso_start_url",     "credential_process",    "web_identity_token_file",
		"login_session"};

	for (size_t i = 0; i < lengthof(names); i++)
		if (hl_profile_value(profile, names[i]) != NULL)
			return true;
	return false;
}

static HlPlanAnswer
plan_keys(HlPlan *plan, const HlProfileSource *source)
{
	plan->keys.access_key_id = hl_secret_copy(source->access_key_id);
	plan->keys.secret_access_key = hl_secret_copy(source->secret_access_key);
	plan->keys.session_token = hl_secret_copy(source->session_token);
	return HL_PLAN_FOUND;
}

static HlPlanAnswer
plan_named(HlPlan *plan, const HlProfileSource *source)
{
	static const struct
	{
		const char *name;
		const char *word;
		HlPlanAnswer (*ask)(HlPlan *plan);
	} rows[] = {{"Environment", "environment", hl_plan_environment},
				{"EcsContainer", "container", hl_plan_container},
				{"Ec2InstanceMetadata", "metadata", hl_plan_metadata}};

	for (size_t i = 0; i < lengthof(rows); i++)
		if (strcmp(source->named, rows[i].name) == 0)
		{
			if (!hl_settings_list_allows(hl_settings.credential_sources,
										 rows[i].word))
				return refuse(plan, source->profile,
							  "healthlake.credential_sources leaves its "
							  "credential_source out");
			if (rows[i].ask(plan) == HL_PLAN_FOUND)
			{
				plan->optional = false;
				return HL_PLAN_FOUND;
			}
			return refuse(plan, source->profile,
						  psprintf("credential_source %s: %s", rows[i].name,
								   plan->reason));
		}
	return refuse(plan, source->profile,
				  "credential_source is not Environment, EcsContainer or "
				  "Ec2InstanceMetadata");
}

static HlPlanAnswer
plan_web_identity(HlPlan *plan, const HlProfileSource *source)
{
	if (!hl_settings_list_allows(hl_settings.credential_sources,
								 "web_identity"))
		return refuse(plan, source->profile,
					  "healthlake.credential_sources leaves web_identity out");
	if (source->role_session_name != NULL &&
		!hl_sts_is_session_name(source->role_session_name))
		return refuse(plan, source->profile,
					  "role_session_name is not a valid session name");
	plan->kind = &hl_web_identity_provider;
	plan->file = hl_file_expand(source->web_identity_token_file);
	plan->roles[plan->nroles++] =
		(HlStsRole){.role_arn = copy(source->role_arn),
					.session_name = source->role_session_name != NULL
										? copy(source->role_session_name)
										: plan->session_name};
	return HL_PLAN_FOUND;
}

static HlPlanAnswer
plan_process(HlPlan *plan, const HlProfileSource *source)
{
	if (!hl_settings.allow_credential_process)
	{
		plan->hint = "healthlake.allow_credential_process can only be set in "
					 "the configuration file.";
		return refuse(plan, source->profile,
					  "credential_process is not allowed");
	}
	plan->kind = &hl_process_provider;
	plan->command = hl_secret_copy(source->process);
	return HL_PLAN_FOUND;
}

/*
 * The file in which "aws sso login" caches its token. Its name is the SHA-1 of
 * the session's name or start URL.
 */
static char *
sign_on_file(const char *name)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";

	if (EVP_Digest(name, strlen(name), digest, &len, EVP_sha1(), NULL) != 1)
		return NULL;
	for (unsigned int i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	return hl_file_expand(psprintf("~/.aws/sso/cache/%s.json", hex));
}

static HlPlanAnswer
plan_sign_on(HlPlan *plan, const HlProfileSource *source)
{
	if (!hl_settings_list_allows(hl_settings.credential_sources, "sso"))
	{
		plan->hint = "Add sso to healthlake.credential_sources.";
		return refuse(plan, source->profile,
					  "healthlake.credential_sources leaves sso out");
	}
	if (source->sso_start_url == NULL || source->sso_region == NULL ||
		source->sso_account_id == NULL || source->sso_role_name == NULL)
		return refuse(plan, source->profile,
					  "sso_start_url, sso_region, sso_account_id and "
					  "sso_role_name go together");
	if (!hl_endpoint_is_region(source->sso_region))
		return refuse(plan, source->profile, "sso_region is not a region");
	plan->kind = &hl_sso_provider;
	plan->file =
		sign_on_file(source->sso_session != NULL ? source->sso_session
												 : source->sso_start_url);
	if (plan->file == NULL)
		return refuse(plan, source->profile, "OpenSSL has no SHA-1 for us");
	plan->sso_region = copy(source->sso_region);
	plan->sso_account = copy(source->sso_account_id);
	plan->sso_role = copy(source->sso_role_name);
	return HL_PLAN_FOUND;
}

static HlPlanAnswer
plan_source(HlPlan *plan, const HlProfileSource *source)
{
	switch (source->kind)
	{
		case HL_PROFILE_SOURCE_KEYS:
			return plan_keys(plan, source);
		case HL_PROFILE_SOURCE_NAMED:
			return plan_named(plan, source);
		case HL_PROFILE_SOURCE_WEB_IDENTITY:
			return plan_web_identity(plan, source);
		case HL_PROFILE_SOURCE_SSO:
			return plan_sign_on(plan, source);
		case HL_PROFILE_SOURCE_PROCESS:
			return plan_process(plan, source);
		default:
			plan->hint = "Sign-ons of \"aws login\" are not read. Give the "
						 "profile a role_arn with a source_profile or a "
						 "credential_source, or an sso_session.";
			return refuse(plan, source->profile,
						  "login_session is not supported");
	}
}

/* Adds a role of a chain; returns NULL, or why it cannot be assumed. */
static const char *
add_role(HlPlan *plan, const HlProfileRole *role)
{
	const char *duration = hl_profile_value(role->profile, "duration_seconds");

	if (role->mfa_serial != NULL)
		return "mfa_serial wants a code that a server cannot ask anybody for";
	if (role->role_session_name != NULL &&
		!hl_sts_is_session_name(role->role_session_name))
		return "role_session_name is not a valid session name";
	if (duration != NULL && !hl_sts_is_duration(duration))
		return "duration_seconds is not from 900 to 43200";
	plan->roles[plan->nroles++] =
		(HlStsRole){.role_arn = copy(role->role_arn),
					.external_id = hl_secret_copy(role->external_id),
					.session_name = role->role_session_name != NULL
										? copy(role->role_session_name)
										: plan->session_name,
					.duration = copy(duration)};
	return NULL;
}

static HlPlanAnswer
plan_chain(HlPlan *plan, const HlProfileChain *chain, const char *name)
{
	HlPlanAnswer answer = plan_source(plan, &chain->source);

	if (answer != HL_PLAN_FOUND)
		return answer;
	for (int i = 0; i < chain->nroles; i++)
	{
		const char *reason = add_role(plan, &chain->roles[i]);

		if (reason != NULL)
			return refuse(plan, chain->roles[i].profile, reason);
	}
	plan->source = plan->source == NULL
					   ? psprintf("profile \"%s\"", name)
					   : psprintf("profile \"%s\" (%s)", name, plan->source);
	return HL_PLAN_FOUND;
}

/* Returns the fault of a file as a reason; false: there is none. */
static bool
has_fault(HlPlan *plan, HlProfileFile file)
{
	const char *fault = hl_profiles_fault(file);

	if (fault == NULL)
		return false;
	plan->reason = pstrdup(fault);
	plan->hint = copy(hl_profiles_hint(file));
	if (plan->hint == NULL)
		plan->hint = "Correct the file, and see that the server's user can "
					 "read it.";
	return true;
}

HlPlanAnswer
hl_plan_profile(HlPlan *plan, const char *name, const char *by)
{
	const HlProfiles *profiles = hl_profiles_kept();
	const HlProfile *profile =
		hl_profile_find(profiles, HL_PROFILE_PROFILE, name);
	bool set = by != NULL && strcmp(by, "healthlake.profile") == 0;
	HlProfileChain *chain;

	if (has_fault(plan, HL_PROFILE_CONFIG) ||
		has_fault(plan, HL_PROFILE_CREDENTIALS))
		return HL_PLAN_BROKEN;
	if (profile == NULL && by == NULL)
		return hl_plan_refuse(plan, HL_PLAN_EMPTY,
							  "profile \"default\" does not exist");
	if (profile == NULL)
		return hl_plan_break(
			plan,
			psprintf("profile \"%s\", which %s names, does not exist", name,
					 by),
			psprintf(HL_PROFILES_MISSING_HINT, by));
	plan->hint = HINT_PROFILE;
	if (!is_about_credentials(profile))
		return hl_plan_refuse(
			plan, set ? HL_PLAN_BROKEN : HL_PLAN_EMPTY,
			psprintf("profile \"%s\" has no credentials", name));
	chain = palloc(sizeof(HlProfileChain));
	if (hl_profile_chain_resolve(profiles, name, true, chain) !=
		HL_PROFILE_CHAIN_OK)
		return hl_plan_refuse(plan, HL_PLAN_BROKEN, pstrdup(chain->reason));
	return plan_chain(plan, chain, name);
}
