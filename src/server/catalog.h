/*
 * catalog.h
 *	  Reads system catalogs for which PostgreSQL has no cache and no function.
 */
#ifndef HL_SERVER_CATALOG_H
#define HL_SERVER_CATALOG_H

#include "postgres.h"

#include "access/skey.h"

/*
 * The OID in a column of the first row with the key; InvalidOid if there is
 * none. index InvalidOid: scan the catalog. Needs a transaction.
 */
extern Oid hl_catalog_oid(Oid catalog, Oid index, ScanKey key,
						  AttrNumber column);

#endif
