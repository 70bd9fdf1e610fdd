/*
 * issued.c
 *	  Parses issued credentials.
 */
#include "aws/issued.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/timestamp.h"

/* The names of the members in a form. */
typedef struct Form
{
	const char *within; /* the member that contains the others; or NULL */
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *expiration;
	bool temporary;     /* token and expiration are required */
	bool in_millis;     /* expiration is in milliseconds since 1970 */
	const char *status; /* a member with a required value; NULL: none */
	const char *status_value;
} Form;

static const Form forms[] = {
	[HL_ISSUED_CONTAINER] = {NULL, "AccessKeyId", "SecretAccessKey", "Token",
							 "Expiration", true, false, NULL, NULL},
	[HL_ISSUED_METADATA] = {NULL, "AccessKeyId", "SecretAccessKey", "Token",
							"Expiration", true, false, "Code", "Success"},
	[HL_ISSUED_PROCESS] = {NULL, "AccessKeyId", "SecretAccessKey",
						   "SessionToken", "Expiration", false, false,
						   "Version", "1"},
	[HL_ISSUED_PORTAL] = {"roleCredentials", "accessKeyId", "secretAccessKey",
						  "sessionToken", "expiration", true, true, NULL, NULL},
};

/* Sets the reason. */
__attribute__((format(printf, 2, 3))) static bool
refuse(HlIssued *issued, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(issued->reason, sizeof(issued->reason), format, arguments);
	va_end(arguments);
	return false;
}

/* Whether a header can contain a value unchanged, without blanks. */
static bool
is_sendable(const char *value)
{
	for (; *value != '\0'; value++)
		if (*value <= ' ' || *value > '~')
			return false;
	return true;
}

/* Copies one value; NULL: none. */
static bool
take(HlIssued *issued, HlBytes *bytes, const char *what, const char *value)
{
	bytes->secret = true;
	hl_bytes_reset(bytes);
	if (value == NULL)
		return true;
	if (*value == '\0')
		return refuse(issued, "the %s is empty", what);
	if (!is_sendable(value))
		return refuse(issued, "the %s has a byte that no header can hold",
					  what);
	hl_bytes_append_string(bytes, value);
	issued->no_memory |= bytes->failed;
	return !bytes->failed || refuse(issued, "out of memory");
}

static bool
take_expiration(HlIssued *issued, const char *value)
{
	issued->expires = value != NULL;
	if (value == NULL)
		return true;
	/* no bare numbers, which would be read as seconds */
	return (strchr(value, '-') != NULL &&
			hl_timestamp_from_text(value, strlen(value),
								   &issued->expires_at)) ||
		   refuse(issued, "the expiration is not a time");
}

bool
hl_issued_set(HlIssued *issued, const HlIssuedParts *parts)
{
	issued->reason[0] = '\0';
	issued->no_memory = false;
	if (parts->access_key_id == NULL)
		return refuse(issued, "the access key id is missing");
	if (parts->secret_access_key == NULL)
		return refuse(issued, "the secret access key is missing");
	return take(issued, &issued->access_key_id, "access key id",
				parts->access_key_id) &&
		   take(issued, &issued->secret_access_key, "secret access key",
				parts->secret_access_key) &&
		   take(issued, &issued->session_token, "session token",
				parts->session_token) &&
		   take_expiration(issued, parts->expiration);
}

/* Returns a string member; NULL if it is missing, null or not a string. */
static const char *
text_of(HlIssued *issued, const HlJson *node, const char *name)
{
	const HlJson *member = hl_json_member(node, name);

	if (hl_json_kind(member) == HL_JSON_NULL)
		return NULL;
	if (hl_json_kind(member) != HL_JSON_STRING)
	{
		refuse(issued, "%s is not a string", name);
		return NULL;
	}
	return hl_json_string(member);
}

/* Checks the member that says whether the reply is a success. */
static bool
check_status(HlIssued *issued, const Form *form, const HlJson *node)
{
	const HlJson *status;

	if (form->status == NULL)
		return true;
	status = hl_json_member(node, form->status);
	if (strcmp(hl_json_string(status), form->status_value) == 0 &&
		(hl_json_kind(status) == HL_JSON_NUMBER) ==
			(form->status_value[0] == '1'))
		return true;
	return refuse(issued, "%s is not %s", form->status, form->status_value);
}

/* Reads an expiration that counts milliseconds. */
static bool
take_millis(HlIssued *issued, const HlJson *node, const char *name)
{
	const HlJson *member = hl_json_member(node, name);
	int64_t millis;

	if (hl_json_kind(member) != HL_JSON_NUMBER ||
		!hl_json_int64(member, &millis) || millis < 0 ||
		__builtin_mul_overflow(millis, INT64_C(1000), &issued->expires_at))
		return refuse(issued, "the expiration is not a time");
	issued->expires = true;
	return true;
}

static bool
take_document(HlIssued *issued, const Form *form, const HlJson *node)
{
	HlIssuedParts parts = {0};

	issued->reason[0] = '\0';
	if (form->within != NULL)
		node = hl_json_member(node, form->within);
	if (hl_json_kind(node) != HL_JSON_OBJECT)
		return refuse(issued, "it is not a JSON object");
	if (!check_status(issued, form, node))
		return false;
	parts.access_key_id = text_of(issued, node, form->access_key_id);
	parts.secret_access_key = text_of(issued, node, form->secret_access_key);
	parts.session_token = text_of(issued, node, form->session_token);
	if (!form->in_millis)
		parts.expiration = text_of(issued, node, form->expiration);
	if (issued->reason[0] != '\0')
		return false;
	if (form->temporary && parts.session_token == NULL)
		return refuse(issued, "the session token is missing");
	if (form->temporary && !form->in_millis && parts.expiration == NULL)
		return refuse(issued, "the expiration is missing");
	return hl_issued_set(issued, &parts) &&
		   (!form->in_millis || take_millis(issued, node, form->expiration));
}

bool
hl_issued_read(HlIssued *issued, HlIssuedForm form, const char *text,
			   size_t len)
{
	HlJsonDocument document = {.secret = true, .max_nodes = 1000};
	bool read = hl_json_read(&document, text, len);

	read = read ? take_document(issued, &forms[form], document.root)
				: refuse(issued, "it %s (%s, at byte %zu)",
						 document.fault == HL_JSON_SYNTAX ? "is not JSON"
														  : "cannot be read",
						 document.reason, document.offset);
	issued->no_memory |= document.fault == HL_JSON_NO_MEMORY;
	hl_json_free(&document);
	if (!read)
	{
		hl_bytes_wipe(&issued->access_key_id);
		hl_bytes_wipe(&issued->secret_access_key);
		hl_bytes_wipe(&issued->session_token);
	}
	return read;
}

void
hl_issued_wipe(HlIssued *issued)
{
	hl_bytes_wipe(&issued->access_key_id);
	hl_bytes_wipe(&issued->secret_access_key);
	hl_bytes_wipe(&issued->session_token);
	*issued = (HlIssued){0};
}

/*
 * Reads the expiration of a sign-on; older versions of the AWS CLI wrote UTC
 * instead of Z.
 */
static bool
read_end(const char *text, int64_t *micros)
{
	size_t len = strlen(text);
	char changed[40];

	if (strchr(text, '-') == NULL)
		return false;
	if (len < 4 || len >= sizeof(changed) || strcmp(text + len - 3, "UTC") != 0)
		return hl_timestamp_from_text(text, len, micros);
	snprintf(changed, sizeof(changed), "%.*sZ", (int) len - 3, text);
	return hl_timestamp_from_text(changed, len - 2, micros);
}

bool
hl_sso_read(HlSignOn *sign_on, const char *text, size_t len)
{
	HlJsonDocument document = {.secret = true, .max_nodes = 1000};
	const char *reason = NULL, *token, *expires;
	bool read;

	sign_on->token.secret = true;
	read = hl_json_read(&document, text, len);
	token = hl_json_string(hl_json_member(document.root, "accessToken"));
	expires = hl_json_string(hl_json_member(document.root, "expiresAt"));
	if (!read)
		reason = document.fault == HL_JSON_NO_MEMORY ? "out of memory"
													 : "it is not JSON";
	else if (*token == '\0' || !is_sendable(token))
		reason = "accessToken is missing, or no header can hold it";
	else if (!read_end(expires, &sign_on->expires_at))
		reason = "expiresAt is not a time";
	else
		hl_bytes_append_string(&sign_on->token, token);
	sign_on->token.failed |= document.fault == HL_JSON_NO_MEMORY;
	if (reason == NULL && sign_on->token.failed)
		reason = "out of memory";
	snprintf(sign_on->reason, sizeof(sign_on->reason), "%s",
			 reason != NULL ? reason : "");
	hl_json_free(&document);
	return reason == NULL;
}

void
hl_sso_wipe(HlSignOn *sign_on)
{
	hl_bytes_wipe(&sign_on->token);
	*sign_on = (HlSignOn){0};
}
