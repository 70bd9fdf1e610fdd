/*
 * sts.h
 *	  Requests and replies of STS (query protocol of 2011-06-15): the forms for
 *	  a role's credentials and for the caller's identity, and the XML of the
 *	  replies. Both contain secrets; the caller wipes them. A reason quotes no
 *	  part of them.
 */
#ifndef HL_AWS_STS_H
#define HL_AWS_STS_H

#include "aws/issued.h"

#define HL_STS_CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* The parameters of AssumeRole or AssumeRoleWithWebIdentity; NULL: not sent. */
typedef struct HlStsRole
{
	const char *role_arn;
	const char *session_name;
	const char *external_id;
	const char *duration;           /* seconds */
	const char *web_identity_token; /* set: the request is not signed */
} HlStsRole;

extern void hl_sts_write_role(HlBytes *form, const HlStsRole *role);
extern void hl_sts_write_identity(HlBytes *form);

/* Reads the reply to a form of hl_sts_write_role(); false: see the reason. */
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
 * Reads an error's code and message. False if it is not an error of STS, or if
 * memory was missing; then one of the two has failed.
 */
extern bool hl_sts_read_error(const char *text, size_t len, HlBytes *code,
							  HlBytes *message);

/* Whether STS accepts this as a session name, or as a duration. */
extern bool hl_sts_is_session_name(const char *name);
extern bool hl_sts_is_duration(const char *seconds);

/* Makes a session name of any text: 2 to 64 of the allowed characters. */
extern void hl_sts_session_name(char name[65], const char *of);

#endif
