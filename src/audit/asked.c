/*
 * asked.c
 *	  Patients in what was asked.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "audit/asked.h"
#include "base/percent.h"
#include "model/response.h"

/* Parameters whose value is the id of a patient, or a reference to one. */
static const char *const of_patients[] = {"patient", "subject", "beneficiary",
										  "individual"};

/* Modifiers with which the value of a reference is no id. */
static const char *const of_others[] = {"missing", "identifier", "text", "not"};

/* ------------------------------------------------------------------- names */

static bool
is_among(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/*
 * Whether a parameter without the name of a type refers to patients: patient,
 * or performer:Patient. Cuts off its modifier.
 */
static bool
refers_to_patients(char *name)
{
	char *modifier = strchr(name, ':');

	if (modifier == NULL)
		return is_among(of_patients, lengthof(of_patients), name);
	*modifier++ = '\0';
	if (modifier[0] >= 'A' && modifier[0] <= 'Z')
		return strcmp(modifier, "Patient") == 0;
	return !is_among(of_others, lengthof(of_others), modifier) &&
		   is_among(of_patients, lengthof(of_patients), name);
}

/*
 * Skips _has:Type:reference: of a reverse chain, and sets its type; NULL if it
 * is malformed.
 */
static char *
skip_reverse_chain(char *name, const char **type)
{
	while (name != NULL && strncmp(name, "_has:", 5) == 0)
	{
		char *rest = name + 5;

		*type = strsep(&rest, ":");
		(void) strsep(&rest, ":");
		name = rest;
	}
	return name;
}

/*
 * Whether the value of a parameter of a type may be the id of a patient without
 * "Patient/". Of a chain, such as encounter.subject, the last part decides.
 */
static bool
takes_id(const char *type, const char *parameter)
{
	char *name = pstrdup(parameter);
	char *dot = strrchr(name, '.');
	char *last = skip_reverse_chain(dot != NULL ? dot + 1 : name, &type);

	if (last == NULL)
		return false;
	if (strncmp(last, "_id", 3) != 0 || (last[3] != '\0' && last[3] != ':'))
		return refers_to_patients(last);
	if (strcmp(last + 3, ":not") == 0 || strcmp(last + 3, ":missing") == 0)
		return false;
	if (dot == NULL || last != dot + 1)
		return strcmp(type, "Patient") == 0;
	*dot = '\0';
	dot = strrchr(name, '.');
	return refers_to_patients(dot != NULL ? dot + 1 : name);
}

/* ------------------------------------------------------------------ values */

/* Adds a reference to a patient, or, if it may be one, an id. */
static void
add_value(HlNames *patients, const char *value, bool may_be_id)
{
	if (!hl_names_add_referred(patients, value) && may_be_id &&
		hl_names_is_id(value))
		hl_names_add(patients, value);
}

/*
 * A part of a URL without its escapes, palloc'd. The percent sign of a malformed
 * one stays, and of one for a zero byte, which would end the text.
 */
static char *
decode(const char *encoded, size_t len)
{
	const char *end = encoded + len;
	char *text = palloc(len + 1);
	char *next = text;

	while (encoded < end)
	{
		int c = hl_percent_take(&encoded, end);

		*next++ = (char) (c <= 0 ? '%' : c);
	}
	*next = '\0';
	return text;
}

/* Adds the patients of a parameter; a comma separates alternatives. */
static void
add_parameter(HlNames *patients, const char *type, const char *name,
			  char *values)
{
	bool may_be_id = takes_id(type, name);

	while (values != NULL)
		add_value(patients, strsep(&values, ","), may_be_id);
}

/* Adds the patients in a query, or in the body of a search. */
static void
add_form(HlNames *patients, const char *type, const char *form)
{
	while (*form != '\0')
	{
		size_t pair = strcspn(form, "&");
		size_t name = Min(strcspn(form, "="), pair);

		CHECK_FOR_INTERRUPTS();
		if (name < pair)
			add_parameter(patients, type, decode(form, name),
						  decode(form + name + 1, pair - name - 1));
		form += pair + (form[pair] == '&');
	}
}

/*
 * Adds the patients in a path, such as Patient/1 or Patient/1/Observation.
 * Returns the last type in it; "": none.
 */
static const char *
add_path(HlNames *patients, const char *path)
{
	char *rest = decode(path, strcspn(path, "?"));
	const char *type = "";
	bool after_patient = false;

	while (rest != NULL)
	{
		const char *segment = strsep(&rest, "/");

		if (after_patient && hl_names_is_id(segment))
			hl_names_add(patients, segment);
		else if (hl_names_is_type(segment))
			type = segment;
		after_patient = !after_patient && strcmp(segment, "Patient") == 0;
	}
	return type;
}

/* ------------------------------------------------------------------ bodies */

/* Adds the patients in the URLs of entries that do not only write. */
static void
add_entries(HlNames *patients, const HlJson *bundle)
{
	HlJsonEach each = hl_json_each(hl_json_member(bundle, "entry"));
	const HlJson *entry;

	while ((entry = hl_json_step(&each)) != NULL)
	{
		const HlJson *request = hl_json_member(entry, "request");
		const char *method = hl_json_string(hl_json_member(request, "method"));
		const char *url = hl_json_string(hl_json_member(request, "url"));
		const char *query = strchr(url, '?');
		const char *type;

		if (strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0)
			continue;
		type = add_path(patients, url);
		if (query != NULL)
			add_form(patients, type, query + 1);
	}
}

/*
 * Adds the patients in the input of an operation, without those in resources,
 * which the caller knows.
 */
static void
add_input(HlNames *patients, const char *type, const HlJson *parameters)
{
	HlJsonEach each = hl_json_each(parameters);
	const HlJson *parameter;

	check_stack_depth();
	while ((parameter = hl_json_step(&each)) != NULL)
	{
		const char *name = hl_json_string(hl_json_member(parameter, "name"));
		HlJsonEach members = hl_json_each(parameter);
		const HlJson *value;

		while ((value = hl_json_step(&members)) != NULL)
			if (members.name != NULL && strncmp(members.name, "value", 5) == 0)
				add_value(
					patients,
					hl_json_kind(value) == HL_JSON_OBJECT
						? hl_json_string(hl_json_member(value, "reference"))
						: hl_json_string(value),
					takes_id(type, name));
		add_input(patients, type, hl_json_member(parameter, "part"));
	}
}

/* Adds the patients in the body of a Bundle, or of an operation. */
static void
add_body(HlNames *patients, const char *type, const HlRequest *request)
{
	const HlRest *rest = request->rest;
	bool operation =
		strcmp(rest->method, "POST") == 0 && strchr(rest->path, '$') != NULL;
	const HlJson *body;

	if (request->body.len == 0 || (rest->entries == NULL && !operation))
		return;
	body = hl_response_read(hl_bytes_string(&request->body));
	if (rest->entries != NULL)
		add_entries(patients, body);
	else
		add_input(patients, type, hl_json_member(body, "parameter"));
}

void
hl_asked_add(HlNames *patients, const HlRequest *request)
{
	const HlRest *rest = request->rest;
	const char *query = rest->criteria != NULL ? rest->criteria : rest->query;
	const char *type =
		add_path(patients, rest->asked != NULL ? rest->asked : rest->path);

	if (query != NULL)
		add_form(patients, type, query);
	add_body(patients, type, request);
}
