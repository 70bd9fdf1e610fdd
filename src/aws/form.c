/*
 * form.c
 *	  The parameters of a FHIR search as a form.
 */
#include "aws/form.h"

#include <string.h>

#include "base/percent.h"

/* Parameters that select nothing (FHIR R4, 3.1.1.5: search result parameters). */
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

bool
hl_form_has_criterion(const HlJson *parameters)
{
	HlJsonEach each = hl_json_each(parameters);

	while (each.named && hl_json_step(&each) != NULL)
		if (hl_form_is_criterion(each.name))
			return true;
	return false;
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

/* Adds one member. */
static HlFormFault
add_member(HlBytes *form, const char *name, const HlJson *node)
{
	const char *text = "";
	HlFormFault fault;

	if (name[0] == '\0')
		return HL_FORM_EMPTY_NAME;
	if (is_word(name, "_count") || is_word(name, "page"))
		return HL_FORM_OURS;
	if (hl_json_kind(node) == HL_JSON_ARRAY)
		return add_array(form, name, node,
						 strcmp(name, "_sort") == 0 ||
							 strcmp(name, "_elements") == 0);
	fault = read_value(node, &text);
	if (fault == HL_FORM_OK)
		hl_form_add(form, name, text);
	return fault;
}

HlFormFault
hl_form_write(HlBytes *form, const HlJson *parameters, const char **name)
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
		fault = add_member(form, each.name, node);
		if (fault != HL_FORM_OK)
			return fault;
	}
	return form->failed ? HL_FORM_NO_MEMORY : HL_FORM_OK;
}
