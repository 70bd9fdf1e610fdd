/*
 * issued.h
 *	  Issued credentials, and the JSON in which a container's endpoint,
 *	  instance metadata, a program and single sign-on return them. An HlIssued
 *	  starts zeroed, owns its bytes, which are secrets, and ends in
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
	int64_t expires_at; /* microseconds of 1970 */
	bool no_memory;     /* that is why they could not be read: */
	char reason[128];
} HlIssued;

/* What a reader found, to be copied; NULL: it was not there. */
typedef struct HlIssuedParts
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *expiration; /* ISO 8601 */
} HlIssuedParts;

/* Takes credentials over; each must be something that a header can hold. */
extern bool hl_issued_set(HlIssued *issued, const HlIssuedParts *parts);

/* Reads credentials of a form. */
extern bool hl_issued_read(HlIssued *issued, HlIssuedForm form,
						   const char *text, size_t len);

extern void hl_issued_wipe(HlIssued *issued);

/* A sign-on that was made elsewhere and left in a file. */
typedef struct HlSignOn
{
	HlBytes token;
	int64_t expires_at;
	char reason[128];
} HlSignOn;

extern bool hl_sso_read(HlSignOn *sign_on, const char *text, size_t len);
extern void hl_sso_wipe(HlSignOn *sign_on);

#endif
