/*
 * issued.h
 *	  Temporary credentials, and the JSON in which a container's endpoint,
 *	  instance metadata, a credential process and single sign-on return them.
 *	  An HlIssued starts zeroed, owns its bytes, which are secrets, and ends in
 *	  hl_issued_wipe(). A reason quotes no part of the input.
 */
#ifndef HL_AWS_ISSUED_H
#define HL_AWS_ISSUED_H

#include <stdint.h>

#include "base/bytes.h"

typedef enum HlIssuedForm
{
	HL_ISSUED_CONTAINER,
	HL_ISSUED_METADATA,
	HL_ISSUED_PROCESS,
	HL_ISSUED_PORTAL /* single sign-on's GetRoleCredentials */
} HlIssuedForm;

typedef struct HlIssued
{
	HlBytes access_key_id;
	HlBytes secret_access_key;
	HlBytes session_token; /* empty: none */
	bool expires;
	int64_t expires_at; /* microseconds since 1970, UTC */
	bool no_memory;     /* memory was missing, as reason says */
	char reason[128];
} HlIssued;

/* What a reader found, to be copied by hl_issued_set(); NULL: missing. */
typedef struct HlIssuedParts
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *expiration; /* ISO 8601 */
} HlIssuedParts;

/*
 * Copies credentials. False, and a reason, if one cannot be sent in a header
 * or the expiration is no timestamp.
 */
extern bool hl_issued_set(HlIssued *issued, const HlIssuedParts *parts);

/* Parses credentials of a form; false: see the reason. */
extern bool hl_issued_read(HlIssued *issued, HlIssuedForm form,
						   const char *text, size_t len);

extern void hl_issued_wipe(HlIssued *issued);

/*
 * The access token of a single sign-on, from the AWS CLI's cache file. It
 * starts zeroed and ends in hl_sso_wipe().
 */
typedef struct HlSignOn
{
	HlBytes token;
	int64_t expires_at;
	char reason[128];
} HlSignOn;

extern bool hl_sso_read(HlSignOn *sign_on, const char *text, size_t len);
extern void hl_sso_wipe(HlSignOn *sign_on);

#endif
