/*
 * functions.c
 *	  What SQL can call of this room. A parsed path or view, and what it needs,
 *	  is kept for the statement in fn_extra, and made again where another one
 *	  comes.
 */
#include "postgres.h"

/* Found by name in the library, whatever else is hidden. */
#pragma GCC visibility push(default)

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "fhirpath/create.h"
#include "fhirpath/document.h"
#include "fhirpath/flatten.h"
#include "fhirpath/kept.h"

/* The store for a function's rows; it is the result of the call. */
static Tuplestorestate *
begin_rows(FunctionCallInfo fcinfo, TupleDesc *row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext outer;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		!(result->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that "
							   "cannot accept a set")));
	if (result->expectedDesc == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in context "
							   "that cannot accept type record"),
						errhint("Call it in FROM, with a column definition "
								"list: AS v(id text, …).")));
	outer = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	*row = CreateTupleDescCopy(result->expectedDesc);
	result->returnMode = SFRM_Materialize;
	result->setDesc = *row;
	result->setResult = tuplestore_begin_heap(
		(result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	MemoryContextSwitchTo(outer);
	return result->setResult;
}

/* Evaluates a path for a resource, both arguments. */
static void
evaluate_arguments(FunctionCallInfo fcinfo, HlItems *items)
{
	const HlKeptPath *kept = hl_kept_path(fcinfo);
	HlEvaluation evaluation;

	memset(&evaluation, 0, sizeof(evaluation));
	evaluation.constants = kept->constants;
	evaluation.index = -1;
	hl_items_init(items);
	if (hl_item_root(hl_document_of(PG_GETARG_DATUM(0)), &evaluation.resource))
	{
		evaluation.context = &evaluation.resource;
		hl_evaluate(&evaluation, kept->path->root, &evaluation.resource, items);
	}
}

/* The first value as one of a type, or NULL. */
static Datum
first_as(FunctionCallInfo fcinfo, Oid type)
{
	HlItems items;
	Datum value = (Datum) 0;
	HlSqlType wanted = {type, -1};

	evaluate_arguments(fcinfo, &items);
	hl_items_keep_values(&items);
	if (items.count == 0 || !hl_cast_item(&items.items[0], wanted, &value))
		fcinfo->isnull = true;
	hl_items_free(&items);
	return value;
}

/*
 * Keeps the statement and the CONTEXT out of the log: they may have a resource
 * in them.
 */
static void
hide_statement_of_path(void *unused)
{
	errhidestmt(true);
	errhidecontext(true);
}

/* The head of an SQL-callable function whose errors hide the statement. */
#define HIDING(function)                                                       \
	static Datum function##_body(PG_FUNCTION_ARGS);                            \
	PG_FUNCTION_INFO_V1(function);                                             \
	Datum function(PG_FUNCTION_ARGS)                                           \
	{                                                                          \
		ErrorContextCallback hiding = {.previous = error_context_stack,        \
									   .callback = hide_statement_of_path};    \
		Datum result;                                                          \
                                                                               \
		error_context_stack = &hiding;                                         \
		result = function##_body(fcinfo);                                      \
		error_context_stack = hiding.previous;                                 \
		return result;                                                         \
	}                                                                          \
	static Datum function##_body(PG_FUNCTION_ARGS)

/* The definition of such a function whose body is an expression. */
#define FIRST(function, type)                                                  \
	HIDING(function)                                                           \
	{                                                                          \
		return first_as(fcinfo, type);                                         \
	}

FIRST(healthlake_fhirpath_text, TEXTOID)
FIRST(healthlake_fhirpath_boolean, BOOLOID)
FIRST(healthlake_fhirpath_integer, INT4OID)
FIRST(healthlake_fhirpath_numeric, NUMERICOID)
FIRST(healthlake_fhirpath_date, DATEOID)
FIRST(healthlake_fhirpath_timestamptz, TIMESTAMPTZOID)

HIDING(healthlake_fhirpath_exists)
{
	HlItems items;
	bool found;

	evaluate_arguments(fcinfo, &items);
	found = items.count > 0;
	hl_items_free(&items);
	PG_RETURN_BOOL(found);
}

HIDING(healthlake_fhirpath)
{
	TupleDesc row;
	Tuplestorestate *store = begin_rows(fcinfo, &row);
	HlItems items;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	evaluate_arguments(fcinfo, &items);
	hl_items_keep_values(&items);
	for (int i = 0; i < items.count; i++)
	{
		bool null = false;
		Datum value;

		CHECK_FOR_INTERRUPTS();
		value = JsonbPGetDatum(hl_item_to_jsonb(&items.items[i]));
		tuplestore_putvalues(store, row, &value, &null);
		pfree(DatumGetPointer(value));
	}
	return (Datum) 0;
}

/* Compares the caller's column definition list with the view's columns. */
static void
check_columns(const HlView *view, TupleDesc row)
{
	bool same = row->natts == view->ncolumns;

	for (int i = 0; same && i < row->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(row, i);

		same = attribute->atttypid == view->columns[i]->sql_type &&
			   attribute->atttypmod == view->columns[i]->type.typmod &&
			   strcmp(NameStr(attribute->attname), view->columns[i]->name) == 0;
	}
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("the column definition list does not match the "
							   "ViewDefinition"),
						errdetail("The view has the columns %s.",
								  hl_create_column_list(view)),
						errhint("healthlake_fhir_view_columns() returns the "
								"columns of a view.")));
}

/* The rows of a view of a resource, with the view's columns. */
HIDING(healthlake_fhir_view)
{
	TupleDesc row;
	Tuplestorestate *store = begin_rows(fcinfo, &row);
	HlKeptView *kept = hl_kept_view(fcinfo, 0);

	if (!kept->is_checked)
		check_columns(kept->view, row);
	kept->is_checked = true;
	hl_flatten_rows(kept->flattening, hl_document_of(PG_GETARG_DATUM(1)), store,
					row);
	return (Datum) 0;
}

/* The same rows as jsonb objects. */
HIDING(healthlake_fhir_view_rows)
{
	TupleDesc row;
	Tuplestorestate *store = begin_rows(fcinfo, &row);
	HlKeptView *kept = hl_kept_view(fcinfo, 0);

	hl_flatten_objects(kept->flattening, hl_document_of(PG_GETARG_DATUM(1)),
					   store, row);
	return (Datum) 0;
}

/* Refuses a view that does not have a single column of the caller's type. */
static void
check_column(FunctionCallInfo fcinfo, const HlView *view)
{
	if (view->nselects != 1 || view->ncolumns != 1 ||
		view->selects[0]->ncolumns != 1 ||
		view->selects[0]->iteration != HL_ITERATION_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the ViewDefinition must have one column, outside of "
						"iterations")));
	if (get_fn_expr_argtype(fcinfo->flinfo, 0) != view->columns[0]->sql_type)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("the column of the ViewDefinition is of type %s",
							   format_type_be(view->columns[0]->sql_type))));
}

/* The type of the first argument determines the result type. */
HIDING(healthlake_fhir_column)
{
	HlKeptView *kept;
	Datum value;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	kept = hl_kept_view(fcinfo, 1);
	if (!kept->is_checked)
		check_column(fcinfo, kept->view);
	kept->is_checked = true;
	if (!hl_flatten_value(kept->flattening, hl_document_of(PG_GETARG_DATUM(2)),
						  &value))
		PG_RETURN_NULL();
	return value;
}

HIDING(healthlake_fhir_view_columns)
{
	TupleDesc row;
	Tuplestorestate *store = begin_rows(fcinfo, &row);
	const HlView *view = hl_kept_view(fcinfo, 0)->view;

	for (int i = 0; i < view->ncolumns; i++)
	{
		const HlColumn *column = view->columns[i];
		bool nulls[4] = {false};
		Datum values[4];

		values[0] = CStringGetTextDatum(column->name);
		values[1] = CStringGetTextDatum(
			format_type_with_typemod(column->sql_type, column->type.typmod));
		values[2] = BoolGetDatum(column->is_collection);
		values[3] = PointerGetDatum(
			cstring_to_text_with_len(column->path->text, column->path->len));
		tuplestore_putvalues(store, row, values, nulls);
	}
	return (Datum) 0;
}

HIDING(healthlake_fhir_create_view)
{
	return hl_create_view(fcinfo);
}

#pragma GCC visibility pop
