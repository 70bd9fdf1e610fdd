/*
 * parameters.c
 *	  Search parameters.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "aws/form.h"
#include "base/percent.h"
#include "fhir/body.h"
#include "fhir/parameters.h"
#include "model/response.h"
#include "server/jsonb_text.h"
#include "server/text.h"

/*
 * The characters of parameter names, with modifiers and chains, and their
 * maximum length.
 */
#define NAME_CHARACTERS                                                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"
#define LONGEST_NAME 128

/* The maximum number of names; each further one is compared with all. */
#define MOST_NAMES 100

const HlJson *
hl_parameters_read(Jsonb *parameters)
{
	char *text;

	if (parameters == NULL)
		return hl_response_read("{}");
	text = hl_jsonb_text(parameters, HL_BODY_MAX_BYTES);
	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("search parameters are too large"),
						errdetail("They have more than %d bytes as JSON.",
								  HL_BODY_MAX_BYTES)));
	return hl_response_read(text);
}

static void
refuse_parameter(HlFormFault fault, const char *name)
{
	static const char *const reasons[] = {
		[HL_FORM_EMPTY_NAME] = "a search parameter must have a name",
		[HL_FORM_OURS] = "search parameter \"%s\" cannot be given",
		[HL_FORM_NULL] = "search parameter \"%s\" must not be null",
		[HL_FORM_NESTED] = "search parameter \"%s\" must be a string, a "
						   "number, a boolean or an array of them",
		[HL_FORM_EMPTY_ARRAY] =
			"search parameter \"%s\" must not be an empty array",
		[HL_FORM_EMPTY_VALUE] =
			"search parameter \"%s\" must not be an empty string",
	};

	if (fault == HL_FORM_NO_OBJECT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("search parameters must be a JSON object")));
	hl_text_refuse_memory(fault == HL_FORM_NO_MEMORY);
	name = hl_text_clip(hl_text_from_utf8(name));
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg_internal(reasons[fault], name),
					fault == HL_FORM_OURS
						? errhint("The function fetches all pages; its "
								  "argument \"page_size\" sets their size.")
						: 0));
}

void
hl_parameters_refuse_unselective(const HlJson *parameters)
{
	const char *name = hl_form_unselective(parameters);

	if (name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("search parameter \"%s\" has an empty alternative",
						hl_text_clip(hl_text_from_utf8(name))),
				 errhint("Commas separate alternatives; \"\\,\" is a comma of "
						 "the value itself.")));
}

char *
hl_parameters_form(const HlJson *parameters, bool paged)
{
	HlBytes form = {0};
	const char *name;
	HlFormFault fault = hl_form_write(&form, parameters, paged, &name);

	if (fault != HL_FORM_OK)
	{
		hl_bytes_free(&form);
		refuse_parameter(fault, name);
	}
	return hl_text_take(&form);
}

char *
hl_parameters_add(const char *form, const char *name, const char *value)
{
	HlBytes bytes = {0};

	hl_bytes_append_string(&bytes, form);
	hl_form_add(&bytes, name, value);
	return hl_text_take(&bytes);
}

/*
 * Decodes a name in a form. One with other characters, or a malformed escape,
 * becomes "?", since it may contain data.
 */
static char *
decode_name(const char *encoded, size_t len)
{
	const char *end = encoded + len;
	char *name = palloc(len + 1);
	size_t count = 0;

	while (encoded < end)
	{
		int c = hl_percent_take(&encoded, end);

		if (c <= 0 || strchr(NAME_CHARACTERS, c) == NULL ||
			count == LONGEST_NAME)
			return pstrdup("?");
		name[count++] = (char) c;
	}
	name[count] = '\0';
	return name;
}

char *
hl_parameters_names(const char *form)
{
	StringInfoData json;
	int count = 0;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	while (*form != '\0' && count < MOST_NAMES)
	{
		size_t pair = strcspn(form, "&");
		char *bare = decode_name(form, Min(strcspn(form, "="), pair));
		char *name = psprintf("\"%s\"", bare);

		CHECK_FOR_INTERRUPTS();
		if (strstr(json.data, name) == NULL)
			appendStringInfo(&json, "%s%s", count++ == 0 ? "" : ",", name);
		pfree(name);
		pfree(bare);
		form += pair + (form[pair] == '&');
	}
	appendStringInfoChar(&json, ']');
	return json.data;
}

text *
hl_parameters_escape(const text *value)
{
	/* in no encoding of a database these bytes are part of another character */
	HlBytes bytes = {0};
	char *string = text_to_cstring(value);

	hl_form_escape(&bytes, string);
	return cstring_to_text(hl_text_take(&bytes));
}
