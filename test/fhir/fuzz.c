/*
 * fuzz.c
 *	  A fuzz target for paths and views, inside a backend: PostgreSQL's memory,
 *	  errors, jsonb and numeric are the real ones. A function runs libFuzzer
 *	  with the arguments that it is given; libFuzzer ends the process. Input is
 *	  lines: a path each; from the second one on they are columns of a view
 *	  that iterates over the first, in a way that the first byte chooses.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "fhirpath/analysis.h"
#include "fhirpath/cast.h"
#include "fhirpath/flatten.h"

PG_MODULE_MAGIC;

/* Further lines are ignored. */
#define LINES_MAX 6

extern int LLVMFuzzerRunDriver(int *argc, char ***argv,
							   int (*target)(const uint8_t *, size_t));

static const char *const documents[] = {
	"{\"resourceType\":\"Patient\",\"id\":\"p\",\"active\":true,"
	"\"birthDate\":\"1980-02\",\"_birthDate\":{\"extension\":[{\"url\":\"u\","
	"\"valueCode\":\"c\"}]},\"multipleBirthInteger\":2,"
	"\"name\":[{\"use\":\"official\",\"family\":\"\xc3\x84\",\"given\":[\"a\","
	"null],\"_given\":[null,{\"extension\":[{\"url\":\"u\"}]}],\"period\":{"
	"\"start\":\"2001\",\"end\":\"2002-02-03T04:05:06.7+01:00\"}},{\"given\":["
	"\"b\"]}],\"managingOrganization\":{\"reference\":\"Organization/1\"}}",
	"{\"resourceType\":\"Observation\",\"id\":\"o\",\"valueQuantity\":{"
	"\"value\":1.50,\"unit\":\"kg\"},\"effectiveDateTime\":\"2020-02-29\","
	"\"component\":[{\"valueTime\":\"12:34\"},{\"valueInteger\":-7},{"
	"\"valueRange\":{\"low\":{\"value\":1e3},\"high\":{\"value\":0.001}}}]}",
	"{\"resourceType\":\"QuestionnaireResponse\",\"item\":[{\"linkId\":\"1\","
	"\"item\":[{\"linkId\":\"2\",\"answer\":[{\"valueString\":\"x\",\"item\":[{"
	"\"linkId\":\"3\"}]}]}]},[],null,{}]}",
	"[]", "\"2020-01-01\""};

static Jsonb *resources[lengthof(documents)];
static MemoryContext memory;

PG_FUNCTION_INFO_V1(fhirpath_fuzz);

/* Whether an error is one that a path or view may raise. */
static bool
is_expected(int sqlstate)
{
	static const int states[] = {
		ERRCODE_SYNTAX_ERROR,          ERRCODE_FEATURE_NOT_SUPPORTED,
		ERRCODE_CARDINALITY_VIOLATION, ERRCODE_INVALID_PARAMETER_VALUE,
		ERRCODE_UNDEFINED_OBJECT,      ERRCODE_PROGRAM_LIMIT_EXCEEDED,
		ERRCODE_STATEMENT_TOO_COMPLEX};

	for (int i = 0; i < (int) lengthof(states); i++)
		if (sqlstate == states[i])
			return true;
	return false;
}

/* Casts the result of a path to every type. */
static void
cast_all(const HlItems *items)
{
	static const Oid types[] = {TEXTOID,   BOOLOID,        INT2OID,  INT4OID,
								INT8OID,   NUMERICOID,     JSONBOID, DATEOID,
								FLOAT4OID, TIMESTAMPTZOID, TIMEOID,  FLOAT8OID};
	Datum value;

	for (int i = 0; i < items->count; i++)
		for (int j = 0; j < (int) lengthof(types); j++)
			hl_cast_item(&items->items[i], (HlSqlType){types[j], -1}, &value);
}

/* Evaluates a path for a document. */
static void
run_path(const HlPath *path, Jsonb *document)
{
	HlEvaluation evaluation;
	HlItems items;

	memset(&evaluation, 0, sizeof(evaluation));
	evaluation.index = -1;
	hl_items_init(&items);
	if (!hl_item_root(document, &evaluation.resource))
		return;
	hl_evaluate(&evaluation, path->root, &evaluation.resource, &items);
	cast_all(&items);
	hl_items_free(&items);
}

/* Pushes a string member. */
static void
push_string(JsonbParseState **state, const char *name, char *text)
{
	JsonbValue key, value;

	key.type = value.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	value.val.string.val = text;
	value.val.string.len = strlen(text);
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* Begins an array member. */
static void
push_array(JsonbParseState **state, const char *name)
{
	JsonbValue key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
}

/* Pushes the iteration of a select. */
static void
push_iteration(JsonbParseState **state, int how, char *path)
{
	JsonbValue value;

	if (how % 4 == 0)
		push_string(state, "forEach", path);
	else if (how % 4 == 1)
		push_string(state, "forEachOrNull", path);
	else if (how % 4 == 2)
	{
		value.type = jbvString;
		value.val.string.val = path;
		value.val.string.len = strlen(path);
		push_array(state, "repeat");
		pushJsonbValue(state, WJB_ELEM, &value);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
}

/* Makes a view from lines. */
static Jsonb *
make_view(int how, char **lines, int nlines)
{
	static const char *const types[] = {"string", "integer", "Coding"};
	static const char *const resource[] = {"Patient", "Observation",
										   "QuestionnaireResponse"};
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_string(&state, "resource", unconstify(char *, resource[how / 4 % 3]));
	push_array(&state, "select");
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_iteration(&state, how, lines[0]);
	push_array(&state, "column");
	for (int i = 1; i < nlines; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_string(&state, "name", psprintf("c%d", i));
		push_string(&state, "path", lines[i]);
		if (i < 4)
			push_string(&state, "type", unconstify(char *, types[i - 1]));
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Flattens all documents by a view. */
static void
run_view(Jsonb *document)
{
	HlFlattening *flattening = hl_flatten_begin(hl_view_read(document));
	Tuplestorestate *store = tuplestore_begin_heap(false, false, 64);
	TupleDesc row = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(row, 1, "row", JSONBOID, -1, 0);
	for (int i = 0; i < (int) lengthof(documents); i++)
		hl_flatten_objects(flattening, resources[i], store, row);
	tuplestore_end(store);
}

/* Splits the input into lines; returns their number. */
static int
split_lines(char *text, char **lines)
{
	int n = 0;

	do
	{
		char *end = strchr(text, '\n');

		lines[n++] = text;
		if (end == NULL)
			break;
		*end = '\0';
		text = end + 1;
	} while (n < LINES_MAX);
	return n;
}

/* Runs one input; its errors are caught, and must be expected ones. */
static int
fuzz_one(const uint8_t *input, size_t size)
{
	char *lines[LINES_MAX];
	MemoryContext outer = MemoryContextSwitchTo(memory);

	if (size < 2 || !pg_verify_mbstr(PG_UTF8, (const char *) input + 1,
									 (int) size - 1, true))
	{
		MemoryContextSwitchTo(outer);
		return 0;
	}
	PG_TRY();
	{
		int n =
			split_lines(pnstrdup((const char *) input + 1, size - 1), lines);
		HlPath *path = hl_parse_or_throw(lines[0], (int) strlen(lines[0]));

		hl_constants_check(NULL, path);
		hl_analysis_is_single(path->root, "Patient", 7);
		for (int i = 0; i < (int) lengthof(documents); i++)
			run_path(path, resources[i]);
		if (n > 1)
			run_view(make_view(input[0], lines, n));
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		if (!is_expected(error->sqlerrcode))
		{
			fprintf(stderr, "unexpected error: %s\n", error->message);
			abort();
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer);
	MemoryContextReset(memory);
	return 0;
}

/* Runs libFuzzer; does not return. */
Datum
fhirpath_fuzz(PG_FUNCTION_ARGS)
{
	Datum *given;
	int argc;
	char **argv;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &given, NULL, &argc);
	argv = palloc((argc + 2) * sizeof(char *));
	argv[0] = "fhirpath_fuzz";
	for (int i = 0; i < argc; i++)
		argv[i + 1] = TextDatumGetCString(given[i]);
	argv[++argc] = NULL;
	for (int i = 0; i < (int) lengthof(documents); i++)
		resources[i] = DatumGetJsonbP(DirectFunctionCall1(
			jsonb_in, CStringGetDatum(unconstify(char *, documents[i]))));
	memory =
		AllocSetContextCreate(TopMemoryContext, "fuzz", ALLOCSET_DEFAULT_SIZES);
	LLVMFuzzerRunDriver(&argc, &argv, fuzz_one);
	PG_RETURN_VOID();
}
