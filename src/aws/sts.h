/*
 * sts.h
 *	  Requests and replies of STS: the forms for a role's credentials and for
 *	  the caller's identity, and the XML of the replies. Both contain secrets:
 *	  whoever declares them wipes them. A reason quotes no part of them.
 */
#ifndef HL_AWS_STS_H
#define HL_AWS_STS_H

#include "aws/issued.h"

#define HL_STS_CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* What is asked for; NULL: not said. */
typedef struct HlStsRole
{
	const char *role_arn;
	const char *session_name;
	const char *external_id;
	const char *duration;           /* seconds */
	const char *web_identity_token; /* then nothing is signed */
} HlStsRole;

extern void hl_sts_write_role(HlBytes *form, const HlStsRole *role);
extern void hl_sts_write_identity(HlBytes *form);

/* Reads the reply to a form of hl_sts_write_role(). */
extern bool hl_sts_read_role(HlIssued *issued, bool web_identity,
							 const char *text, size_t len);

typedef struct HlStsIdentity
{
	HlBytes account;
	HlBytes arn;
} HlStsIdentity;

extern bool hl_sts_read_identity(HlStsIdentity *identity, const char *text,
								 size_t len);

/*
 * Reads an error's code and message; false: it is none of STS's, or memory is
 * missing, which makes one of the two failed.
 */
extern bool hl_sts_read_error(const char *text, size_t len, HlBytes *code,
							  HlBytes *message);

/* Whether STS would take this for a session's name, or for a duration. */
extern bool hl_sts_is_session_name(const char *name);
extern bool hl_sts_is_duration(const char *seconds);

/* Makes a session's name of anything: 2 to 64 of the characters it may have. */
extern void hl_sts_session_name(char name[65], const char *of);

#endif
