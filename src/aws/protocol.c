/*
 * protocol.c
 *	  The bodies of awsJson 1.0.
 */
#include "aws/protocol.h"

#include <string.h>
#include <strings.h>

#include "aws/validate.h"
#include "base/line.h"
#include "base/timestamp.h"

#define LONGEST_CODE 128
#define LONGEST_ISSUE_CODE 64
#define LONGEST_PATH 256
#define LONGEST_BODY_TEXT 1024 /* if the body is used as a message */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static void write_value(HlBytes *body, const HlJson *value,
						const HlShape *shape, HlForm form);

/* Begins a member: { before the first, a comma before the others. */
static void
write_name(HlBytes *body, char *separator, const char *name, size_t len)
{
	hl_bytes_append_char(body, *separator);
	hl_json_append_string(body, name, len);
	hl_bytes_append_char(body, ':');
	*separator = ',';
}

/* Ends an object, which may be empty. */
static void
write_end(HlBytes *body, char separator)
{
	hl_bytes_append_string(body, separator == '{' ? "{}" : "}");
}

/* Writes the members of a shape, and a token if it has one. */
static void
write_members(HlBytes *body, char *separator, const HlShape *shape,
			  const HlJson *value, const char *token)
{
	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];
		const HlJson *child = hl_json_member(value, member->name);
		bool given = hl_json_kind(child) != HL_JSON_NULL;

		if (!given && !(member->idempotency_token && token != NULL))
			continue;
		write_name(body, separator, member->name, strlen(member->name));
		if (given)
			write_value(body, child, member->shape, member->form);
		else
			hl_json_append_string(body, token, strlen(token));
	}
}

/* Writes the members that a shape does not have, unchanged. */
static void
write_unknown(HlBytes *body, char *separator, const HlShape *shape,
			  const HlJson *value)
{
	HlJsonEach each = hl_json_each(value);
	const HlJson *child;

	while ((child = hl_json_step(&each)) != NULL)
	{
		if (hl_json_kind(child) == HL_JSON_NULL ||
			hl_shape_member(shape, each.name, each.name_len) != NULL)
			continue;
		write_name(body, separator, each.name, each.name_len);
		hl_json_append_node(body, child);
	}
}

static void
write_structure(HlBytes *body, const HlJson *value, const HlShape *shape,
				const char *token)
{
	char separator = '{';

	write_members(body, &separator, shape, value, token);
	write_unknown(body, &separator, shape, value);
	write_end(body, separator);
}

static void
write_list(HlBytes *body, const HlJson *value, const HlShape *shape)
{
	HlJsonEach each = hl_json_each(value);
	const HlJson *element;
	char separator = '[';

	while ((element = hl_json_step(&each)) != NULL)
	{
		hl_bytes_append_char(body, separator);
		separator = ',';
		write_value(body, element, shape->element, HL_FORM_PLAIN);
	}
	hl_bytes_append_string(body, separator == '[' ? "[]" : "]");
}

static void
write_map(HlBytes *body, const HlJson *value, const HlShape *shape)
{
	HlJsonEach each = hl_json_each(value);
	const HlJson *child;
	char separator = '{';

	while ((child = hl_json_step(&each)) != NULL)
	{
		write_name(body, &separator, each.name, each.name_len);
		write_value(body, child, shape->element, HL_FORM_PLAIN);
	}
	write_end(body, separator);
}

/* Writes an object as a string that contains it. */
static void
write_json_text(HlBytes *body, const HlJson *value)
{
	HlBytes text = {.secret = body->secret};

	hl_json_append_node(&text, value);
	body->failed |= text.failed;
	hl_json_append_string(body, hl_bytes_string(&text), text.len);
	hl_bytes_free(&text);
}

/* Writes a timestamp as a number. */
static void
write_timestamp(HlBytes *body, const HlJson *value)
{
	int64_t micros;

	if (hl_protocol_timestamp(value, &micros))
		hl_timestamp_append(body, micros);
	else
		hl_json_append_node(body, value);
}

/* Writes a value by its shape; unchanged if it has another type. */
static void
write_value(HlBytes *body, const HlJson *value, const HlShape *shape,
			HlForm form)
{
	HlJsonKind kind = hl_json_kind(value);
	bool object = kind == HL_JSON_OBJECT;

	if (object &&
		(shape->kind == HL_KIND_STRUCTURE || shape->kind == HL_KIND_UNION))
		write_structure(body, value, shape, NULL);
	else if (object && shape->kind == HL_KIND_MAP)
		write_map(body, value, shape);
	else if (kind == HL_JSON_ARRAY && shape->kind == HL_KIND_LIST)
		write_list(body, value, shape);
	else if (object && form == HL_FORM_JSON_TEXT)
		write_json_text(body, value);
	else if (shape->kind == HL_KIND_TIMESTAMP)
		write_timestamp(body, value);
	else
		hl_json_append_node(body, value);
}

/* Writes the body of a request; NULL is an empty request. */
void
hl_protocol_write_request(HlBytes *body, const HlShape *input,
						  const HlJson *request, const char *token)
{
	HlJsonKind kind = hl_json_kind(request);

	if (kind == HL_JSON_OBJECT || kind == HL_JSON_NULL)
		write_structure(body, request, input, token);
	else
		hl_json_append_node(body, request);
}

bool
hl_protocol_timestamp(const HlJson *value, int64_t *micros)
{
	const char *text = hl_json_string(value);
	size_t len = hl_json_len(value);

	if (hl_json_kind(value) == HL_JSON_NUMBER)
		return hl_timestamp_from_number(text, len, micros);
	return hl_json_kind(value) == HL_JSON_STRING &&
		   hl_timestamp_from_text(text, len, micros);
}

static bool
is_blank(const char *body, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n", body[i]) == NULL || body[i] == '\0')
			return false;
	return true;
}

bool
hl_protocol_read_reply(HlJsonDocument *document, const HlShape *output,
					   const char *body, size_t len, HlBytes *reason)
{
	bool empty = is_blank(body, len);
	HlFaults faults = {0};
	bool fine;

	if (!hl_json_read(document, empty ? "{}" : body, empty ? 2 : len))
	{
		hl_bytes_format(reason, "%s, at byte %zu", document->reason,
						document->offset);
		return false;
	}
	fine = hl_validate_reply(&faults, document->root, output);
	if (!fine)
		hl_bytes_append_string(reason, faults.count > 0 && faults.list[0].text
										   ? faults.list[0].text
										   : "out of memory");
	hl_faults_free(&faults);
	return fine;
}

/*
 * Appends the code in "ns#Code:http://…", "Code,…": up to the first comma and
 * the first colon, then the part after the last #. False if it is empty.
 */
static bool
append_code(HlBytes *code, const char *text)
{
	size_t len = strcspn(text, ",:");
	size_t before = code->len;

	for (size_t i = len; i > 0; i--)
		if (text[i - 1] == '#')
		{
			text += i;
			len -= i;
			break;
		}
	for (size_t i = 0; i < len && code->len - before < LONGEST_CODE; i++)
		if (text[i] > ' ' && text[i] < 0x7F)
			hl_bytes_append_char(code, text[i]);
	return code->len > before;
}

/* Whether a text is not empty, not too long, and has only these characters. */
static bool
is_made_of(const char *text, size_t most, const char *characters)
{
	size_t len = strlen(text);

	return len > 0 && len <= most && strspn(text, characters) == len;
}

bool
hl_protocol_is_issue_code(const char *code)
{
	return is_made_of(code, LONGEST_ISSUE_CODE, LETTERS "-");
}

bool
hl_protocol_is_path(const char *expression)
{
	return is_made_of(expression, LONGEST_PATH, LETTERS "0123456789_.[]()$:-");
}

/* Finds AWS's code in the body, under its various names. */
static bool
find_code(const HlJson *root, HlBytes *code)
{
	HlJsonEach each = hl_json_each(root);
	const HlJson *value = hl_json_member(root, "__type");

	if (hl_json_kind(value) == HL_JSON_STRING &&
		append_code(code, hl_json_string(value)))
		return true;
	while ((value = hl_json_step(&each)) != NULL)
		if (each.named && strcasecmp(each.name, "code") == 0 &&
			hl_json_kind(value) == HL_JSON_STRING &&
			append_code(code, hl_json_string(value)))
			return true;
	return false;
}

/* Finds AWS's message in the body. */
static bool
find_message(const HlJson *root, HlBytes *message)
{
	static const char *const names[] = {"message", "Message", "errorMessage"};

	for (int i = 0; i < 3; i++)
	{
		const HlJson *value = hl_json_member(root, names[i]);

		if (hl_json_kind(value) != HL_JSON_STRING ||
			is_blank(hl_json_string(value), hl_json_len(value)))
			continue;
		hl_line_append(message, hl_json_string(value), hl_json_len(value),
					   HL_LINE_LONGEST);
		return true;
	}
	return false;
}

/* Whether an object has no member beside the code. */
static bool
says_nothing(const HlJson *root)
{
	HlJsonEach each = hl_json_each(root);
	const HlJson *value;

	while ((value = hl_json_step(&each)) != NULL)
		if (hl_json_kind(value) != HL_JSON_NULL && each.named &&
			strcmp(each.name, "__type") != 0 &&
			strcasecmp(each.name, "code") != 0 &&
			!(strcasecmp(each.name, "message") == 0 &&
			  hl_json_kind(value) == HL_JSON_STRING))
			return false;
	return hl_json_kind(root) == HL_JSON_OBJECT;
}

/* Whether a body is an HTML page, of a proxy or load balancer. */
static bool
is_page(const char *body, size_t len)
{
	while (len > 0 && is_blank(body, 1))
	{
		body++;
		len--;
	}
	return (len >= 5 && strncasecmp(body, "<html", 5) == 0) ||
		   (len >= 9 && strncasecmp(body, "<!doctype", 9) == 0);
}

/* Appends a substitute for a missing message. */
static void
append_substitute(HlBytes *message, const HlErrorReply *reply,
				  const HlJson *root)
{
	const char *phrase = reply->reason_phrase ? reply->reason_phrase : "";

	if (is_blank(reply->body, reply->len) || says_nothing(root) ||
		(is_page(reply->body, reply->len) && *phrase != '\0'))
		hl_line_append(message, phrase, strlen(phrase), LONGEST_BODY_TEXT);
	else
		hl_line_append(message, reply->body, reply->len, LONGEST_BODY_TEXT);
}

bool
hl_protocol_read_error(const HlErrorReply *reply, HlBytes *code,
					   HlBytes *message)
{
	HlJsonDocument document = {.lenient = true};
	const HlJson *root;
	bool found;

	/* the unread part may contain the code */
	if (!hl_json_read(&document, reply->body, reply->len))
		code->failed |= document.fault == HL_JSON_NO_MEMORY;
	root = document.root;
	found = find_code(root, code) ||
			(reply->error_type != NULL && append_code(code, reply->error_type));
	if (!found)
		hl_bytes_format(code, "%d", reply->http_status);
	if (!find_message(root, message))
		append_substitute(message, reply, root);
	hl_json_free(&document);
	return found;
}
