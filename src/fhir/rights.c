/*
 * rights.c
 *	  A word is held by whoever may execute the function that stands for it.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "audit/store.h"
#include "call/door.h"
#include "fhir/rights.h"

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

void
hl_fhir_need_words(int words)
{
	const HlStore *store = hl_store_need();

	if (superuser())
		return;
	for (size_t i = 0; i < lengthof(word_rows); i++)
		if ((words & word_rows[i].word) != 0 &&
			!hl_door_lets(store->extension, store->schema,
						  word_rows[i].function, GetUserId()))
			ereport(
				ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s",
						word_rows[i].function),
				 errdetail("An entry performs the operation of that function."),
				 errhint("healthlake_grant() grants it by the word %s.",
						 word_rows[i].name)));
}
