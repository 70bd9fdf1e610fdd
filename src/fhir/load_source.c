/*
 * load_source.c
 *	  Reading a table in parts of a few blocks.
 *
 *	  A part is asked for by the range of its ctids, so that PostgreSQL reads no
 *	  other block, and its rows are sorted here, since nothing promises their
 *	  order. Large values stay where they are until a row is looked at.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "fhir/load_source.h"
#include "server/path.h"

/* Blocks of a part. */
#define PART_BLOCKS 32

struct HlLoadSource
{
	Oid relation;
	const char *name;
	SPIPlanPtr plan;
	MemoryContextCallback release; /* of the plan */
	HlLoadPlace behind;            /* the last row that was given */
	HlLoadPlace before;            /* the one before that, for unread */
	BlockNumber block;             /* of the part */
	BlockNumber end;
	MemoryContext memory;

	/* the part at hand */
	SPITupleTable *table;
	HlLoadRow *rows;
	int count;
	int next;
};

/* ---------------------------------------------------------------- opening */

/* Refuses relations without rows of their own. */
static void
check_kind(Relation relation)
{
	char kind = relation->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" is not a table", RelationGetRelationName(relation)),
			 errdetail("A load that can continue after an interruption "
					   "requires rows that are stored."),
			 errhint("Load from a table or a materialized view.")));
}

/* Refuses a column that does not contain resources. */
static void
check_column(Relation relation, const char *column)
{
	AttrNumber number = get_attnum(RelationGetRelid(relation), column);

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of relation \"%s\" does not "
							   "exist",
							   column, RelationGetRelationName(relation))));
	if (getBaseType(get_atttype(RelationGetRelid(relation), number)) !=
		JSONBOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of relation \"%s\" is not jsonb",
							   column, RelationGetRelationName(relation))));
}

/* Frees what the memory context of the source does not. */
static void
release_plan(void *argument)
{
	HlLoadSource *source = argument;

	if (source->plan != NULL)
		SPI_freeplan(source->plan);
	source->plan = NULL;
}

/*
 * Prepares the statement that reads a part; a custom plan can use a TID range
 * scan.
 */
static void
plan_part(HlLoadSource *source, const char *column)
{
	Oid types[] = {TIDOID, TIDOID};
	char *sql = psprintf("SELECT ctid, tableoid, xmin, %s FROM %s WHERE ctid "
						 "OPERATOR(pg_catalog.>=) $1 AND ctid "
						 "OPERATOR(pg_catalog.<) $2",
						 quote_identifier(column), source->name);
	SPIPlanPtr plan = SPI_prepare_cursor(sql, 2, types, CURSOR_OPT_CUSTOM_PLAN);

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare the reading of a table");
	source->plan = plan;
}

/* Reads the rows up to a block; throws PostgreSQL's errors. */
static void
read_blocks(HlLoadSource *source, BlockNumber first, BlockNumber end)
{
	ItemPointerData from;
	ItemPointerData to;
	Datum values[2];
	int nest_level = hl_path_pin();

	ItemPointerSet(&from, first, 0);
	ItemPointerSet(&to, end, 0);
	values[0] = PointerGetDatum(&from);
	values[1] = PointerGetDatum(&to);
	if (SPI_execute_plan(source->plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read %s", source->name);
	hl_path_release(nest_level);
}

/* Opens a table, which may be dropped during a load. */
static Relation
open_source(Oid relation, LOCKMODE lock)
{
	Relation table = try_relation_open(relation, lock);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return table;
}

HlLoadSource *
hl_load_source_open(Oid relation, const char *column)
{
	HlLoadSource *source = palloc0(sizeof(HlLoadSource));
	Relation table = open_source(relation, AccessShareLock);

	check_kind(table);
	check_column(table, column);
	source->relation = relation;
	source->memory = CurrentMemoryContext;
	source->name = quote_qualified_identifier(
		get_namespace_name(RelationGetNamespace(table)),
		RelationGetRelationName(table));
	source->name = pstrdup(source->name);
	relation_close(table, NoLock);
	source->release.func = release_plan;
	source->release.arg = source;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &source->release);
	plan_part(source, column);
	/* no block, but the rights are checked */
	read_blocks(source, 0, 0);
	SPI_freetuptable(SPI_tuptable);
	return source;
}

const char *
hl_load_source_name(const HlLoadSource *source)
{
	return source->name;
}

/* ------------------------------------------------------------------ files */

/* A relation's contribution to the number of all files. */
static uint64
file_number(Relation relation)
{
	uint64 words[] = {RelationGetRelid(relation),
					  relation->rd_rel->relfilenode};

	return hash_bytes_extended((const unsigned char *) words, sizeof(words), 0);
}

/* Determines the number of all files, and the blocks of the largest. */
static void
look_at_files(const HlLoadSource *source, int64 *files, BlockNumber *blocks)
{
	List *parts = find_all_inheritors(source->relation, AccessShareLock, NULL);
	ListCell *each;

	*files = 0;
	*blocks = 0;
	foreach (each, parts)
	{
		Relation part = open_source(lfirst_oid(each), NoLock);

		if (part->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
			check_kind(part);
		if (RELKIND_HAS_STORAGE(part->rd_rel->relkind))
		{
			*files ^= (int64) file_number(part);
			*blocks = Max(*blocks, RelationGetNumberOfBlocks(part));
		}
		relation_close(part, NoLock);
	}
	list_free(parts);
}

int64
hl_load_source_files(const HlLoadSource *source)
{
	int64 files;
	BlockNumber blocks;

	look_at_files(source, &files, &blocks);
	return files;
}

/* ------------------------------------------------------------------- rows */

static int
compare_places(const HlLoadPlace *one, const HlLoadPlace *other)
{
	int order;

	if (!OidIsValid(one->part) || !OidIsValid(other->part))
		return (int) OidIsValid(one->part) - (int) OidIsValid(other->part);
	order =
		ItemPointerCompare((ItemPointer) &one->tid, (ItemPointer) &other->tid);
	if (order != 0)
		return order;
	return one->part < other->part ? -1 : one->part > other->part;
}

static int
compare_rows(const void *one, const void *other)
{
	return compare_places(&((const HlLoadRow *) one)->place,
						  &((const HlLoadRow *) other)->place);
}

void
hl_load_source_seek(HlLoadSource *source, HlLoadPlace behind)
{
	int64 files;

	hl_load_source_let_go(source);
	look_at_files(source, &files, &source->end);
	source->behind = behind;
	source->block = OidIsValid(behind.part)
						? ItemPointerGetBlockNumberNoCheck(&behind.tid)
						: 0;
}

void
hl_load_source_let_go(HlLoadSource *source)
{
	BlockNumber reached = ItemPointerGetBlockNumberNoCheck(&source->behind.tid);

	if (source->table != NULL)
	{
		SPI_freetuptable(source->table);
		pfree(source->rows);
	}
	if (OidIsValid(source->behind.part))
		source->block = Max(source->block, reached);
	source->table = NULL;
	source->rows = NULL;
	source->count = source->next = 0;
}

static void
take_row(HlLoadSource *source, int at)
{
	HeapTuple tuple = source->table->vals[at];
	TupleDesc desc = source->table->tupdesc;
	HlLoadRow *row = &source->rows[at];
	bool null;

	row->place.tid =
		*(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 1, &null));
	row->place.part = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &null));
	row->xmin = DatumGetTransactionId(SPI_getbinval(tuple, desc, 3, &null));
	row->resource = SPI_getbinval(tuple, desc, 4, &row->null);
}

/* Reads the part that begins at the current block. */
static void
read_part(HlLoadSource *source)
{
	read_blocks(source, source->block, source->block + PART_BLOCKS);
	source->table = SPI_tuptable;
	source->count = (int) SPI_processed;
	source->next = 0;
	source->rows = MemoryContextAllocHuge(
		source->memory, sizeof(HlLoadRow) * Max(source->count, 1));
	for (int i = 0; i < source->count; i++)
		take_row(source, i);
	qsort(source->rows, source->count, sizeof(HlLoadRow), compare_rows);
	while (source->next < source->count &&
		   compare_places(&source->rows[source->next].place, &source->behind) <=
			   0)
		source->next++;
}

const HlLoadRow *
hl_load_source_next(HlLoadSource *source)
{
	while (source->next >= source->count)
	{
		CHECK_FOR_INTERRUPTS();
		if (source->table != NULL)
		{
			BlockNumber next = source->block + PART_BLOCKS;

			hl_load_source_let_go(source);
			source->block = next;
		}
		if (source->block >= source->end)
			return NULL;
		read_part(source);
	}
	source->before = source->behind;
	source->behind = source->rows[source->next].place;
	return &source->rows[source->next++];
}

void
hl_load_source_unread(HlLoadSource *source)
{
	source->behind = source->before;
	source->next--;
}
