/*
 * json.c
 *	  A strict JSON reader, and a compact writer.
 *
 *	  A document is one run of nodes in the order of the text and one run of
 *	  bytes for its strings and numbers. An array's elements follow their
 *	  array; an object's members follow their object, each a string node (the
 *	  name) and then the value. A node's span counts itself and all that is
 *	  within it, so that its neighbour is found without pointers. Nothing here
 *	  calls itself while reading: a container that is still open keeps in its
 *	  span where the one around it is.
 */
#include "base/json.h"
#include "base/scan.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define SPAN_BITS 29
#define NO_NODE ((1u << SPAN_BITS) - 1)
#define REPLACEMENT "\xEF\xBF\xBD"

struct HlJson
{
	const char *string; /* of a string or number */
	uint32_t len;       /* bytes, elements or members */
	uint32_t kind : 32 - SPAN_BITS;
	uint32_t span : SPAN_BITS;
};

/* The state of the reader. */
typedef struct Reader
{
	HlJsonDocument *document;
	const char *start;
	HlScan scan;
	char *text;      /* end of the strings written so far */
	uint32_t nodes;  /* nodes in use */
	uint32_t room;   /* nodes allocated */
	uint32_t parent; /* the innermost open container, or NO_NODE */
	uint32_t depth;
	uint32_t max_depth;
	uint32_t max_nodes;
} Reader;

/* Remembers the first fault and its position; always returns false. */
static bool
reader_fail(Reader *reader, HlJsonFault fault, const char *at,
			const char *reason)
{
	HlJsonDocument *document = reader->document;

	if (document->fault == HL_JSON_FINE)
	{
		document->fault = fault;
		document->reason = reason;
		document->offset = (size_t) (at - reader->start);
	}
	return false;
}

/* Fails at the current byte, which is not allowed there. */
static bool
reader_fail_here(Reader *reader, const char *expected)
{
	if (reader->scan.at >= reader->scan.end)
		return reader_fail(reader, HL_JSON_SYNTAX, reader->scan.at,
						   "it ends too early");
	return reader_fail(reader, HL_JSON_SYNTAX, reader->scan.at, expected);
}

/* Skips insignificant whitespace (RFC 8259). */
static void
skip_space(Reader *reader)
{
	while (reader->scan.at < reader->scan.end &&
		   (*reader->scan.at == ' ' || *reader->scan.at == '\n' ||
			*reader->scan.at == '\r' || *reader->scan.at == '\t'))
		reader->scan.at++;
}

/* Makes room for more nodes, within the limit. */
static bool
grow_nodes(Reader *reader)
{
	HlJsonDocument *document = reader->document;
	uint32_t room = reader->room == 0 ? 32 : reader->room * 2;
	HlJson *nodes;

	if (reader->nodes >= reader->max_nodes)
		return reader_fail(reader, HL_JSON_TOO_LARGE, reader->scan.at,
						   "it has too many values");
	if (room > reader->max_nodes)
		room = reader->max_nodes;
	nodes = realloc(document->root, room * sizeof(HlJson));
	if (nodes == NULL)
		return reader_fail(reader, HL_JSON_NO_MEMORY, reader->scan.at,
						   "out of memory");
	document->root = nodes;
	reader->room = room;
	return true;
}

static bool
add_node(Reader *reader, HlJsonKind kind, const char *string, size_t len)
{
	if (reader->nodes == reader->room && !grow_nodes(reader))
		return false;
	reader->document->root[reader->nodes++] = (HlJson){
		.string = string, .len = (uint32_t) len, .kind = kind, .span = 1};
	return true;
}

/* Reads the four hexadecimal digits of an escape; false if they are not. */
static bool
read_hex4(const char *at, const char *end, uint32_t *unit)
{
	*unit = 0;
	if (end - at < 4)
		return false;
	for (int i = 0; i < 4; i++)
	{
		char c = at[i];

		*unit <<= 4;
		if (c >= '0' && c <= '9')
			*unit |= (uint32_t) (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*unit |= (uint32_t) ((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* Fails for an escape that a string cannot contain, or writes U+FFFD for it. */
static bool
refuse_escape(Reader *reader, HlJsonFault fault, const char *escape,
			  const char *reason)
{
	if (!reader->document->lenient)
		return reader_fail(reader, fault, escape, reason);
	memcpy(reader->text, REPLACEMENT, 3);
	reader->text += 3;
	return true;
}

/* Reads \uXXXX, of which two may make up one character. */
static bool
read_unicode_escape(Reader *reader)
{
	const char *escape = reader->scan.at - 2;
	uint32_t high;
	uint32_t low;

	if (!read_hex4(reader->scan.at, reader->scan.end, &high))
		return reader_fail(reader, HL_JSON_SYNTAX, escape,
						   "four hexadecimal digits must follow \\u");
	reader->scan.at += 4;
	if (high == 0)
		return refuse_escape(reader, HL_JSON_ZERO, escape,
							 "\\u0000 cannot be kept in a text");
	if (high >= 0xD800 && high < 0xDC00 &&
		reader->scan.end - reader->scan.at >= 6 && reader->scan.at[0] == '\\' &&
		reader->scan.at[1] == 'u' &&
		read_hex4(reader->scan.at + 2, reader->scan.end, &low) &&
		low >= 0xDC00 && low < 0xE000)
	{
		reader->scan.at += 6;
		high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
	}
	else if (high >= 0xD800 && high < 0xE000)
		return refuse_escape(reader, HL_JSON_SURROGATE, escape,
							 "a surrogate has no other half");
	reader->text += hl_utf8_put(reader->text, high);
	return true;
}

/* Reads the part of an escape after the backslash. */
static bool
read_escape(Reader *reader)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	reader->scan.at++;
	if (reader->scan.at >= reader->scan.end)
		return reader_fail_here(reader, "");
	letter = memchr(letters, *reader->scan.at, sizeof(letters) - 1);
	if (*reader->scan.at != 'u' && letter == NULL)
		return reader_fail(reader, HL_JSON_SYNTAX, reader->scan.at - 1,
						   "no such escape");
	reader->scan.at++;
	if (letter == NULL)
		return read_unicode_escape(reader);
	*reader->text++ = meanings[letter - letters];
	return true;
}

/* The highest bit of each byte. */
#define HIGH_BITS UINT64_C(0x8080808080808080)

/*
 * Finds bytes below a space, '"' and '\\' among eight bytes. A byte of 128 or
 * more may hide another one, so its own highest bit is set here, too.
 */
static inline uint64_t
find_marks(uint64_t bytes)
{
	const uint64_t ones = HIGH_BITS >> 7;
	uint64_t quotes = bytes ^ (ones * '"');
	uint64_t slashes = bytes ^ (ones * '\\');

	return ((bytes - ones * ' ') & ~bytes & HIGH_BITS) |
		   ((quotes - ones) & ~quotes & HIGH_BITS) |
		   ((slashes - ones) & ~slashes & HIGH_BITS);
}

/*
 * Copies printable ASCII, as far as it goes. The output is never ahead of the
 * input, so there is room for eight bytes.
 */
static void
copy_plain(Reader *reader)
{
	const char *from;
	uint64_t bytes;

	while (reader->scan.end - reader->scan.at >= (ptrdiff_t) sizeof(bytes))
	{
		memcpy(&bytes, reader->scan.at, sizeof(bytes));
		if (((bytes & HIGH_BITS) | find_marks(bytes)) != 0)
			break;
		memcpy(reader->text, &bytes, sizeof(bytes));
		reader->scan.at += sizeof(bytes);
		reader->text += sizeof(bytes);
	}
	from = reader->scan.at;
	while (reader->scan.at < reader->scan.end &&
		   (unsigned char) *reader->scan.at >= 0x20 &&
		   (unsigned char) *reader->scan.at < 0x80 && *reader->scan.at != '"' &&
		   *reader->scan.at != '\\')
		reader->scan.at++;
	memcpy(reader->text, from, (size_t) (reader->scan.at - from));
	reader->text += reader->scan.at - from;
}

static bool
copy_character(Reader *reader)
{
	int len = hl_utf8_length(reader->scan.at,
							 (size_t) (reader->scan.end - reader->scan.at));

	if (len == 0 && !reader->document->lenient)
		return reader_fail(reader, HL_JSON_ENCODING, reader->scan.at,
						   "it is not valid UTF-8");
	if (len == 0)
		*reader->text++ = '?';
	else
		memcpy(reader->text, reader->scan.at, (size_t) len);
	reader->text += len;
	reader->scan.at += len == 0 ? 1 : len;
	return true;
}

/* Reads a string, from its first quotation mark to its last. */
static bool
read_string(Reader *reader)
{
	char *string = reader->text;
	bool fine = true;

	reader->scan.at++;
	while (fine)
	{
		copy_plain(reader);
		if (reader->scan.at >= reader->scan.end)
			return reader_fail_here(reader, "");
		if (*reader->scan.at == '"')
			break;
		if (*reader->scan.at == '\\')
			fine = read_escape(reader);
		else if ((unsigned char) *reader->scan.at < 0x20)
			fine = reader_fail_here(
				reader, "a control character in a string must be escaped");
		else
			fine = copy_character(reader);
	}
	if (!fine)
		return false;
	reader->scan.at++;
	*reader->text++ = '\0';
	return add_node(reader, HL_JSON_STRING, string,
					(size_t) (reader->text - 1 - string));
}

/* Skips digits; at least one is required. */
static bool
skip_digits(Reader *reader)
{
	const char *from = reader->scan.at;

	while (reader->scan.at < reader->scan.end && *reader->scan.at >= '0' &&
		   *reader->scan.at <= '9')
		reader->scan.at++;
	return reader->scan.at > from ||
		   reader_fail_here(reader, "a digit is expected");
}

/* Reads a number and keeps it as it was written. */
static bool
read_number(Reader *reader)
{
	const char *from = reader->scan.at;
	char *string = reader->text;
	size_t len;

	hl_scan_take(&reader->scan, '-');
	if (!hl_scan_take(&reader->scan, '0') && !skip_digits(reader))
		return false;
	if (hl_scan_take(&reader->scan, '.') && !skip_digits(reader))
		return false;
	if (hl_scan_take(&reader->scan, 'e') || hl_scan_take(&reader->scan, 'E'))
	{
		if (!hl_scan_take(&reader->scan, '+'))
			hl_scan_take(&reader->scan, '-');
		if (!skip_digits(reader))
			return false;
	}
	len = (size_t) (reader->scan.at - from);
	memcpy(string, from, len);
	string[len] = '\0';
	reader->text += len + 1;
	return add_node(reader, HL_JSON_NUMBER, string, len);
}

static bool
read_word(Reader *reader)
{
	static const struct
	{
		const char *word;
		size_t len;
		HlJsonKind kind;
	} words[] = {{"null", 4, HL_JSON_NULL},
				 {"true", 4, HL_JSON_TRUE},
				 {"false", 5, HL_JSON_FALSE}};

	for (int i = 0; i < 3; i++)
	{
		if ((size_t) (reader->scan.end - reader->scan.at) < words[i].len ||
			memcmp(reader->scan.at, words[i].word, words[i].len) != 0)
			continue;
		reader->scan.at += words[i].len;
		return add_node(reader, words[i].kind, NULL, 0);
	}
	return reader_fail_here(reader, "a value is expected");
}

/* Reads the name of a member and the colon behind it. */
static bool
read_name(Reader *reader)
{
	skip_space(reader);
	if (reader->scan.at >= reader->scan.end || *reader->scan.at != '"')
		return reader_fail_here(reader, "a member's name is expected");
	if (!read_string(reader))
		return false;
	skip_space(reader);
	if (!hl_scan_take(&reader->scan, ':'))
		return reader_fail_here(reader, "a colon is expected");
	return true;
}

/* Begins an array or object. */
static bool
open_container(Reader *reader, HlJsonKind kind)
{
	if (++reader->depth > reader->max_depth)
		return reader_fail(reader, HL_JSON_TOO_DEEP, reader->scan.at,
						   "it is nested too deeply");
	if (!add_node(reader, kind, NULL, 0))
		return false;
	reader->document->root[reader->nodes - 1].span = reader->parent;
	reader->parent = reader->nodes - 1;
	reader->scan.at++;
	return true;
}

/* Ends the innermost container, whose span is known now. */
static void
close_container(Reader *reader)
{
	HlJson *container = &reader->document->root[reader->parent];
	uint32_t outer = container->span;

	container->span = reader->nodes - reader->parent;
	reader->parent = outer;
	reader->depth--;
	reader->scan.at++;
}

/* Reads a scalar, or the beginning of a container. */
static bool
read_value(Reader *reader)
{
	skip_space(reader);
	if (reader->parent != NO_NODE)
		reader->document->root[reader->parent].len++;
	if (reader->scan.at >= reader->scan.end)
		return reader_fail_here(reader, "");
	switch (*reader->scan.at)
	{
		case '{':
			return open_container(reader, HL_JSON_OBJECT);
		case '[':
			return open_container(reader, HL_JSON_ARRAY);
		case '"':
			return read_string(reader);
		default:
			if (*reader->scan.at == '-' ||
				(*reader->scan.at >= '0' && *reader->scan.at <= '9'))
				return read_number(reader);
			return read_word(reader);
	}
}

/*
 * Advances from the end of a value, or the beginning of a container, to the
 * next value, and closes containers that end there. After the last value there
 * is no parent.
 */
static bool
seek_value(Reader *reader)
{
	while (reader->parent != NO_NODE)
	{
		HlJson *container = &reader->document->root[reader->parent];
		bool object = container->kind == HL_JSON_OBJECT;

		skip_space(reader);
		if (reader->scan.at < reader->scan.end &&
			*reader->scan.at == (object ? '}' : ']'))
			close_container(reader);
		else if (container->len == 0 || hl_scan_take(&reader->scan, ','))
			return !object || read_name(reader);
		else
			return reader_fail_here(reader, object
												? "a comma or } is expected"
												: "a comma or ] is expected");
	}
	return true;
}

/* Reads the single value of a text. */
static bool
read_text(Reader *reader)
{
	do
	{
		if (!read_value(reader) || !seek_value(reader))
			return false;
	} while (reader->parent != NO_NODE);
	skip_space(reader);
	if (reader->scan.at < reader->scan.end)
		return reader_fail(reader, HL_JSON_SYNTAX, reader->scan.at,
						   "nothing may follow the value");
	return true;
}

/*
 * Allocates memory for all strings of the document: unescaped, and with a zero
 * byte each, they are at most one byte longer than the text.
 */
static bool
prepare_document(Reader *reader, size_t len)
{
	HlJsonDocument *document = reader->document;

	document->fault = HL_JSON_FINE;
	document->reason = "";
	document->offset = 0;
	if (len >= UINT32_MAX)
		return reader_fail(reader, HL_JSON_TOO_LARGE, reader->start,
						   "it is too large");
	document->text_size = len + 1;
	document->text = reader->text = malloc(document->text_size);
	if (document->text == NULL)
		return reader_fail(reader, HL_JSON_NO_MEMORY, reader->start,
						   "out of memory");
	return true;
}

/* A limit, its default if it is 0, and at most the bound. */
static uint32_t
limit(int set, int otherwise, int greatest)
{
	int value = set > 0 ? set : otherwise;

	return (uint32_t) (value < greatest ? value : greatest);
}

/* Reads a text into the document; false, with a reason, if it is invalid. */
bool
hl_json_read(HlJsonDocument *document, const char *text, size_t len)
{
	Reader reader = {
		.document = document,
		.start = text ? text : "",
		.parent = NO_NODE,
		.max_depth = limit(document->max_depth, HL_JSON_DEFAULT_DEPTH,
						   HL_JSON_GREATEST_DEPTH),
		.max_nodes = limit(document->max_nodes, HL_JSON_DEFAULT_NODES,
						   (int) NO_NODE - 1),
	};

	reader.scan.at = reader.start;
	reader.scan.end = reader.start + len;
	hl_json_free(document);
	if (prepare_document(&reader, len) && read_text(&reader))
		return true;
	free(document->root);
	document->root = NULL;
	return false;
}

/* Frees the memory, and keeps the limits and the reason of a failure. */
void
hl_json_free(HlJsonDocument *document)
{
	if (document->text != NULL && document->secret)
		explicit_bzero(document->text, document->text_size);
	free(document->text);
	free(document->root);
	document->text = NULL;
	document->text_size = 0;
	document->root = NULL;
}

HlJsonKind
hl_json_kind(const HlJson *node)
{
	return node ? (HlJsonKind) node->kind : HL_JSON_NULL;
}

const char *
hl_json_string(const HlJson *node)
{
	return node && node->string ? node->string : "";
}

size_t
hl_json_len(const HlJson *node)
{
	return node ? node->len : 0;
}

/* An integer that is written as one and fits; false for other values. */
bool
hl_json_int64(const HlJson *node, int64_t *value)
{
	const char *digit = hl_json_string(node);
	bool negative = *digit == '-';
	int64_t sum = 0;

	if (hl_json_kind(node) != HL_JSON_NUMBER)
		return false;
	for (digit += negative; *digit >= '0' && *digit <= '9'; digit++)
	{
		if (__builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_sub_overflow(sum, *digit - '0', &sum))
			return false;
	}
	if (*digit != '\0' || (!negative && sum == INT64_MIN))
		return false;
	*value = negative ? sum : -sum;
	return true;
}

/* Any number, to the nearest double (LC_NUMERIC is C in a backend). */
bool
hl_json_double(const HlJson *node, double *value)
{
	if (hl_json_kind(node) != HL_JSON_NUMBER)
		return false;
	*value = strtod(node->string, NULL);
	return true;
}

/* The value of a member; the last one if there are several. */
const HlJson *
hl_json_member(const HlJson *node, const char *name)
{
	HlJsonEach each = hl_json_each(node);
	size_t len = strlen(name);
	const HlJson *found = NULL;
	const HlJson *value;

	while (each.named && (value = hl_json_step(&each)) != NULL)
		if (each.name_len == len && memcmp(each.name, name, len) == 0)
			found = value;
	return found;
}

const HlJson *
hl_json_element(const HlJson *node, size_t i)
{
	HlJsonEach each = hl_json_each(node);
	const HlJson *element = NULL;

	if (hl_json_kind(node) != HL_JSON_ARRAY || i >= node->len)
		return NULL;
	for (size_t n = 0; n <= i; n++)
		element = hl_json_step(&each);
	return element;
}

/* Begins an iteration; one over anything but a container ends immediately. */
HlJsonEach
hl_json_each(const HlJson *node)
{
	HlJsonKind kind = hl_json_kind(node);
	HlJsonEach each = {.named = kind == HL_JSON_OBJECT};

	if (kind == HL_JSON_OBJECT || kind == HL_JSON_ARRAY)
	{
		each.next = node + 1;
		each.left = node->len;
	}
	return each;
}

const HlJson *
hl_json_step(HlJsonEach *each)
{
	const HlJson *node = each->next;

	if (each->left == 0)
		return NULL;
	each->left--;
	if (each->named)
	{
		each->name = node->string;
		each->name_len = node->len;
		node++;
	}
	each->next = node + node->span;
	return node;
}

/* Writes the escape of a character that must be escaped. */
static void
append_escape(HlBytes *bytes, unsigned char c)
{
	static const char marks[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *mark = c == 0 ? NULL : strchr(marks, c);

	if (mark == NULL)
	{
		hl_bytes_format(bytes, "\\u%04x", c);
		return;
	}
	hl_bytes_append_char(bytes, '\\');
	hl_bytes_append_char(bytes, letters[mark - marks]);
}

/* The number of bytes, by eights, before one that may need an escape. */
static size_t
plain_length(const char *string, size_t len)
{
	size_t plain = 0;
	uint64_t bytes;

	while (len - plain >= sizeof(bytes))
	{
		memcpy(&bytes, string + plain, sizeof(bytes));
		if (find_marks(bytes) != 0)
			break;
		plain += sizeof(bytes);
	}
	return plain;
}

/* Writes a string, which must be UTF-8, with its quotation marks. */
void
hl_json_append_string(HlBytes *bytes, const char *string, size_t len)
{
	size_t from = 0;

	hl_bytes_append_char(bytes, '"');
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c;

		i += plain_length(string + i, len - i);
		if (i == len)
			break;
		c = (unsigned char) string[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		hl_bytes_append(bytes, string + from, i - from);
		append_escape(bytes, c);
		from = i + 1;
	}
	hl_bytes_append(bytes, string + from, len - from);
	hl_bytes_append_char(bytes, '"');
}

/* Writes a container; the recursion is limited by the depth of documents. */
static void
append_container(HlBytes *bytes, const HlJson *node)
{
	HlJsonEach each = hl_json_each(node);
	const HlJson *child;
	char separator = each.named ? '{' : '[';

	if (node->len == 0)
		hl_bytes_append_char(bytes, separator);
	while ((child = hl_json_step(&each)) != NULL)
	{
		hl_bytes_append_char(bytes, separator);
		separator = ',';
		if (each.named)
		{
			hl_json_append_string(bytes, each.name, each.name_len);
			hl_bytes_append_char(bytes, ':');
		}
		hl_json_append_node(bytes, child);
	}
	hl_bytes_append_char(bytes, each.named ? '}' : ']');
}

void
hl_json_append_node(HlBytes *bytes, const HlJson *node)
{
	switch (hl_json_kind(node))
	{
		case HL_JSON_NULL:
			hl_bytes_append_string(bytes, "null");
			break;
		case HL_JSON_FALSE:
			hl_bytes_append_string(bytes, "false");
			break;
		case HL_JSON_TRUE:
			hl_bytes_append_string(bytes, "true");
			break;
		case HL_JSON_NUMBER:
			hl_bytes_append(bytes, node->string, node->len);
			break;
		case HL_JSON_STRING:
			hl_json_append_string(bytes, node->string, node->len);
			break;
		case HL_JSON_ARRAY:
		case HL_JSON_OBJECT:
			append_container(bytes, node);
			break;
	}
}

void
hl_json_append_member(HlBytes *bytes, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (hl_bytes_last(bytes) != '{')
		hl_bytes_append_char(bytes, ',');
	hl_bytes_format(bytes, "\"%s\":", name);
	hl_json_append_string(bytes, value, strlen(value));
}
