/*
 * load_files.c
 *	  The files of a table and its partitions, and those of an earlier pass.
 *
 * The xmin of a row does not tell everything: a partition that is attached has
 * old rows, and a row security policy shows old ones to another tenant.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "fhir/load_files.h"
#include "fhir/load_read.h"
#include "server/arrays.h"

/* --------------------------------------------------------------- catalogs */

/*
 * The table and all below it, as a SELECT reads them: without a partition that
 * is being detached, which find_all_inheritors() would include.
 */
static List *
find_parts(Oid relation)
{
	List *parts = list_make1_oid(relation);

	for (int i = 0; i < list_length(parts); i++)
		parts = list_concat(parts, find_inheritance_children_extended(
									   list_nth_oid(parts, i), true,
									   AccessShareLock, NULL, NULL));
	return parts;
}

static int
compare_files(const void *one, const void *other)
{
	uint64 a = *(const uint64 *) one;
	uint64 b = *(const uint64 *) other;

	return a < b ? -1 : a > b;
}

/* Adds a relation, if it has rows of its own. */
static void
add_file(HlLoadFiles *files, Relation part)
{
	if (part->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		hl_load_read_check_kind(part);
	if (!RELKIND_HAS_STORAGE(part->rd_rel->relkind))
		return;
	files->files[files->count++] =
		(uint64) RelationGetRelid(part) << 32 | part->rd_rel->relfilenode;
	files->blocks = Max(files->blocks, RelationGetNumberOfBlocks(part));
}

HlLoadFiles *
hl_load_files_look(Oid relation)
{
	Relation table = hl_load_read_open(relation, AccessShareLock);
	HlLoadFiles *files;
	List *parts;
	ListCell *each;

	hl_load_read_check_kind(table);
	relation_close(table, NoLock);
	parts = find_parts(relation);
	files = palloc0(offsetof(HlLoadFiles, files) +
					sizeof(uint64) * list_length(parts));
	files->filtered =
		check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED;
	foreach (each, parts)
	{
		Relation part = hl_load_read_open(lfirst_oid(each), NoLock);

		add_file(files, part);
		relation_close(part, NoLock);
	}
	list_free(parts);
	qsort(files->files, files->count, sizeof(uint64), compare_files);
	return files;
}

/* ------------------------------------------------------------- comparison */

bool
hl_load_files_moved(const HlLoadFiles *was, const HlLoadFiles *now)
{
	if (was->filtered != now->filtered)
		return true;
	/* what is new is for the next pass */
	for (int i = 0; i < was->count; i++)
		if (bsearch(&was->files[i], now->files, now->count, sizeof(uint64),
					compare_files) == NULL)
			return true;
	return false;
}

static int
compare_relation(const void *relation, const void *file)
{
	Oid a = *(const Oid *) relation;
	Oid b = (Oid) (*(const uint64 *) file >> 32);

	return a < b ? -1 : a > b;
}

bool
hl_load_files_have(const HlLoadFiles *files, Oid relation)
{
	return bsearch(&relation, files->files, files->count, sizeof(uint64),
				   compare_relation) != NULL;
}

/* ----------------------------------------------------------------- arrays */

Datum
hl_load_files_array(const HlLoadFiles *files)
{
	Datum *elements = palloc(sizeof(Datum) * Max(files->count, 1));

	for (int i = 0; i < files->count; i++)
		elements[i] = Int64GetDatum((int64) files->files[i]);
	return PointerGetDatum(hl_arrays_int8(elements, files->count));
}

HlLoadFiles *
hl_load_files_read(Datum array)
{
	HlLoadFiles *files;
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), INT8OID, sizeof(int64),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, NULL,
					  &count);
	files = palloc0(offsetof(HlLoadFiles, files) + sizeof(uint64) * count);
	for (int i = 0; i < count; i++)
		files->files[files->count++] = (uint64) DatumGetInt64(elements[i]);
	return files;
}
