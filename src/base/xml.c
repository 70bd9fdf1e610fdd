/*
 * xml.c
 *	  A small, strict XML parser.
 */
#include "base/xml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

typedef struct Reader
{
	HlXml *xml;
	const char *start;
	const char *at;
	const char *end;
	char *out;     /* end of the strings written so far */
	int open;      /* index of the innermost open element; -1: none */
	int depth;     /* number of open elements */
	bool children; /* the open element has child elements */
} Reader;

/* Records the first fault. */
static bool
refuse(Reader *reader, const char *reason)
{
	if (reader->xml->reason == NULL)
	{
		reader->xml->reason = reason;
		reader->xml->offset = (size_t) (reader->at - reader->start);
	}
	return false;
}

/* Whether a byte is one of XML's blanks. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether a byte may be in a name; the first byte is checked elsewhere. */
static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		   (c >= '0' && c <= '9') || (c != '\0' && strchr("_:-.", c) != NULL);
}

static void
skip_blanks(Reader *reader)
{
	while (reader->at < reader->end && is_blank(*reader->at))
		reader->at++;
}

/* Consumes these bytes if they are next. */
static bool
take(Reader *reader, const char *word)
{
	size_t len = strlen(word);

	if ((size_t) (reader->end - reader->at) < len ||
		memcmp(reader->at, word, len) != 0)
		return false;
	reader->at += len;
	return true;
}

/* Zero-terminates the last string. */
static const char *
end_string(Reader *reader, char *begin)
{
	*reader->out++ = '\0';
	return begin;
}

/* Reads a name; NULL if there is none. */
static const char *
read_name(Reader *reader)
{
	const char *name = reader->at;
	char *begin = reader->out;

	while (reader->at < reader->end && is_name_byte(*reader->at))
		reader->at++;
	if (reader->at == name || strchr("0123456789-.", *name) != NULL)
	{
		refuse(reader, "a name is missing");
		return NULL;
	}
	memcpy(begin, name, (size_t) (reader->at - name));
	reader->out += reader->at - name;
	return end_string(reader, begin);
}

/* Writes a character as UTF-8; false if XML does not allow it. */
static bool
put_character(Reader *reader, uint32_t c)
{
	if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
		(c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff ||
		c > 0x10ffff)
		return refuse(reader, "there is a character that XML does not have");
	reader->out += hl_utf8_put(reader->out, c);
	return true;
}

/* Reads the rest of a reference by number. */
static bool
read_number(Reader *reader)
{
	bool hex = take(reader, "x");
	const char *digits = reader->at;
	uint32_t c = 0;

	for (; reader->at < reader->end && *reader->at != ';'; reader->at++)
	{
		static const char all[] = "0123456789abcdef";
		char digit = *reader->at;
		const char *found;

		if (hex && digit >= 'A' && digit <= 'F')
			digit = (char) (digit - 'A' + 'a');
		found = digit == '\0' ? NULL : strchr(all, digit);
		if (found == NULL || found - all >= (hex ? 16 : 10) || c > 0x10ffff)
			return refuse(reader, "a character reference is malformed");
		c = c * (hex ? 16 : 10) + (uint32_t) (found - all);
	}
	if (reader->at == digits || !take(reader, ";"))
		return refuse(reader, "a character reference is malformed");
	return put_character(reader, c);
}

/* Reads the part of a reference after the ampersand. */
static bool
read_reference(Reader *reader)
{
	static const struct
	{
		const char *word;
		char c;
	} entities[] = {{"amp;", '&'},
					{"lt;", '<'},
					{"gt;", '>'},
					{"quot;", '"'},
					{"apos;", '\''}};

	if (take(reader, "#"))
		return read_number(reader);
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (take(reader, entities[i].word))
			return put_character(reader, (unsigned char) entities[i].c);
	return refuse(reader, "there is an entity that is not XML's own");
}

/* Reads one character of text or of an attribute's value. */
static bool
read_character(Reader *reader)
{
	size_t left = (size_t) (reader->end - reader->at);
	int len = hl_utf8_length(reader->at, left);

	if (take(reader, "&"))
		return read_reference(reader);
	if (len == 0)
		return refuse(reader, "the text is not UTF-8");
	if ((len == 1 && (unsigned char) *reader->at < 0x20 &&
		 !is_blank(*reader->at)) ||
		(len == 3 && memcmp(reader->at, "\xef\xbf", 2) == 0 &&
		 (unsigned char) reader->at[2] >= 0xbe))
		return refuse(reader, "there is a character that XML does not have");
	memcpy(reader->out, reader->at, (size_t) len);
	reader->out += len;
	reader->at += len;
	return true;
}

/* Reads attributes, which are ignored. */
static bool
read_attributes(Reader *reader)
{
	char *out = reader->out;
	bool apart = reader->at < reader->end && is_blank(*reader->at);

	skip_blanks(reader);
	while (apart && reader->at < reader->end &&
		   strchr("/>?", *reader->at) == NULL)
	{
		char quote;

		if (read_name(reader) == NULL)
			return false;
		skip_blanks(reader);
		if (!take(reader, "="))
			return refuse(reader, "an attribute has no value");
		skip_blanks(reader);
		quote = reader->at < reader->end ? *reader->at : '\0';
		if (quote != '"' && quote != '\'')
			return refuse(reader, "an attribute's value is not quoted");
		reader->at++;
		while (reader->at < reader->end && *reader->at != quote)
			if (*reader->at == '<')
				return refuse(reader, "there is a < in an attribute's value");
			else if (!read_character(reader))
				return false;
		if (reader->at == reader->end)
			return refuse(reader, "the text ends within an attribute");
		reader->at++;
		reader->out = out;
		apart = reader->at < reader->end && is_blank(*reader->at);
		skip_blanks(reader);
	}
	return true;
}

/* Returns to the parent of an element that ends. */
static void
close_element(Reader *reader)
{
	reader->open = reader->xml->elements[reader->open].parent;
	reader->depth--;
	reader->children = true;
}

/* Reads a start tag, after its <. */
static bool
read_begin(Reader *reader)
{
	HlXml *xml = reader->xml;
	const char *name = read_name(reader);

	if (name == NULL || !read_attributes(reader))
		return false;
	if (xml->count == HL_XML_MAX_ELEMENTS || reader->depth == HL_XML_MAX_DEPTH)
		return refuse(reader, "there are too many elements");
	xml->elements[xml->count] =
		(HlXmlElement){.name = name, .text = "", .parent = reader->open};
	reader->open = xml->count++;
	reader->depth++;
	reader->children = false;
	if (take(reader, "/>"))
		close_element(reader);
	else if (!take(reader, ">"))
		return refuse(reader, "a tag has no end");
	return true;
}

/* Reads an end tag, after its </. */
static bool
read_end(Reader *reader)
{
	char *out = reader->out;
	const char *name = read_name(reader);

	if (name == NULL)
		return false;
	if (reader->open < 0 ||
		strcmp(name, reader->xml->elements[reader->open].name) != 0)
		return refuse(reader, "a tag ends what it does not begin");
	reader->out = out;
	skip_blanks(reader);
	if (!take(reader, ">"))
		return refuse(reader, "a tag has no end");
	close_element(reader);
	return true;
}

/* Reads text up to the next tag. */
static bool
read_text(Reader *reader)
{
	char *begin = reader->out;
	bool blank = true;
	bool last;

	while (reader->at < reader->end && *reader->at != '<')
	{
		blank = blank && is_blank(*reader->at);
		if (!read_character(reader))
			return false;
	}
	if (!blank && reader->open < 0)
		return refuse(reader, "there is text outside the element");
	if (reader->at == reader->end)
		return reader->open < 0 || refuse(reader, "the text is cut off");
	last = reader->end - reader->at > 1 && reader->at[1] == '/';
	if (!blank && (reader->children || !last))
		return refuse(reader, "there is text beside an element");
	if (last && !reader->children)
		reader->xml->elements[reader->open].text = end_string(reader, begin);
	else
		reader->out = begin;
	return true;
}

/* Reads all tags, and the text between them. */
static bool
read_elements(Reader *reader)
{
	skip_blanks(reader);
	while (reader->at < reader->end)
	{
		bool read;

		if (!take(reader, "<"))
			return refuse(reader, "there is text outside the element");
		if (reader->open < 0 && reader->xml->count > 0)
			return refuse(reader, "there is more than one element");
		read = take(reader, "/") ? read_end(reader) : read_begin(reader);
		if (!read || !read_text(reader))
			return false;
	}
	if (reader->xml->count == 0 || reader->open >= 0)
		return refuse(reader, "the text is cut off");
	return true;
}

/* Reads the declaration, which is ignored. */
static bool
read_declaration(Reader *reader)
{
	if (!take(reader, "<?xml"))
		return true;
	if (!read_attributes(reader))
		return false;
	return take(reader, "?>") || refuse(reader, "the declaration has no end");
}

bool
hl_xml_read(HlXml *xml, const char *text, size_t len)
{
	Reader reader = {.xml = xml,
					 .start = text,
					 .at = text,
					 .end = text + len,
					 .open = -1,
					 .children = true};

	hl_xml_wipe(xml);
	/* strings are shorter than their source, with a byte to spare */
	xml->size = len + 2;
	xml->text = malloc(xml->size);
	xml->elements = calloc(HL_XML_MAX_ELEMENTS, sizeof(HlXmlElement));
	xml->no_memory = xml->text == NULL || xml->elements == NULL;
	if (xml->no_memory)
		return refuse(&reader, "out of memory");
	reader.out = xml->text;
	return read_declaration(&reader) && read_elements(&reader);
}

/* Whether an element is at the path with this length. */
static bool
is_at(const HlXml *xml, int i, const char *path, size_t len)
{
	while (i >= 0)
	{
		const char *name = xml->elements[i].name;
		size_t name_len = strlen(name);

		if (name_len > len ||
			memcmp(path + len - name_len, name, name_len) != 0)
			return false;
		len -= name_len;
		i = xml->elements[i].parent;
		if (i >= 0 && (len == 0 || path[--len] != '/'))
			return false;
	}
	return len == 0;
}

/* Returns the text of the only element at a path. */
const char *
hl_xml_value(const HlXml *xml, const char *path)
{
	const char *value = NULL;

	for (int i = 0; xml->reason == NULL && i < xml->count; i++)
		if (is_at(xml, i, path, strlen(path)))
		{
			if (value != NULL)
				return NULL;
			value = xml->elements[i].text;
		}
	return value;
}

void
hl_xml_wipe(HlXml *xml)
{
	if (xml->text != NULL)
		explicit_bzero(xml->text, xml->size);
	free(xml->text);
	free(xml->elements);
	*xml = (HlXml){0};
}
