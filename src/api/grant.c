/*
 * grant.c
 *	  Grants by what functions, tables and views are for.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "api/grant.h"
#include "api/model.h"

/* What may be granted; each is a bit. */
#define READ 1
#define CREATE 2
#define MANAGE 4
#define DELETE 8
#define AUDIT 16
#define CHANGE (CREATE | MANAGE | DELETE)
#define ALL (READ | CHANGE | AUDIT)

static const struct
{
	const char *word;
	int purpose;
} words[] = {
	{"read", READ},     {"create", CREATE}, {"manage", MANAGE},
	{"delete", DELETE}, {"audit", AUDIT},
};

/* Functions that are no operation's own, tables and views, and their use. */
static const struct
{
	const char *name;
	int purposes;
} others[] = {
	{"healthlake_last_call", ALL},
	{"healthlake_operations", ALL},
	{"healthlake_preview", ALL},
	{"healthlake_call", ALL}, /* opens nothing by itself */
	{"healthlake_wait_datastore", READ},
	{"healthlake_await_datastore", READ},
	{"healthlake_wait_import_job", READ},
	{"healthlake_await_import_job", READ},
	{"healthlake_wait_export_job", READ},
	{"healthlake_await_export_job", READ},
	{"healthlake_wait_transformation_job", READ},
	{"healthlake_await_transformation_job", READ},
	{"healthlake_ensure_datastore", CREATE},
	{"healthlake_check", AUDIT},
	{"healthlake_enqueue", CHANGE}, /* opens nothing by itself, either */
	{"healthlake_enqueue_create_datastore", CREATE},
	{"healthlake_cancel_request", CHANGE},
	{"healthlake_retry_request", CHANGE},
	{"healthlake_wait_request", CHANGE},
	{"healthlake_resolve_request", MANAGE},
	{"healthlake_run_queue", MANAGE},
	{"healthlake_request", CHANGE | AUDIT},
	{"healthlake_audit", AUDIT}, /* the right to see every row */
	{"healthlake_created_datastores", AUDIT},
	{"healthlake_stuck_requests", AUDIT},
	{"healthlake_left_behind", AUDIT},
	{"healthlake_statistics", READ | AUDIT},
	{"healthlake_operation_statistics", READ | AUDIT},
};

/* What an operation is for: what it changes decides. */
static int
purpose_of(const HlOperation *operation)
{
	if (!operation->changes_something)
		return READ;
	if (operation->creates != NULL)
		return CREATE;
	return strncmp(operation->name, "Delete", 6) == 0 ? DELETE : MANAGE;
}

/* The purpose that a word names. */
static int
purpose_named(const char *word)
{
	for (size_t i = 0; i < lengthof(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].purpose;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("argument \"%s\" must be read, create, manage, "
						   "delete or audit",
						   "what")));
}

/* Finds what the extension has of a name: functions, a table or a view. */
static SPITupleTable *
find_objects(Oid extension, const char *name)
{
	Datum values[] = {ObjectIdGetDatum(extension), CStringGetTextDatum(name)};
	Oid types[] = {OIDOID, TEXTOID};
	int found = SPI_execute_with_args(
		"SELECT o.class, o.oid FROM ("
		"SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proname"
		" FROM pg_catalog.pg_proc p"
		" UNION ALL"
		" SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relname"
		" FROM pg_catalog.pg_class c WHERE c.relkind OPERATOR(pg_catalog.=)"
		" ANY ('{r,v}'::pg_catalog.\"char\"[])) AS o (class, oid, name)"
		" JOIN pg_catalog.pg_depend d ON d.objid OPERATOR(pg_catalog.=) o.oid"
		" AND d.classid OPERATOR(pg_catalog.=) o.class"
		" WHERE d.refclassid OPERATOR(pg_catalog.=)"
		" 'pg_catalog.pg_extension'::pg_catalog.regclass"
		" AND d.refobjid OPERATOR(pg_catalog.=) $1"
		" AND d.deptype OPERATOR(pg_catalog.=) 'e'"
		" AND o.name::pg_catalog.text OPERATOR(pg_catalog.=) $2",
		2, types, values, NULL, true, 0);

	if (found != SPI_OK_SELECT)
		elog(ERROR, "could not look up %s", name);
	return SPI_tuptable;
}

/* What to grant on an object, with all its names qualified. */
static char *
right_on(Oid class, Oid object)
{
	if (class == ProcedureRelationId)
		return psprintf("EXECUTE ON ROUTINE %s",
						format_procedure_qualified(object));
	return psprintf("SELECT ON TABLE %s",
					quote_qualified_identifier(
						get_namespace_name(get_rel_namespace(object)),
						get_rel_name(object)));
}

/* Grants the use of all that the extension has of a name to the role. */
static void
grant_name(Oid extension, const char *name, Oid role)
{
	SPITupleTable *table = find_objects(extension, name);

	for (uint64 i = 0; i < table->numvals; i++)
	{
		bool isnull;
		Datum class = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);
		Datum object =
			SPI_getbinval(table->vals[i], table->tupdesc, 2, &isnull);
		char *command = psprintf(
			"GRANT %s TO %s",
			right_on(DatumGetObjectId(class), DatumGetObjectId(object)),
			quote_identifier(GetUserNameFromId(role, false)));

		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not perform %s", command);
	}
}

/* Grants all that is for one purpose. */
static void
grant_purpose(Oid extension, int purpose, Oid role)
{
	for (int i = 0; i < hl_operations_count; i++)
		if (purpose_of(&hl_operations[i]) == purpose)
			grant_name(extension, hl_operations[i].function, role);
	for (size_t i = 0; i < lengthof(others); i++)
		if (others[i].purposes & purpose)
			grant_name(extension, others[i].name, role);
}

/* Grants. */
Datum
hl_grant(FunctionCallInfo fcinfo)
{
	Oid extension =
		getExtensionOfObject(ProcedureRelationId, fcinfo->flinfo->fn_oid);
	int purpose;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null",
							   PG_ARGISNULL(0) ? "to_role" : "what")));
	purpose = purpose_named(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	grant_purpose(extension, purpose, PG_GETARG_OID(0));
	SPI_finish();
	PG_RETURN_VOID();
}
