/*
 * profile_chain.c
 *	  From a profile to the source of its credentials. A role_arn makes a
 *	  profile a link to another profile, or to itself; any other profile ends
 *	  the chain. Reasons have the wording of AWS's SDKs.
 */
#include "aws/profile_chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Sets the reason. */
__attribute__((format(printf, 2, 3))) static bool
refuse(HlProfileChain *chain, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(chain->reason, sizeof(chain->reason), format, arguments);
	va_end(arguments);
	return false;
}

static bool
has(const HlProfile *profile, const char *name)
{
	return hl_profile_value(profile, name) != NULL;
}

/* Whether a profile has an access key id and a secret access key. */
static bool
has_keys(const HlProfile *profile)
{
	return has(profile, "aws_access_key_id") &&
		   has(profile, "aws_secret_access_key");
}

/* Whether an access key id is in the credentials file. */
static bool
has_shared_keys(const HlProfile *profile)
{
	return hl_profile_value_from(profile, HL_PROFILE_CREDENTIALS,
								 "aws_access_key_id") != NULL;
}

/*
 * What belongs to an access key id: the secret and the token are of the file
 * that the id is from, if there is an id, since botocore's providers each read
 * one file.
 */
static const char *
find_beside_id(const HlProfile *profile, const char *name)
{
	HlProfileFile file =
		has_shared_keys(profile) ? HL_PROFILE_CREDENTIALS : HL_PROFILE_CONFIG;

	return has(profile, "aws_access_key_id")
			   ? hl_profile_value_from(profile, file, name)
			   : hl_profile_value(profile, name);
}

/* A session token; an empty one is missing, as in botocore. */
static const char *
find_token(const HlProfile *profile, const char *name)
{
	const char *value = find_beside_id(profile, name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool
use_keys(HlProfileChain *chain, const HlProfile *profile)
{
	HlProfileSource *source = &chain->source;

	source->kind = HL_PROFILE_SOURCE_KEYS;
	source->access_key_id = hl_profile_value(profile, "aws_access_key_id");
	source->secret_access_key =
		find_beside_id(profile, "aws_secret_access_key");
	source->session_token = find_token(profile, "aws_session_token");
	if (source->session_token == NULL)
		source->session_token = find_token(profile, "aws_security_token");
	source->account_id = hl_profile_value(profile, "aws_account_id");
	if (source->access_key_id == NULL && source->secret_access_key == NULL &&
		source->session_token == NULL)
		return refuse(chain,
					  "profile `%s` did not contain credential information",
					  profile->name);
	if (source->access_key_id == NULL || source->secret_access_key == NULL)
		return refuse(chain,
					  "invalid credential source in `%s`: profile missing %s",
					  profile->name,
					  source->access_key_id == NULL ? "aws_access_key_id"
													: "aws_secret_access_key");
	return true;
}

static bool
use_web_identity(HlProfileChain *chain, const HlProfile *profile)
{
	HlProfileSource *source = &chain->source;

	source->kind = HL_PROFILE_SOURCE_WEB_IDENTITY;
	source->role_arn = hl_profile_value(profile, "role_arn");
	source->role_session_name = hl_profile_value(profile, "role_session_name");
	source->web_identity_token_file =
		hl_profile_value(profile, "web_identity_token_file");
	if (source->role_arn == NULL)
		return refuse(chain,
					  "invalid credential source in `%s`: "
					  "`web_identity_token_file` was specified but `role_arn` "
					  "was missing",
					  profile->name);
	return true;
}

/* Whether a profile signs on for the credentials of a role. */
static bool
has_sso_role(const HlProfile *profile)
{
	return has(profile, "sso_account_id") || has(profile, "sso_role_name");
}

/* Whether a profile only has a sign-on, which gives a token and no keys. */
static bool
has_only_sso(const HlProfile *profile)
{
	return (has(profile, "sso_session") || has(profile, "sso_start_url") ||
			has(profile, "sso_region")) &&
		   !has(profile, "aws_access_key_id") &&
		   !has(profile, "aws_secret_access_key");
}

/* Copies region and start URL from the sso-session of a profile. */
static bool
use_sso_session(HlProfileChain *chain, const HlProfiles *profiles,
				const HlProfile *profile)
{
	HlProfileSource *source = &chain->source;
	const HlProfile *session =
		hl_profile_find(profiles, HL_PROFILE_SSO_SESSION, source->sso_session);

	if (source->sso_start_url != NULL || source->sso_region != NULL)
		return refuse(chain,
					  "profile `%s` has invalid SSO config: `%s` can only be "
					  "specified in the [sso-session] config when a session "
					  "name is given",
					  profile->name,
					  source->sso_start_url != NULL ? "sso_start_url"
													: "sso_region");
	if (session == NULL)
		return refuse(chain,
					  "sso-session named `%s` (referenced by profile `%s`) was "
					  "not found",
					  source->sso_session, profile->name);
	source->sso_start_url = hl_profile_value(session, "sso_start_url");
	source->sso_region = hl_profile_value(session, "sso_region");
	return true;
}

/* Copies the SSO properties of the profile or of its sso-session. */
static bool
use_sso(HlProfileChain *chain, const HlProfiles *profiles,
		const HlProfile *profile)
{
	HlProfileSource *source = &chain->source;

	source->kind = HL_PROFILE_SOURCE_SSO;
	source->sso_session = hl_profile_value(profile, "sso_session");
	source->sso_region = hl_profile_value(profile, "sso_region");
	source->sso_start_url = hl_profile_value(profile, "sso_start_url");
	source->sso_account_id = hl_profile_value(profile, "sso_account_id");
	source->sso_role_name = hl_profile_value(profile, "sso_role_name");
	if (source->sso_session != NULL &&
		!use_sso_session(chain, profiles, profile))
		return false;
	if ((source->sso_account_id == NULL) != (source->sso_role_name == NULL))
		return refuse(chain,
					  "profile `%s` has invalid SSO config: if `%s` is set, "
					  "then `%s` must also be set",
					  profile->name,
					  source->sso_account_id != NULL ? "sso_account_id"
													 : "sso_role_name",
					  source->sso_account_id != NULL ? "sso_role_name"
													 : "sso_account_id");
	if (source->sso_region == NULL || source->sso_start_url == NULL)
		return refuse(
			chain, "profile `%s` has invalid SSO config: `%s` was missing",
			profile->name,
			source->sso_region == NULL ? "sso_region" : "sso_start_url");
	return true;
}

/*
 * Ends the chain with the first source of a profile, in botocore's order: keys
 * in the credentials file go before a process, those in the config file after
 * it.
 */
static bool
use_source(HlProfileChain *chain, const HlProfiles *profiles,
		   const HlProfile *profile)
{
	HlProfileSource *source = &chain->source;

	*source = (HlProfileSource){.profile = profile};
	source->named = hl_profile_value(profile, "credential_source");
	source->kind = HL_PROFILE_SOURCE_NAMED;
	if (source->named != NULL)
		return true;
	if (has(profile, "web_identity_token_file"))
		return use_web_identity(chain, profile);
	if (has_sso_role(profile))
		return use_sso(chain, profiles, profile);
	if (has_shared_keys(profile))
		return use_keys(chain, profile);
	source->login_session = hl_profile_value(profile, "login_session");
	source->kind = HL_PROFILE_SOURCE_LOGIN;
	if (source->login_session != NULL)
		return true;
	source->process = hl_profile_value(profile, "credential_process");
	source->kind = HL_PROFILE_SOURCE_PROCESS;
	if (source->process != NULL)
	{
		source->account_id = hl_profile_value(profile, "aws_account_id");
		return true;
	}
	if (has_only_sso(profile))
		return use_sso(chain, profiles, profile);
	return use_keys(chain, profile);
}

static bool
add_role(HlProfileChain *chain, const HlProfile *profile)
{
	if (chain->nroles == HL_PROFILE_CHAIN_ROLES)
		return refuse(chain, "profile `%s` is behind more than %d roles",
					  profile->name, HL_PROFILE_CHAIN_ROLES);
	chain->roles[chain->nroles++] = (HlProfileRole){
		.profile = profile,
		.role_arn = hl_profile_value(profile, "role_arn"),
		.external_id = hl_profile_value(profile, "external_id"),
		.role_session_name = hl_profile_value(profile, "role_session_name"),
		.mfa_serial = hl_profile_value(profile, "mfa_serial"),
	};
	return true;
}

/*
 * Whether a profile refers to another one; role_arn with a web identity does
 * not.
 */
static bool
is_link(const HlProfile *profile)
{
	return has(profile, "role_arn") && !has(profile, "web_identity_token_file");
}

/*
 * Returns the profile that a link refers to, which may be itself; NULL if it
 * does not exist.
 */
static const HlProfile *
follow_link(HlProfileChain *chain, const HlProfiles *profiles,
			const HlProfile *profile)
{
	const char *source = hl_profile_value(profile, "source_profile");
	const char *named = hl_profile_value(profile, "credential_source");
	const HlProfile *next;

	if ((source == NULL) == (named == NULL))
	{
		refuse(chain, "invalid credential source in `%s`: %s", profile->name,
			   source != NULL
				   ? "profile contained both source_profile and "
					 "credential_source. Only one or the other can be defined"
				   : "profile must contain `source_profile` or "
					 "`credential_source` but neither were defined");
		return NULL;
	}
	if (named != NULL)
		return profile;
	next = hl_profile_find(profiles, HL_PROFILE_PROFILE, source);
	if (next == NULL)
		refuse(chain,
			   "profile `%s` was not defined: could not find source profile "
			   "%s referenced from %s",
			   source, source, profile->name);
	return next;
}

/* Whether a profile is already part of the chain. */
static bool
was_visited(const HlProfileChain *chain, const HlProfile *profile)
{
	for (int i = 0; i < chain->nroles; i++)
		if (chain->roles[i].profile == profile)
			return true;
	return false;
}

/* Reverses the roles: they were found last to first. */
static void
reverse_roles(HlProfileChain *chain)
{
	for (int i = 0, j = chain->nroles - 1; i < j; i++, j--)
	{
		HlProfileRole role = chain->roles[i];

		chain->roles[i] = chain->roles[j];
		chain->roles[j] = role;
	}
}

/* Adds to a reason that the profile was named by source_profile. */
static bool
blame_source_profile(HlProfileChain *chain, const HlProfile *profile)
{
	char reason[sizeof(chain->reason)];

	memcpy(reason, chain->reason, sizeof(reason));
	return refuse(chain,
				  "invalid credential source in `%s`: could not load source "
				  "profile: %s",
				  profile->name, reason);
}

/*
 * Follows links until one refers to itself, to a profile with access keys, or
 * to one without a link, which has the source.
 */
static bool
follow_links(HlProfileChain *chain, const HlProfiles *profiles,
			 const HlProfile *profile)
{
	while (is_link(profile))
	{
		const HlProfile *next = follow_link(chain, profiles, profile);

		if (next == NULL || !add_role(chain, profile))
			return false;
		if (next == profile)
			break;
		if (was_visited(chain, next))
			return refuse(chain,
						  "profile formed an infinite loop: `%s` leads back to "
						  "`%s`",
						  profile->name, next->name);
		profile = next;
		if (has_keys(profile))
		{
			chain->source = (HlProfileSource){.profile = profile};
			return use_keys(chain, profile);
		}
	}
	return use_source(chain, profiles, profile) ||
		   (chain->nroles > 0 &&
			chain->roles[chain->nroles - 1].profile != profile &&
			blame_source_profile(chain, profile));
}

/* Whether there is any profile at all. */
static bool
has_profiles(const HlProfiles *profiles)
{
	for (int i = 0; i < profiles->count; i++)
		if (profiles->profiles[i].kind == HL_PROFILE_PROFILE)
			return true;
	return false;
}

HlProfileChainOutcome
hl_profile_chain_resolve(const HlProfiles *profiles, const char *name,
						 bool asked, HlProfileChain *chain)
{
	const HlProfile *profile =
		hl_profile_find(profiles, HL_PROFILE_PROFILE, name);

	*chain = (HlProfileChain){0};
	if (profile == NULL && !has_profiles(profiles))
		refuse(chain, "No profiles were defined");
	else if (profile == NULL)
		refuse(chain,
			   "profile `%s` was not defined: could not find source profile "
			   "%s referenced from the root profile",
			   name, name);
	if (profile == NULL)
		return asked ? HL_PROFILE_CHAIN_BAD : HL_PROFILE_CHAIN_NONE;
	if (!follow_links(chain, profiles, profile))
		return HL_PROFILE_CHAIN_BAD;
	reverse_roles(chain);
	return HL_PROFILE_CHAIN_OK;
}
