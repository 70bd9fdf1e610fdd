/*
 * parameters.c
 *	  The parameters of a search.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "aws/form.h"
#include "fhir/parameters.h"
#include "model/response.h"
#include "server/text.h"

/* What names of parameters are made of, modifiers and chains included. */
#define NAME_CHARACTERS                                                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"
#define LONGEST_NAME 128

/* So many names are listed: one more is compared with each of them. */
#define MOST_NAMES 100

const HlJson *
hl_parameters_read(Jsonb *parameters)
{
	char *string;

	if (parameters == NULL)
		return hl_response_read("{}");
	string = JsonbToCString(NULL, &parameters->root, (int) VARSIZE(parameters));
	return hl_response_read(hl_text_to_utf8(string, (int) strlen(string)));
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

char *
hl_parameters_form(const HlJson *parameters)
{
	HlBytes form = {0};
	const char *name;
	HlFormFault fault = hl_form_write(&form, parameters, &name);

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

/* Decodes a name out of a form; one that no parameter has is not repeated. */
static char *
decode_name(const char *encoded, size_t len)
{
	char *name = palloc(len + 1);
	char *end = name;

	for (size_t i = 0; i < len; i++)
	{
		char hex[3] = {0};

		if (encoded[i] != '%' || i + 2 >= len)
		{
			*end++ = encoded[i];
			continue;
		}
		memcpy(hex, encoded + i + 1, 2);
		*end++ = (char) strtol(hex, NULL, 16);
		i += 2;
	}
	*end = '\0';
	if (strspn(name, NAME_CHARACTERS) != strlen(name) ||
		strlen(name) > LONGEST_NAME)
		return pstrdup("?");
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
	/* of all encodings that a database may have, none has these bytes in
	 * another character */
	HlBytes bytes = {0};
	char *string = text_to_cstring(value);

	hl_form_escape(&bytes, string);
	return cstring_to_text(hl_text_take(&bytes));
}
