/*
 * references.c
 *	  Verifies what a created view refers to. Its text names functions by their
 *	  schema and the types of their arguments, and its table by its name: both
 *	  find something else if another role has created a better match, or has
 *	  renamed the table meanwhile. So what was found is compared with what was
 *	  meant. A view that is created executes nothing, so nothing has run yet.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_rewrite.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "fhirpath/references.h"

/* A view, and what it may refer to. */
typedef struct References
{
	Oid view;
	Oid table;
	Oid extension;
} References;

/* PostgreSQL's own objects are pinned, mostly, and then not recorded at all. */
static bool
is_meant(const References *references, const ObjectAddress *object)
{
	if (object->classId == NamespaceRelationId ||
		object->classId == ExtensionRelationId)
		return true;
	if (object->classId == RelationRelationId)
		return object->objectId == references->view ||
			   object->objectId == references->table;
	if (OidIsValid(references->extension) &&
		getExtensionOfObject(object->classId, object->objectId) ==
			references->extension)
		return true;
	return get_object_namespace(object) == PG_CATALOG_NAMESPACE;
}

static void
check_object(const References *references, const ObjectAddress *object)
{
	if (!is_meant(references, object))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view \"%s\" would use %s", get_rel_name(references->view),
					getObjectDescription(object, false)),
			 errdetail("This is neither part of the extension nor the "
					   "table that the view is made for."),
			 errhint("Revoke CREATE on the extension's schema from roles "
					 "that are not trusted.")));
}

/* Checks what a view, or its rule, depends on. */
static void
check_dependencies(const References *references, Oid class, Oid object)
{
	Relation depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(class));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	scan =
		systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress referenced;

		ObjectAddressSet(referenced, row->refclassid, row->refobjid);
		check_object(references, &referenced);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

void
hl_references_check(Oid view, Oid table, Oid extension)
{
	References references = {view, table, extension};
	Oid rule = GetSysCacheOid2(RULERELNAME, Anum_pg_rewrite_oid,
							   ObjectIdGetDatum(view),
							   PointerGetDatum(ViewSelectRuleName));

	if (!OidIsValid(rule))
		elog(ERROR, "relation with OID %u is not the view", view);
	check_dependencies(&references, RelationRelationId, view);
	check_dependencies(&references, RewriteRelationId, rule);
}
