/*
 * grant.c
 *	  Grants by what functions do.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "api/grant.h"
#include "api/model.h"

/* Functions that are no operation's own, and what they are for. */
typedef struct OtherFunction
{
	const char *name;
	const char *what; /* "*": what everybody needs */
} OtherFunction;

static const OtherFunction others[] = {
	{"healthlake_last_call", "*"},
	{"healthlake_operations", "*"},
	{"healthlake_preview", "*"},
	{"healthlake_call", "*"}, /* opens nothing by itself */
	{"healthlake_wait_datastore", "read"},
	{"healthlake_await_datastore", "read"},
	{"healthlake_wait_import_job", "read"},
	{"healthlake_await_import_job", "read"},
	{"healthlake_wait_export_job", "read"},
	{"healthlake_await_export_job", "read"},
	{"healthlake_wait_transformation_job", "read"},
	{"healthlake_await_transformation_job", "read"},
	{"healthlake_ensure_datastore", "create"},
	{"healthlake_check", "audit"},
};

/* What an operation is for: what it changes decides. */
static const char *
purpose_of(const HlOperation *operation)
{
	if (!operation->changes_something)
		return "read";
	if (operation->creates != NULL)
		return "create";
	return strncmp(operation->name, "Delete", 6) == 0 ? "delete" : "manage";
}

/* Grants EXECUTE on all the extension's functions of a name to the role. */
static void
grant_function(Oid extension, const char *function, Oid role)
{
	Datum values[] = {ObjectIdGetDatum(extension),
					  CStringGetTextDatum(function)};
	Oid types[] = {OIDOID, TEXTOID};
	int found = SPI_execute_with_args(
		"SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text"
		" FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_depend d"
		" ON d.objid OPERATOR(pg_catalog.=) p.oid"
		" WHERE d.classid OPERATOR(pg_catalog.=)"
		" 'pg_catalog.pg_proc'::pg_catalog.regclass"
		" AND d.refclassid OPERATOR(pg_catalog.=)"
		" 'pg_catalog.pg_extension'::pg_catalog.regclass"
		" AND d.refobjid OPERATOR(pg_catalog.=) $1"
		" AND d.deptype OPERATOR(pg_catalog.=) 'e'"
		" AND p.proname::pg_catalog.text OPERATOR(pg_catalog.=) $2",
		2, types, values, NULL, true, 0);
	SPITupleTable *table = SPI_tuptable;

	if (found != SPI_OK_SELECT)
		elog(ERROR, "could not look up function %s", function);
	for (uint64 i = 0; i < table->numvals; i++)
	{
		char *signature = SPI_getvalue(table->vals[i], table->tupdesc, 1);
		char *command =
			psprintf("GRANT EXECUTE ON ROUTINE %s TO %s", signature,
					 quote_identifier(GetUserNameFromId(role, false)));

		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not grant %s", signature);
	}
}

/* Grants all that is for one purpose; false when nothing is. */
static bool
grant_purpose(Oid extension, const char *what, Oid role)
{
	bool granted = strcmp(what, "audit") == 0;

	for (int i = 0; i < hl_operations_count; i++)
	{
		if (strcmp(purpose_of(&hl_operations[i]), what) != 0)
			continue;
		grant_function(extension, hl_operations[i].function, role);
		granted = true;
	}
	for (size_t i = 0; granted && i < lengthof(others); i++)
		if (strcmp(others[i].what, what) == 0 ||
			strcmp(others[i].what, "*") == 0)
			grant_function(extension, others[i].name, role);
	return granted;
}

/* Grants. */
Datum
hl_grant(FunctionCallInfo fcinfo)
{
	Oid extension =
		getExtensionOfObject(ProcedureRelationId, fcinfo->flinfo->fn_oid);
	char *what;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null",
							   PG_ARGISNULL(0) ? "to_role" : "what")));
	what = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!grant_purpose(extension, what, PG_GETARG_OID(0)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be read, create, manage, "
							   "delete or audit",
							   "what")));
	SPI_finish();
	PG_RETURN_VOID();
}
