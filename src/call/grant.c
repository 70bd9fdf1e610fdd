/*
 * grant.c
 *	  Grants and revokes the functions, tables and views of a purpose.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "call/grant.h"
#include "model/model.h"
#include "server/path.h"

/* The purposes, as bits. */
#define READ 1
#define CREATE 2
#define MANAGE 4
#define DELETE 8
#define AUDIT 16
#define FHIR_READ 32
#define FHIR_WRITE 64
#define FHIR_DELETE 128
#define CHANGE (CREATE | MANAGE | DELETE)
#define FHIR (FHIR_READ | FHIR_WRITE | FHIR_DELETE)
#define ALL (READ | CHANGE | AUDIT | FHIR)

static const struct
{
	const char *word;
	int purpose;
} words[] = {
	{"read", READ},
	{"create", CREATE},
	{"manage", MANAGE},
	{"delete", DELETE},
	{"audit", AUDIT},
	{"fhir_read", FHIR_READ},
	{"fhir_write", FHIR_WRITE},
	{"fhir_delete", FHIR_DELETE},
};

/* A function, table or view of the extension, and its purposes. */
typedef struct Granted
{
	Oid class;
	Oid object;
	int purposes;
} Granted;

/* Functions that are no operation's own, tables and views, and their use. */
static const struct
{
	const char *name;
	int purposes;
} others[] = {
	{"healthlake_version", ALL},
	{"healthlake_last_call", ALL},
	{"healthlake_operations", ALL},
	{"healthlake_preview", ALL},
	{"healthlake_call", ALL}, /* permits nothing by itself */
	{"healthlake_call_many", ALL},
	{"healthlake_describe_datastores", READ},
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
	{"healthlake_enqueue", CHANGE}, /* permits nothing by itself */
	{"healthlake_enqueue_create_datastore", CREATE},
	{"healthlake_cancel_request", CHANGE | FHIR_WRITE | FHIR_DELETE},
	{"healthlake_retry_request", CHANGE | FHIR_WRITE | FHIR_DELETE},
	{"healthlake_wait_request", CHANGE | FHIR_WRITE | FHIR_DELETE},
	{"healthlake_resolve_request", MANAGE},
	{"healthlake_run_queue", MANAGE},
	{"healthlake_request", CHANGE | AUDIT | FHIR_WRITE | FHIR_DELETE},
	{"healthlake_event", CHANGE | AUDIT | FHIR_WRITE | FHIR_DELETE},
	{"healthlake_audit", AUDIT}, /* permits to see all rows */
	{"healthlake_created_datastores", AUDIT},
	{"healthlake_stuck_requests", AUDIT},
	{"healthlake_left_behind", AUDIT},
	{"healthlake_statistics", READ | AUDIT},
	{"healthlake_operation_statistics", READ | AUDIT},
	{"healthlake_fhir_operations", FHIR},
	{"healthlake_fhir_read", FHIR_READ},
	{"healthlake_fhir_read_many", FHIR_READ},
	{"healthlake_fhir_create", FHIR_WRITE},
	{"healthlake_fhir_enqueue",
	 FHIR_WRITE | FHIR_DELETE}, /* permits nothing by itself */
	{"healthlake_fhir_enqueue_create", FHIR_WRITE},
	{"healthlake_fhir_enqueue_update", FHIR_WRITE},
	{"healthlake_fhir_enqueue_patch", FHIR_WRITE},
	{"healthlake_fhir_enqueue_delete", FHIR_DELETE},
	{"healthlake_fhir_enqueue_bundle", FHIR_WRITE | FHIR_DELETE},
	{"healthlake_fhir_search", FHIR_READ},
	{"healthlake_fhir_count", FHIR_READ},
	{"healthlake_fhir_escape", FHIR},
	{"healthlake_fhir_everything", FHIR_READ},
	{"healthlake_fhir_history", FHIR_READ},
	{"healthlake_fhir_delete_where", FHIR_DELETE},
	{"healthlake_fhir_operation", FHIR}, /* permits nothing by itself */
	{"healthlake_fhir_validate", FHIR_READ},
	{"healthlake_fhir_capabilities", FHIR_READ},
	{"healthlake_fhir_bundle", FHIR}, /* permits nothing by itself */
	{"healthlake_fhir_load", FHIR_WRITE},
	{"healthlake_fhir_load_error", FHIR_WRITE | AUDIT},
	{"healthlake_fhir_load_progress", FHIR_WRITE | AUDIT},
	{"healthlake_fhir_update", FHIR_WRITE},
	{"healthlake_fhir_update_where", FHIR_WRITE},
	{"healthlake_fhir_patch", FHIR_WRITE},
	{"healthlake_fhir_delete", FHIR_DELETE},
};

/* The purpose of an operation, which depends on what it changes. */
static int
purpose_of(const HlOperation *operation)
{
	if (!operation->changes_something)
		return READ;
	if (operation->creates != NULL)
		return CREATE;
	return strncmp(operation->name, "Delete", 6) == 0 ? DELETE : MANAGE;
}

static int
purpose_named(const char *word)
{
	for (size_t i = 0; i < lengthof(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].purpose;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("argument \"%s\" must be read, create, manage, "
						   "delete, audit, fhir_read, fhir_write or "
						   "fhir_delete",
						   "what")));
}

/* The purposes of the extension's objects of a name; 0 if it has none. */
static int
purposes_of(const char *name)
{
	for (size_t i = 0; i < lengthof(others); i++)
		if (strcmp(others[i].name, name) == 0)
			return others[i].purposes;
	for (int i = 0; i < hl_operations_count; i++)
		if (strcmp(hl_operations[i].function, name) == 0)
			return purpose_of(&hl_operations[i]);
	return 0;
}

static int
purposes_of_member(Oid class, Oid object)
{
	char *name = NULL;

	if (class == ProcedureRelationId)
		name = get_func_name(object);
	else if (class == RelationRelationId)
		name = get_rel_name(object);
	return name == NULL ? 0 : purposes_of(name);
}

static List *
add_member(List *members, Oid class, Oid object)
{
	int purposes = purposes_of_member(class, object);
	Granted *member;

	if (purposes == 0)
		return members;
	member = palloc(sizeof(Granted));
	*member = (Granted){class, object, purposes};
	return lappend(members, member);
}

/*
 * Lists the extension's objects that can be granted; other objects of the same
 * name are not included.
 */
static List *
list_members(Oid extension)
{
	Relation catalog = table_open(DependRelationId, AccessShareLock);
	List *members = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL, 2,
							  keys);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);

		if (row->deptype == DEPENDENCY_EXTENSION)
			members = add_member(members, row->classid, row->objid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return members;
}

/* Whether an ACL names the role itself, not one it is a member of. */
static bool
names_role(Datum rights, Oid role)
{
	Datum *items;
	int count;
	int16 size;
	bool by_value;
	char alignment;
	bool found = false;

	get_typlenbyvalalign(ACLITEMOID, &size, &by_value, &alignment);
	deconstruct_array(DatumGetArrayTypeP(rights), ACLITEMOID, size, by_value,
					  alignment, &items, NULL, &count);
	for (int i = 0; i < count; i++)
		found |= DatumGetAclItemP(items[i])->ai_grantee == role;
	return found;
}

/* Whether an object was granted to the role itself. */
static bool
is_granted(const Granted *member, Oid role)
{
	bool is_function = member->class == ProcedureRelationId;
	HeapTuple tuple = SearchSysCache1(is_function ? PROCOID : RELOID,
									  ObjectIdGetDatum(member->object));
	bool isnull;
	Datum rights;
	bool granted;

	if (!HeapTupleIsValid(tuple))
		return false;
	rights = SysCacheGetAttr(
		is_function ? PROCOID : RELOID, tuple,
		is_function ? Anum_pg_proc_proacl : Anum_pg_class_relacl, &isnull);
	granted = !isnull && names_role(rights, role);
	ReleaseSysCache(tuple);
	return granted;
}

/*
 * The purposes for which the role has an object that serves no other purpose.
 */
static int
purposes_held(List *members, Oid role)
{
	int held = 0;
	ListCell *cell;

	foreach (cell, members)
	{
		const Granted *member = lfirst(cell);
		bool single = (member->purposes & (member->purposes - 1)) == 0;

		if (single && is_granted(member, role))
			held |= member->purposes;
	}
	return held;
}

/* The privilege and the object of a GRANT, with qualified names. */
static char *
right_on(const Granted *member)
{
	if (member->class == ProcedureRelationId)
		return psprintf("EXECUTE ON ROUTINE %s",
						format_procedure_qualified(member->object));
	return psprintf("SELECT ON TABLE %s",
					quote_qualified_identifier(
						get_namespace_name(get_rel_namespace(member->object)),
						get_rel_name(member->object)));
}

static void
change_right(bool grants, const char *right, Oid role)
{
	char *command = psprintf("%s %s %s %s", grants ? "GRANT" : "REVOKE", right,
							 grants ? "TO" : "FROM",
							 quote_identifier(GetUserNameFromId(role, false)));

	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not perform %s", command);
}

/*
 * Grants or revokes the objects of some purposes, except those that other
 * purposes keep.
 */
static void
change_rights(FunctionCallInfo fcinfo, bool grants, int purposes)
{
	Oid called = fcinfo->flinfo->fn_oid;
	Oid role = PG_GETARG_OID(0);
	List *members =
		list_members(getExtensionOfObject(ProcedureRelationId, called));
	int kept = grants ? 0 : purposes_held(members, role) & ~purposes;
	ListCell *cell;

	foreach (cell, members)
	{
		const Granted *member = lfirst(cell);

		if ((member->purposes & purposes) && !(member->purposes & kept))
			change_right(grants, right_on(member), role);
	}
	if (kept == 0)
		change_right(
			grants,
			psprintf("USAGE ON SCHEMA %s", quote_identifier(get_namespace_name(
											   get_func_namespace(called)))),
			role);
}

static void
refuse_null(const char *argument)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("argument \"%s\" must not be null", argument)));
}

/* The purposes named by the words in the array. */
static int
purposes_wanted(ArrayType *array)
{
	Datum *elements;
	bool *nulls;
	int count;
	int purposes = 0;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			refuse_null("what");
		purposes |= purpose_named(TextDatumGetCString(elements[i]));
	}
	if (purposes == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be empty", "what")));
	return purposes;
}

static Datum
change(FunctionCallInfo fcinfo, bool grants)
{
	int purposes;
	int path;

	if (PG_ARGISNULL(0))
		refuse_null(grants ? "to_role" : "from_role");
	if (PG_ARGISNULL(1))
		refuse_null("what");
	purposes = purposes_wanted(PG_GETARG_ARRAYTYPE_P(1));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	path = hl_path_pin();
	change_rights(fcinfo, grants, purposes);
	hl_path_release(path);
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
hl_grant(FunctionCallInfo fcinfo)
{
	return change(fcinfo, true);
}

Datum
hl_grant_revoke(FunctionCallInfo fcinfo)
{
	return change(fcinfo, false);
}
