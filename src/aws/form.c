/*
 * form.c
 *	  The parameters of a FHIR search as a form.
 */
#include "aws/form.h"

#include <string.h>

#include "base/percent.h"

/* Result parameters, which select nothing (FHIR R4, 3.1.1.5). */
static const char *const result_parameters[] = {
	"_sort",  "_count",         "_include",   "_revinclude", "_summary",
	"_total", "_elements",      "_contained", "_format",     "_pretty",
	"_score", "_containedType", "page",       "_maxresults", "_graph",
};

/* Whether a name is a word, possibly with a modifier. */
static bool
is_word(const char *name, const char *word)
{
	size_t len = strlen(word);

	return strncmp(name, word, len) == 0 &&
		   (name[len] == '\0' || name[len] == ':');
}

bool
hl_form_is_criterion(const char *name)
{
	for (size_t i = 0;
		 i < sizeof(result_parameters) / sizeof(result_parameters[0]); i++)
		if (is_word(name, result_parameters[i]))
			return false;
	return name[0] != '\0';
}

/*
 * Whether a value has an empty alternative, such as "," and "a,": a server may
 * ignore it. A backslash makes the next character a part of the value (FHIR R4,
 * "Escaping Search Parameters").
 */
static bool
has_empty_alternative(const char *value)
{
	bool empty = true;

	for (; *value != '\0'; value++)
	{
		if (*value == ',' && empty)
			return true;
		empty = *value == ',' || (empty && *value == ' ');
		if (*value == '\\' && value[1] != '\0')
			value++;
	}
	return empty;
}

/* Whether each value of a criterion, or of a list of them, selects something. */
static bool
is_selective(const HlJson *node)
{
	HlJsonEach each = hl_json_each(node);
	const HlJson *element;

	if (hl_json_kind(node) == HL_JSON_STRING)
		return !has_empty_alternative(hl_json_string(node));
	while (hl_json_kind(node) == HL_JSON_ARRAY &&
		   (element = hl_json_step(&each)) != NULL)
		if (!is_selective(element))
			return false;
	return true;
}

const char *
hl_form_unselective(const HlJson *parameters)
{
	HlJsonEach each = hl_json_each(parameters);
	const HlJson *node;

	while (each.named && (node = hl_json_step(&each)) != NULL)
		if (hl_form_is_criterion(each.name) && !is_selective(node))
			return each.name;
	return NULL;
}

bool
hl_form_has_criterion(const HlJson *parameters)
{
	HlJsonEach each = hl_json_each(parameters);

	while (each.named && hl_json_step(&each) != NULL)
		if (hl_form_is_criterion(each.name))
			return true;
	return false;
}

/*
 * Takes a part of a query, up to a character, and decodes it. False: it has a
 * malformed escape or a zero byte.
 */
static bool
take_part(const char **query, const char *ends, HlBytes *part)
{
	const char *end = *query + strcspn(*query, ends);
	bool good = true;

	hl_bytes_reset(part);
	while (*query < end)
	{
		int c = hl_percent_take(query, end);

		good = good && c > 0;
		hl_bytes_append_char(part, (char) (c == '+' ? ' ' : c));
	}
	return good && !part->failed;
}

bool
hl_form_query_selects(const char *query)
{
	HlBytes name = {0};
	HlBytes value = {0};
	bool found = false;
	bool good = true;

	while (good && *query != '\0')
	{
		good = take_part(&query, "=&", &name);
		query += *query == '=';
		good = take_part(&query, "&", &value) && good;
		query += *query == '&';
		if (!good || !hl_form_is_criterion(hl_bytes_string(&name)))
			continue;
		found = true;
		good = !has_empty_alternative(hl_bytes_string(&value));
	}
	hl_bytes_free(&name);
	hl_bytes_free(&value);
	return found && good;
}

void
hl_form_add(HlBytes *form, const char *name, const char *value)
{
	if (form->len > 0)
		hl_bytes_append_char(form, '&');
	hl_percent_append_string(form, name);
	hl_bytes_append_char(form, '=');
	hl_percent_append_string(form, value);
}

void
hl_form_escape(HlBytes *bytes, const char *value)
{
	for (; *value != '\0'; value++)
	{
		if (strchr("\\$,|", *value) != NULL)
			hl_bytes_append_char(bytes, '\\');
		hl_bytes_append_char(bytes, *value);
	}
}

/* Finds the text of a single value. */
static HlFormFault
read_value(const HlJson *node, const char **text)
{
	switch (hl_json_kind(node))
	{
		case HL_JSON_NULL:
			return HL_FORM_NULL;
		case HL_JSON_TRUE:
			*text = "true";
			return HL_FORM_OK;
		case HL_JSON_FALSE:
			*text = "false";
			return HL_FORM_OK;
		case HL_JSON_NUMBER:
		case HL_JSON_STRING:
			*text = hl_json_string(node);
			return **text == '\0' ? HL_FORM_EMPTY_VALUE : HL_FORM_OK;
		default:
			return HL_FORM_NESTED;
	}
}

/*
 * Adds an array: a pair for each element, or one with all, separated by commas.
 */
static HlFormFault
add_array(HlBytes *form, const char *name, const HlJson *array, bool joined)
{
	HlJsonEach each = hl_json_each(array);
	const HlJson *element;
	bool first = true;

	if (hl_json_len(array) == 0)
		return HL_FORM_EMPTY_ARRAY;
	while ((element = hl_json_step(&each)) != NULL)
	{
		const char *text = "";
		HlFormFault fault = read_value(element, &text);

		if (fault != HL_FORM_OK)
			return fault;
		if (first || !joined)
			hl_form_add(form, name, text);
		else
		{
			hl_percent_append(form, ',');
			hl_percent_append_string(form, text);
		}
		first = false;
	}
	return HL_FORM_OK;
}

static HlFormFault
add_member(HlBytes *form, const char *name, const HlJson *node)
{
	const char *text = "";
	HlFormFault fault;

	if (name[0] == '\0')
		return HL_FORM_EMPTY_NAME;
	if (hl_json_kind(node) == HL_JSON_ARRAY)
		return add_array(form, name, node,
						 strcmp(name, "_sort") == 0 ||
							 strcmp(name, "_elements") == 0);
	fault = read_value(node, &text);
	if (fault == HL_FORM_OK)
		hl_form_add(form, name, text);
	return fault;
}

/* Whether a parameter is one that paging sets. */
static bool
is_ours(const char *name)
{
	return is_word(name, "_count") || is_word(name, "page");
}

HlFormFault
hl_form_write(HlBytes *form, const HlJson *parameters, bool paged,
			  const char **name)
{
	HlJsonEach each = hl_json_each(parameters);
	const HlJson *node;

	*name = "";
	if (hl_json_kind(parameters) != HL_JSON_OBJECT)
		return HL_FORM_NO_OBJECT;
	while ((node = hl_json_step(&each)) != NULL)
	{
		HlFormFault fault;

		*name = each.name;
		fault = paged && is_ours(each.name) ? HL_FORM_OURS
											: add_member(form, each.name, node);
		if (fault != HL_FORM_OK)
			return fault;
	}
	return form->failed ? HL_FORM_NO_MEMORY : HL_FORM_OK;
}
