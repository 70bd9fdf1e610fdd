/*
 * load_source.c
 *	  Reads a table in parts of a few blocks.
 *
 * The statement for a part has a condition on ctid, so that PostgreSQL reads
 * no other block; its rows are sorted here, since their order is not
 * guaranteed. Large values stay in TOAST until they are needed.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "fhir/load_read.h"
#include "fhir/load_source.h"

/* The number of blocks in a part. */
#define PART_BLOCKS 32

struct HlLoadSource
{
	HlLoadTable table;
	const char *name;
	HlLoadPlace behind; /* the last row returned */
	HlLoadPlace before; /* the row before it, for unread */
	BlockNumber block;  /* the first block of the next part */
	BlockNumber end;

	/* the current part */
	HlLoadPart *part;
	int next;
};

/* ---------------------------------------------------------------- opening */

HlLoadSource *
hl_load_source_open(Oid relation, const char *column)
{
	HlLoadSource *source = palloc0(sizeof(HlLoadSource));

	source->name = hl_load_read_find(&source->table, relation, column);
	/* reads no block, but checks the privileges */
	MemoryContextDelete(hl_load_read(&source->table, 0, 0)->memory);
	return source;
}

const char *
hl_load_source_name(const HlLoadSource *source)
{
	return source->name;
}

/* ------------------------------------------------------------------ files */

AttrNumber
hl_load_source_column(const HlLoadSource *source)
{
	return source->table.column;
}

HlLoadFiles *
hl_load_source_files(const HlLoadSource *source)
{
	return hl_load_files_look(source->table.relation);
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
	HlLoadFiles *files = hl_load_source_files(source);

	hl_load_source_let_go(source);
	source->end = files->blocks;
	pfree(files);
	source->behind = behind;
	source->block = OidIsValid(behind.part)
						? ItemPointerGetBlockNumberNoCheck(&behind.tid)
						: 0;
}

void
hl_load_source_let_go(HlLoadSource *source)
{
	BlockNumber reached = ItemPointerGetBlockNumberNoCheck(&source->behind.tid);

	if (source->part != NULL)
		MemoryContextDelete(source->part->memory);
	if (OidIsValid(source->behind.part))
		source->block = Max(source->block, reached);
	source->part = NULL;
	source->next = 0;
}

/* Reads the part that begins at the current block. */
static void
read_part(HlLoadSource *source)
{
	HlLoadPart *part = hl_load_read(&source->table, source->block,
									source->block + PART_BLOCKS);

	source->part = part;
	source->next = 0;
	qsort(part->rows, part->count, sizeof(HlLoadRow), compare_rows);
	while (source->next < part->count &&
		   compare_places(&part->rows[source->next].place, &source->behind) <=
			   0)
		source->next++;
}

const HlLoadRow *
hl_load_source_next(HlLoadSource *source)
{
	while (source->part == NULL || source->next >= source->part->count)
	{
		CHECK_FOR_INTERRUPTS();
		if (source->part != NULL)
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
	source->behind = source->part->rows[source->next].place;
	return &source->part->rows[source->next++];
}

void
hl_load_source_unread(HlLoadSource *source)
{
	source->behind = source->before;
	source->next--;
}
