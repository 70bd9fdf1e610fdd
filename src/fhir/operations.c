/*
 * operations.c
 *	  The table of data plane requests as rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "fhir/operations.h"
#include "model/fhir_operations.h"
#include "model/rows.h"

static List *
all_uses(FunctionCallInfo fcinfo)
{
	List *uses = NIL;

	for (const HlFhirUse *use = hl_fhir_uses; use->function != NULL; use++)
		uses = lappend(uses, unconstify(HlFhirUse *, use));
	return uses;
}

static Datum
use_row(FunctionCallInfo fcinfo, TupleDesc desc, const void *thing)
{
	const HlFhirUse *use = thing;
	const HlOperation *operation = &hl_fhir_operations[use->operation];
	const char *action = use->action != NULL ? use->action : operation->name;
	Datum values[] = {
		CStringGetTextDatum(use->function), CStringGetTextDatum(use->method),
		CStringGetTextDatum(use->path), CStringGetTextDatum(action),
		BoolGetDatum(operation->changes_something)};
	bool nulls[lengthof(values)] = {false};

	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
hl_fhir_operations_next(FunctionCallInfo fcinfo)
{
	return hl_rows_next(fcinfo, all_uses, use_row);
}
