/*
 * profile_chain.h
 *	  The source of a profile's credentials, and the roles that are assumed one
 *	  after the other from there. All strings point into the profiles, which
 *	  must live as long; nothing needs to be freed.
 */
#ifndef HL_AWS_PROFILE_CHAIN_H
#define HL_AWS_PROFILE_CHAIN_H

#include "aws/profile.h"

#define HL_PROFILE_CHAIN_ROLES 32

typedef enum HlProfileSourceKind
{
	HL_PROFILE_SOURCE_KEYS,
	HL_PROFILE_SOURCE_NAMED,        /* credential_source */
	HL_PROFILE_SOURCE_WEB_IDENTITY, /* a role with a token in a file */
	HL_PROFILE_SOURCE_SSO,
	HL_PROFILE_SOURCE_LOGIN,
	HL_PROFILE_SOURCE_PROCESS
} HlProfileSourceKind;

/*
 * The source. Members that do not belong to its kind, or are not set, are
 * NULL.
 */
typedef struct HlProfileSource
{
	HlProfileSourceKind kind;
	const HlProfile *profile;
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *account_id; /* of the keys or the process */
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
	const HlProfile *profile; /* has its other properties */
	const char *role_arn;
	const char *external_id;
	const char *role_session_name;
	const char *mfa_serial;
} HlProfileRole;

typedef struct HlProfileChain
{
	HlProfileSource source;
	HlProfileRole roles[HL_PROFILE_CHAIN_ROLES]; /* in the order of assuming */
	int nroles;
	char reason[512]; /* names profiles and properties, no values */
} HlProfileChain;

typedef enum HlProfileChainOutcome
{
	HL_PROFILE_CHAIN_OK,
	HL_PROFILE_CHAIN_NONE, /* no such profile; it was not required */
	HL_PROFILE_CHAIN_BAD
} HlProfileChainOutcome;

/* Resolves a profile. asked: a user named it, so that it must exist. */
extern HlProfileChainOutcome
hl_profile_chain_resolve(const HlProfiles *profiles, const char *name,
						 bool asked, HlProfileChain *chain);

#endif
