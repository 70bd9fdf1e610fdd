/*
 * fuzz_sql.c
 *	  A fuzz target for what comes in through SQL, inside a backend: requests,
 *	  settings, bundles and searches, and the replies to bundles. It is linked
 *	  with all of the extension, instrumented. A function runs libFuzzer with
 *	  the arguments that it is given; libFuzzer ends the process. Of an input
 *	  the first byte chooses the statement, the second one an operation or a
 *	  setting, and the rest is the value. Everything is rolled back, and the
 *	  endpoint that is set is a port where nobody listens.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "fhir/answers.h"

extern int LLVMFuzzerRunDriver(int *argc, char ***argv,
							   int (*target)(const uint8_t *, size_t));

PG_FUNCTION_INFO_V1(healthlake_fuzz);

/* Statements: the second byte selects $1; $2 is the rest. */
static const char *const statements[] = {
	"SELECT * FROM healthlake_preview($1, $2::jsonb)",
	"SELECT set_config($1, $2, true), p.* FROM "
	"healthlake_preview('ListFHIRDatastores', '{}') AS p",
	"SELECT healthlake_fhir_enqueue_bundle($2::jsonb)",
	"SELECT healthlake_fhir_enqueue('PUT', $2, '{}')",
	"SELECT * FROM healthlake_fhir_bundle($2::jsonb, 'batch')",
	"SELECT * FROM healthlake_fhir_search('Patient', $2::jsonb)",
	"SELECT healthlake_fhir_update($2::jsonb)",
	"SELECT healthlake_fhir_patch('Patient', 'p1', $2::jsonb)",
	"SELECT healthlake_fhir_operation($2)",
	"SELECT healthlake_call($1, $2::jsonb)"};
#define STATEMENTS ((int) lengthof(statements))

static const char *const entries_text =
	"[{\"method\":\"PUT\",\"url\":\"Patient/p1\",\"resource\":{"
	"\"resourceType\":\"Patient\",\"id\":\"p1\"}},{\"method\":\"GET\",\"url\":"
	"\"Patient/p2\"},{\"method\":\"DELETE\",\"url\":\"Patient/p3\"}]";

static SPIPlanPtr plans[STATEMENTS];
static char **operations, **settings;
static int noperations, nsettings;
static HlFhirEntries *entries;
static MemoryContext memory;

/* The first column of a query, as permanent texts. */
static char **
list_of(const char *query, int *count)
{
	char **list;

	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "no list: %s", query);
	*count = (int) SPI_processed;
	list = MemoryContextAlloc(TopMemoryContext, sizeof(char *) * *count);
	for (int i = 0; i < *count; i++)
		list[i] = MemoryContextStrdup(
			TopMemoryContext,
			SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	return list;
}

/* Creates the objects that inputs need. */
static void
prepare(void)
{
	Oid types[] = {TEXTOID, TEXTOID};
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	memory =
		AllocSetContextCreate(TopMemoryContext, "fuzz", ALLOCSET_DEFAULT_SIZES);
	entries = hl_entries_read(DatumGetJsonbP(DirectFunctionCall1(
								  jsonb_in, CStringGetDatum(entries_text))),
							  "batch");
	MemoryContextSwitchTo(caller);
	operations = list_of("SELECT DISTINCT operation FROM "
						 "healthlake_operations() ORDER BY 1",
						 &noperations);
	settings = list_of("SELECT name FROM pg_settings WHERE name LIKE "
					   "'healthlake.%' AND context IN ('user', 'superuser') "
					   "ORDER BY 1",
					   &nsettings);
	for (int i = 0; i < STATEMENTS; i++)
	{
		plans[i] = SPI_prepare(statements[i], 2, types);
		if (plans[i] == NULL || SPI_keepplan(plans[i]) != 0)
			elog(ERROR, "no plan: %s", statements[i]);
	}
}

/* Reads a text as the reply to a bundle. */
static void
read_answers(const char *text, size_t len)
{
	HlJsonDocument document = {0};

	if (hl_json_read(&document, text, len))
	{
		HlFhirAnswer *answers = hl_answers_read(entries, document.root);

		if (answers != NULL)
			hl_answers_list(entries, answers);
	}
	hl_json_free(&document);
}

/* Runs one statement. */
static void
run_statement(const uint8_t *data, const char *text)
{
	int which = data[0] % (STATEMENTS + 1);
	Datum values[2];

	if (which == STATEMENTS)
	{
		read_answers(text, strlen(text));
		return;
	}
	values[0] =
		CStringGetTextDatum(strstr(statements[which], "set_config") != NULL
								? settings[data[1] % nsettings]
								: operations[data[1] % noperations]);
	values[1] = CStringGetTextDatum(text);
	SPI_execute_plan(plans[which], values, NULL, false, 0);
}

/* Aborts at an internal error of PostgreSQL. */
static void
check_error(void)
{
	ErrorData *error;

	MemoryContextSwitchTo(memory);
	error = CopyErrorData();
	FlushErrorState();
	if (error->sqlerrcode != ERRCODE_INTERNAL_ERROR)
		return;
	fprintf(stderr, "internal error: %s\n", error->message);
	abort();
}

/* Runs one input of libFuzzer. */
static int
fuzz_one(const uint8_t *data, size_t size)
{
	ResourceOwner owner = CurrentResourceOwner;
	char *text;

	if (size < 2 || memchr(data, '\0', size) != NULL ||
		!pg_verify_mbstr(PG_UTF8, (const char *) data + 2, (int) size - 2,
						 true))
		return -1;
	MemoryContextSwitchTo(memory);
	text = pnstrdup((const char *) data + 2, size - 2);
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		run_statement(data, text);
	}
	PG_CATCH();
	{
		check_error();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
	MemoryContextReset(memory);
	return 0;
}

Datum
healthlake_fuzz(PG_FUNCTION_ARGS)
{
	Datum *given;
	int argc;
	char **argv;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, 'i', &given,
					  NULL, &argc);
	argv = palloc(sizeof(char *) * (argc + 2));
	argv[0] = "fuzz_sql";
	for (int i = 0; i < argc; i++)
		argv[i + 1] = TextDatumGetCString(given[i]);
	argv[++argc] = NULL;
	SPI_connect();
	prepare();
	LLVMFuzzerRunDriver(&argc, &argv, fuzz_one);
	PG_RETURN_VOID();
}
