/*
 * profile_chain.h
 *	  Where a profile's credentials come from: a source, and the roles that
 *	  are assumed one after the other with what it gives. Every string points
 *	  into the profiles that were resolved, which must live as long; there is
 *	  nothing to free.
 */
#ifndef HL_AWS_PROFILE_CHAIN_H
#define HL_AWS_PROFILE_CHAIN_H

#include "aws/profile.h"

#define HL_PROFILE_CHAIN_ROLES 32

typedef enum HlProfileSourceKind
{
	HL_PROFILE_SOURCE_KEYS,
	HL_PROFILE_SOURCE_NAMED,        /* credential_source */
	HL_PROFILE_SOURCE_WEB_IDENTITY, /* a role, for a token in a file */
	HL_PROFILE_SOURCE_SSO,
	HL_PROFILE_SOURCE_LOGIN,
	HL_PROFILE_SOURCE_PROCESS
} HlProfileSourceKind;

/* The first link; what does not belong to its kind, or is not set, is NULL. */
typedef struct HlProfileSource
{
	HlProfileSourceKind kind;
	const HlProfile *profile;
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *account_id; /* of the keys, or of the process's */
	const char *named;
	const char *process;
	const char *login_session;
	const char *role_arn;
	const char *role_session_name;
	const char *web_identity_token_file;
	const char *sso_session;
	const char *sso_region;
	const char *sso_start_url;
	const char *sso_account_id;
	const char *sso_role_name;
} HlProfileSource;

typedef struct HlProfileRole
{
	const HlProfile *profile; /* for what else is set there */
	const char *role_arn;
	const char *external_id;
	const char *role_session_name;
	const char *mfa_serial;
} HlProfileRole;

typedef struct HlProfileChain
{
	HlProfileSource source;
	HlProfileRole roles[HL_PROFILE_CHAIN_ROLES]; /* in order of assuming */
	int nroles;
	char reason[512]; /* names profiles and properties, never a value */
} HlProfileChain;

typedef enum HlProfileChainOutcome
{
	HL_PROFILE_CHAIN_OK,
	HL_PROFILE_CHAIN_NONE, /* no such profile, and nobody asked for one */
	HL_PROFILE_CHAIN_BAD
} HlProfileChainOutcome;

/* Follows a profile to its source; asked: somebody chose it by its name. */
extern HlProfileChainOutcome
hl_profile_chain_resolve(const HlProfiles *profiles, const char *name,
						 bool asked, HlProfileChain *chain);

#endif
