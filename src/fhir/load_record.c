/*
 * load_record.c
 *	  The two tables of loads. An issue has the place of its row and the pass
 *	  that found it, so that an interrupted pass can delete those that it will
 *	  find again, and a later pass those that it has corrected.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "audit/account.h"
#include "audit/store.h"
#include "fhir/load_record.h"
#include "server/arrays.h"
#include "server/names.h"
#include "server/text.h"

/* A statement with its parameters and their types. */
typedef struct Statement
{
	HlParameters values;
	Oid types[16];
} Statement;

static void
bind(Statement *statement, Oid type, Datum value)
{
	statement->types[statement->values.count] = type;
	hl_store_add(&statement->values, value);
}

/* Adds a text in the database's encoding; NULL becomes null. */
static void
bind_text(Statement *statement, const char *text)
{
	statement->types[statement->values.count] = TEXTOID;
	hl_store_add_text(&statement->values, text);
}

/* Executes a statement whose names are those of the store. */
static int
execute(const HlStore *store, const Statement *statement, const char *sql)
{
	HlNames names;
	volatile int result = 0;

	hl_names_begin(&names, sql, store->schema);
	PG_TRY();
	{
		result = SPI_execute_with_args(sql, statement->values.count,
									   (Oid *) statement->types,
									   (Datum *) statement->values.values,
									   statement->values.nulls, false, 0);
	}
	PG_FINALLY();
	{
		hl_names_end(&names);
	}
	PG_END_TRY();
	return result;
}

/* Runs a statement as the owner; "!" in it is the schema of the extension. */
static uint64
run_as_owner(const Statement *statement, const char *sql)
{
	const HlStore *store = hl_store_need();
	MemoryContext caller = CurrentMemoryContext;
	HlStoreStep step;
	StringInfoData text;
	int result;

	initStringInfo(&text);
	for (; *sql != '\0'; sql++)
		if (*sql == '!')
			appendStringInfoString(&text, store->schema_name);
		else
			appendStringInfoChar(&text, *sql);
	hl_store_enter(&step, store);
	result = execute(store, statement, text.data);
	hl_store_leave(&step);
	/* SPI leaves its own behind, which grows until SPI_finish() */
	MemoryContextSwitchTo(caller);
	if (result < 0)
		elog(ERROR, "a statement about loads failed: %s",
			 SPI_result_code_string(result));
	pfree(text.data);
	return SPI_processed;
}

/* Adds the files of a pass; NULL becomes null. */
static void
bind_files(Statement *statement, const HlLoadFiles *files)
{
	statement->types[statement->values.count] = INT8ARRAYOID;
	if (files == NULL)
		hl_store_add_null(&statement->values);
	else
		hl_store_add(&statement->values, hl_load_files_array(files));
}

/* Adds a place as two parameters, which are null before the first row. */
static void
bind_place(Statement *statement, const HlLoadPlace *place)
{
	int first = statement->values.count;

	bind(statement, TIDOID, PointerGetDatum(&place->tid));
	bind(statement, OIDOID, ObjectIdGetDatum(place->part));
	if (!OidIsValid(place->part))
		statement->values.nulls[first] = statement->values.nulls[first + 1] =
			'n';
}

/* ---------------------------------------------------------------- passes */

/*
 * Reads the snapshot and the files of a pass. Without one of them nothing is
 * known of it.
 */
static const char *
take_pass(const char *snapshot, const char *column, HlLoadFiles **files)
{
	const char *text = hl_store_text(0, snapshot);
	bool null;
	Datum array = hl_store_value(0, column, INT8ARRAYOID, &null);

	if (text == NULL || null)
		return NULL;
	*files = hl_load_files_read(array);
	return pstrdup(text);
}

/* Reads a record from a row. */
static void
take_record(HlLoadRecord *record)
{
	MemoryContext caller = MemoryContextSwitchTo(record->memory);
	Datum place;
	bool null;

	record->id = DatumGetInt64(hl_store_value(0, "id", INT8OID, &null));
	record->pass = DatumGetInt32(hl_store_value(0, "pass", INT4OID, &null));
	record->column =
		DatumGetInt16(hl_store_value(0, "column_number", INT2OID, &null));
	record->looked = take_pass("looked", "looked_files", &record->looked_files);
	record->seeing = take_pass("seeing", "seeing_files", &record->seeing_files);
	record->sent = DatumGetInt64(hl_store_value(0, "sent", INT8OID, &null));
	record->finished = hl_store_text(0, "finished_at") != NULL;
	place = hl_store_value(0, "place", TIDOID, &null);
	if (!null)
	{
		record->place.tid = *(ItemPointer) DatumGetPointer(place);
		record->place.part =
			DatumGetObjectId(hl_store_value(0, "part", REGCLASSOID, &null));
	}
	MemoryContextSwitchTo(caller);
}

void
hl_load_record_take_back(const HlLoadRecord *record)
{
	Statement statement = {0};

	bind(&statement, INT8OID, Int64GetDatum(record->id));
	bind(&statement, INT4OID, Int32GetDatum(record->pass));
	bind_place(&statement, &record->place);
	run_as_owner(&statement, "DELETE FROM !.healthlake_fhir_load_error"
							 " WHERE load = $1 AND pass = $2"
							 " AND ($4 IS NULL OR (place, part) > ($3, $4))");
}

HlLoadRecord *
hl_load_record_find(Oid relation, const char *column, const char *datastore_id)
{
	HlLoadRecord *record = palloc0(sizeof(HlLoadRecord));
	HlClient client = hl_account_client();
	Statement statement = {0};

	record->memory = CurrentMemoryContext;
	record->relation = relation;
	bind(&statement, OIDOID, ObjectIdGetDatum(relation));
	bind_text(&statement, column);
	bind_text(&statement, datastore_id);
	bind_text(&statement, client.outer_role);
	bind_text(&statement, client.current_role);
	run_as_owner(&statement,
				 "INSERT INTO !.healthlake_fhir_load_progress AS p (source,"
				 " resource_column, datastore_id, outer_role,"
				 " \"current_role\")"
				 " VALUES ($1::regclass, $2::name, $3, $4, $5)"
				 " ON CONFLICT (source, resource_column, datastore_id,"
				 " \"current_role\") DO UPDATE SET outer_role ="
				 " EXCLUDED.outer_role"
				 " RETURNING id, column_number, pass, looked::text AS looked,"
				 " looked_files, seeing::text AS seeing, seeing_files, place,"
				 " part, sent, finished_at");
	take_record(record);
	return record;
}

void
hl_load_record_forget(HlLoadRecord *record, AttrNumber column)
{
	Statement statement = {0};

	record->column = column;
	record->pass = 0;
	record->looked = record->seeing = NULL;
	record->sent = 0;
	bind(&statement, INT8OID, Int64GetDatum(record->id));
	run_as_owner(&statement,
				 "DELETE FROM !.healthlake_fhir_load_error WHERE load = $1");
	bind(&statement, INT2OID, Int16GetDatum(column));
	run_as_owner(&statement,
				 "UPDATE !.healthlake_fhir_load_progress SET pass = 0,"
				 " column_number = $2, sent = 0, looked = NULL,"
				 " looked_files = NULL, seeing = NULL, seeing_files = NULL,"
				 " place = NULL, part = NULL, started_at = clock_timestamp(),"
				 " finished_at = NULL WHERE id = $1");
}

/*
 * Writes the pass of a record, at its beginning. Under row security nobody
 * knows which rows a later CALL may see, so the snapshots are for this one
 * only; and a pass without it does not rely on one that was under it.
 */
static void
write_pass(HlLoadRecord *record, const char *seeing, HlLoadFiles *files)
{
	bool lasting = !files->filtered;
	Statement statement = {0};

	if (record->looked != NULL && record->looked_files->filtered && lasting)
		record->looked = NULL;
	record->seeing_files = files;
	record->place = (HlLoadPlace){.part = InvalidOid};
	record->finished = false;
	record->seeing = MemoryContextStrdup(record->memory, seeing);
	bind(&statement, INT8OID, Int64GetDatum(record->id));
	bind(&statement, INT4OID, Int32GetDatum(record->pass));
	bind_text(&statement, lasting ? record->looked : NULL);
	bind_files(&statement, record->looked ? record->looked_files : NULL);
	bind_text(&statement, lasting ? seeing : NULL);
	bind_files(&statement, files);
	run_as_owner(&statement,
				 "UPDATE !.healthlake_fhir_load_progress SET pass = $2,"
				 " looked = $3::pg_snapshot, looked_files = $4,"
				 " seeing = $5::pg_snapshot, seeing_files = $6, place = NULL,"
				 " part = NULL, at = clock_timestamp(), finished_at = NULL"
				 " WHERE id = $1");
}

void
hl_load_record_pass(HlLoadRecord *record, const char *seeing,
					HlLoadFiles *files)
{
	if (record->seeing != NULL)
		record->pass++;
	record->looked = record->seeing;
	record->looked_files = record->seeing_files;
	write_pass(record, seeing, files);
}

void
hl_load_record_restart(HlLoadRecord *record, HlLoadFiles *files)
{
	write_pass(record, record->seeing, files);
	hl_load_record_take_back(record);
}

bool
hl_load_record_has_seen(const HlLoadRecord *record, const HlLoadSeen *looked,
						const HlLoadRow *row)
{
	return !hl_load_is_newer(looked, row->xmin) &&
		   hl_load_files_have(record->looked_files, row->place.part);
}

/* --------------------------------------------------------------- refusals */

static Datum
text_array(const char *const *texts, int count)
{
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(hl_arrays_text(elements, count));
}

void
hl_load_record_forgive(HlLoadRecord *record, HlLoadResource *const *resources,
					   int count)
{
	const char **names = palloc(sizeof(char *) * Max(count, 1));
	Statement statement = {0};
	int named = 0;

	for (int i = 0; i < count; i++)
		if (resources[i]->id != NULL)
			names[named++] =
				psprintf("%s/%s", resources[i]->type, resources[i]->id);
	bind(&statement, INT8OID, Int64GetDatum(record->id));
	bind(&statement, INT4OID, Int32GetDatum(record->pass));
	bind(&statement, TEXTARRAYOID, text_array(names, named));
	run_as_owner(&statement, "DELETE FROM !.healthlake_fhir_load_error"
							 " WHERE load = $1 AND pass < $2"
							 " AND type || '/' || id = ANY ($3)");
}

void
hl_load_record_forgive_nameless(HlLoadRecord *record)
{
	Statement statement = {0};

	bind(&statement, INT8OID, Int64GetDatum(record->id));
	bind(&statement, INT4OID, Int32GetDatum(record->pass));
	run_as_owner(&statement, "DELETE FROM !.healthlake_fhir_load_error"
							 " WHERE load = $1 AND pass < $2 AND id IS NULL");
}

void
hl_load_record_issue(HlLoadRecord *record, const HlLoadIssue *issue)
{
	const HlLoadResource *resource = issue->resource;
	Statement statement = {0};

	bind(&statement, INT8OID, Int64GetDatum(record->id));
	bind(&statement, INT4OID, Int32GetDatum(record->pass));
	bind_place(&statement, &resource->place);
	bind_text(&statement, hl_text_from_utf8(resource->type));
	bind_text(&statement, hl_text_from_utf8(resource->id));
	bind(&statement, INT4OID, Int32GetDatum(issue->status));
	bind_text(&statement, hl_text_from_utf8(hl_text_cut(issue->code)));
	bind_text(&statement, hl_text_from_utf8(hl_text_cut(issue->expression)));
	run_as_owner(&statement,
				 "INSERT INTO !.healthlake_fhir_load_error (source, type, id,"
				 " status, code, expression, at, datastore_id, part, place,"
				 " load, pass, outer_role, \"current_role\")"
				 " SELECT source, $5, $6, nullif($7, 0), $8, $9,"
				 " clock_timestamp(), datastore_id, $4::regclass, $3, id, $2,"
				 " outer_role, \"current_role\""
				 " FROM !.healthlake_fhir_load_progress WHERE id = $1");
}

void
hl_load_record_advance(HlLoadRecord *record, HlLoadPlace place, int64 sent)
{
	Statement statement = {0};

	record->place = place;
	record->sent += sent;
	bind(&statement, INT8OID, Int64GetDatum(record->id));
	bind_place(&statement, &place);
	bind(&statement, INT8OID, Int64GetDatum(sent));
	run_as_owner(&statement,
				 "UPDATE !.healthlake_fhir_load_progress SET place = $2,"
				 " part = $3, sent = sent + $4, at = clock_timestamp()"
				 " WHERE id = $1");
}

void
hl_load_record_finish(HlLoadRecord *record)
{
	Statement statement = {0};
	bool null;

	record->finished = true;
	bind(&statement, INT8OID, Int64GetDatum(record->id));
	run_as_owner(&statement,
				 "UPDATE !.healthlake_fhir_load_progress SET"
				 " at = clock_timestamp(), finished_at = clock_timestamp()"
				 " WHERE id = $1 RETURNING (SELECT count(*)"
				 " FROM !.healthlake_fhir_load_error WHERE load = $1) AS"
				 " reported, (SELECT count(*)"
				 " FROM !.healthlake_fhir_load_error WHERE load = $1"
				 " AND status BETWEEN 200 AND 299) AS issues");
	record->issues = DatumGetInt64(hl_store_value(0, "issues", INT8OID, &null));
	record->refused =
		DatumGetInt64(hl_store_value(0, "reported", INT8OID, &null)) -
		record->issues;
}
