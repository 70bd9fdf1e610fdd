/*
 * rights.c
 *	  A role has a word if it may execute the function that stands for it. It
 *	  may write if it may execute one of the functions that make that write.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "call/door.h"
#include "fhir/rights.h"
#include "model/response.h"
#include "server/text.h"

static const struct
{
	HlFhirWord word;
	const char *name;
	const char *function;
} word_rows[] = {
	{HL_FHIR_MAY_READ, "fhir_read", "healthlake_fhir_read"},
	{HL_FHIR_MAY_WRITE, "fhir_write", "healthlake_fhir_create"},
	{HL_FHIR_MAY_DELETE, "fhir_delete", "healthlake_fhir_delete"},
};

/* Whether the current user may execute the function of a word. */
static bool
is_held(size_t row)
{
	const HlStore *store;

	if (superuser())
		return true;
	store = hl_store_need();
	return hl_door_lets(store->extension, store->schema,
						word_rows[row].function, GetUserId());
}

bool
hl_fhir_may(HlFhirWord word)
{
	size_t row = 0;

	while (word_rows[row].word != word)
		row++;
	return is_held(row);
}

void
hl_fhir_need_words(int words)
{
	for (size_t i = 0; i < lengthof(word_rows); i++)
		if ((words & word_rows[i].word) != 0 && !is_held(i))
			ereport(
				ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s",
						word_rows[i].function),
				 errdetail("An entry performs the operation of that function."),
				 errhint("healthlake_grant() grants it by the word %s.",
						 word_rows[i].name)));
}

/* ---------------------------------------------------------- deferred writes */

/* The functions whose EXECUTE privilege permits a method. */
static const char *const *
functions_of(const char *method, bool creates)
{
	static const char *const create[] = {
		"healthlake_fhir_create", "healthlake_fhir_enqueue_create",
		"healthlake_fhir_update", "healthlake_fhir_enqueue_update", NULL};
	static const char *const patch[] = {"healthlake_fhir_patch",
										"healthlake_fhir_enqueue_patch", NULL};
	static const char *const delete[] = {
		"healthlake_fhir_delete", "healthlake_fhir_enqueue_delete", NULL};

	if (strcmp(method, "DELETE") == 0)
		return delete;
	if (strcmp(method, "PATCH") == 0)
		return patch;
	return creates ? create : create + 2;
}

/* Whether a role may use a method. */
static bool
may_do(const HlStore *store, const char *method, bool creates, Oid role)
{
	const char *const *functions = functions_of(method, creates);

	for (; *functions != NULL; functions++)
		if (hl_door_lets(store->extension, store->schema, *functions, role))
			return true;
	return false;
}

/* Whether a role may perform all entries, given as method and URL. */
static bool
may_do_entries(const HlStore *store, const HlJson *entries, Oid role)
{
	HlJsonEach each = hl_json_each(entries);
	const HlJson *entry;

	while ((entry = hl_json_step(&each)) != NULL)
	{
		const char *said = hl_json_string(entry);
		char *method = pnstrdup(said, strcspn(said, " "));

		if (!may_do(store, method, false, role))
			return false;
	}
	return true;
}

bool
hl_fhir_permits(const HlStore *store, const char *request, Oid role)
{
	const HlJson *said =
		hl_response_read(hl_text_to_utf8(request, (int) strlen(request)));
	const char *method = hl_json_string(hl_json_member(said, "method"));
	const HlJson *entries = hl_json_member(said, "entries");
	const HlJson *condition;

	if (entries != NULL)
		return may_do_entries(store, entries, role);
	condition =
		hl_json_member(hl_json_member(said, "headers"), "If-None-Match");
	return may_do(store, method,
				  strcmp(method, "POST") == 0 ||
					  hl_json_kind(condition) == HL_JSON_STRING,
				  role);
}
