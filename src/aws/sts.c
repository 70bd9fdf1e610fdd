/*
 * sts.c
 *	  STS's forms and replies (the query protocol of 2011-06-15).
 */
#include "aws/sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "base/percent.h"
#include "base/xml.h"

/* Writes a parameter of a form, unless it is NULL. */
static void
append_parameter(HlBytes *form, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	hl_bytes_append_char(form, '&');
	hl_bytes_append_string(form, name);
	hl_bytes_append_char(form, '=');
	for (; *value != '\0'; value++)
		if (*value == ' ')
			hl_bytes_append_char(form, '+');
		else
			hl_percent_append(form, (unsigned char) *value);
}

void
hl_sts_write_role(HlBytes *form, const HlStsRole *role)
{
	form->secret = true;
	hl_bytes_append_string(form, role->web_identity_token != NULL
									 ? "Action=AssumeRoleWithWebIdentity"
									 : "Action=AssumeRole");
	append_parameter(form, "Version", "2011-06-15");
	append_parameter(form, "RoleArn", role->role_arn);
	append_parameter(form, "RoleSessionName", role->session_name);
	append_parameter(form, "ExternalId", role->external_id);
	append_parameter(form, "DurationSeconds", role->duration);
	append_parameter(form, "WebIdentityToken", role->web_identity_token);
}

void
hl_sts_write_identity(HlBytes *form)
{
	hl_bytes_append_string(form, "Action=GetCallerIdentity&Version=2011-06-15");
}

static const char *
credential_of(const HlXml *xml, bool web_identity, const char *name)
{
	const char *action =
		web_identity ? "AssumeRoleWithWebIdentity" : "AssumeRole";
	char path[160];

	snprintf(path, sizeof(path), "%sResponse/%sResult/Credentials/%s", action,
			 action, name);
	return hl_xml_value(xml, path);
}

bool
hl_sts_read_role(HlIssued *issued, bool web_identity, const char *text,
				 size_t len)
{
	HlXml xml = {0};
	HlIssuedParts parts = {0};
	bool read = hl_xml_read(&xml, text, len);

	issued->reason[0] = '\0';
	issued->no_memory = xml.no_memory;
	if (!read)
		snprintf(issued->reason, sizeof(issued->reason),
				 "it is not STS's XML (%s, at byte %zu)", xml.reason,
				 xml.offset);
	parts.access_key_id = credential_of(&xml, web_identity, "AccessKeyId");
	parts.secret_access_key =
		credential_of(&xml, web_identity, "SecretAccessKey");
	parts.session_token = credential_of(&xml, web_identity, "SessionToken");
	parts.expiration = credential_of(&xml, web_identity, "Expiration");
	if (read && (parts.session_token == NULL || parts.expiration == NULL))
	{
		snprintf(issued->reason, sizeof(issued->reason), "the %s is missing",
				 parts.session_token == NULL ? "session token" : "expiration");
		read = false;
	}
	read = read && hl_issued_set(issued, &parts);
	hl_xml_wipe(&xml);
	return read;
}

/* Copies a value as one line; false if it is missing or empty. */
static bool
copy(HlBytes *bytes, const char *value)
{
	hl_bytes_reset(bytes);
	if (value != NULL)
		hl_line_append(bytes, value, strlen(value), HL_LINE_LONGEST);
	return value != NULL && *value != '\0' && !bytes->failed;
}

bool
hl_sts_read_identity(HlStsIdentity *identity, const char *text, size_t len)
{
	HlXml xml = {0};
	bool read =
		hl_xml_read(&xml, text, len) &&
		copy(&identity->account,
			 hl_xml_value(&xml, "GetCallerIdentityResponse/"
								"GetCallerIdentityResult/Account")) &&
		copy(&identity->arn, hl_xml_value(&xml, "GetCallerIdentityResponse/"
												"GetCallerIdentityResult/Arn"));

	identity->arn.failed |= xml.no_memory;
	hl_xml_wipe(&xml);
	return read;
}

bool
hl_sts_read_error(const char *text, size_t len, HlBytes *code, HlBytes *message)
{
	HlXml xml = {0};
	bool read = hl_xml_read(&xml, text, len) &&
				copy(code, hl_xml_value(&xml, "ErrorResponse/Error/Code"));

	if (read)
		copy(message, hl_xml_value(&xml, "ErrorResponse/Error/Message"));
	code->failed |= xml.no_memory;
	hl_xml_wipe(&xml);
	return read && !message->failed;
}

/* Whether a character may be in a session's name. */
static bool
is_name_character(char c)
{
	return hl_percent_is_unreserved((unsigned char) c)
			   ? c != '~'
			   : c != '\0' && strchr("+=,@", c) != NULL;
}

bool
hl_sts_is_session_name(const char *name)
{
	size_t len = 0;

	while (len <= 64 && name[len] != '\0' && is_name_character(name[len]))
		len++;
	return name[len] == '\0' && len >= 2 && len <= 64;
}

bool
hl_sts_is_duration(const char *seconds)
{
	size_t len = strspn(seconds, "0123456789");
	long value;

	if (len == 0 || len > 5 || seconds[len] != '\0')
		return false;
	value = strtol(seconds, NULL, 10);
	return value >= 900 && value <= 43200;
}

void
hl_sts_session_name(char name[65], const char *of)
{
	size_t len = 0;

	for (; *of != '\0' && len < 64; of++)
		name[len++] = is_name_character(*of) ? *of : '-';
	while (len < 2)
		name[len++] = '-';
	name[len] = '\0';
}
