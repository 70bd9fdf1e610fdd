/*
 * catalog.c
 *	  Reads a system catalog by one key.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/rel.h"

#include "server/catalog.h"

Oid
hl_catalog_oid(Oid catalog, Oid index, ScanKey key, AttrNumber column)
{
	Relation relation = table_open(catalog, AccessShareLock);
	SysScanDesc scan =
		systable_beginscan(relation, index, OidIsValid(index), NULL, 1, key);
	HeapTuple tuple = systable_getnext(scan);
	Oid oid = InvalidOid;
	bool isnull;

	if (HeapTupleIsValid(tuple))
		oid = DatumGetObjectId(
			heap_getattr(tuple, column, RelationGetDescr(relation), &isnull));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return oid;
}
