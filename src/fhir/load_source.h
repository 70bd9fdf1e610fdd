/*
 * load_source.h
 *	  The table that a load reads, in physical order, with the privileges of
 *	  the caller, in many transactions. The ctid serves as the place of a row,
 *	  so that the table needs no key; xmin shows whether a row is newer than an
 *	  earlier pass. SPI must be connected, and a snapshot active while rows are
 *	  read.
 */
#ifndef HL_FHIR_LOAD_SOURCE_H
#define HL_FHIR_LOAD_SOURCE_H

#include "postgres.h"

#include "access/attnum.h"
#include "storage/itemptr.h"

#include "fhir/load_files.h"

/*
 * The place of a row: block, offset, and the partition. Rows are ordered by
 * these.
 */
typedef struct HlLoadPlace
{
	ItemPointerData tid;
	Oid part; /* InvalidOid: before all rows */
} HlLoadPlace;

typedef struct HlLoadRow
{
	HlLoadPlace place;
	TransactionId xmin;
	bool null;
	Datum resource; /* possibly toasted */
} HlLoadRow;

typedef struct HlLoadSource HlLoadSource;

/*
 * Opens table and column, in CurrentMemoryContext. Throws what a SELECT by the
 * caller throws, 42809 for a relation without rows of its own, 42804 for a
 * column that is not jsonb.
 */
extern HlLoadSource *hl_load_source_open(Oid relation, const char *column);

/* The qualified and quoted name of the table. */
extern const char *hl_load_source_name(const HlLoadSource *source);

/* The number of the column. */
extern AttrNumber hl_load_source_column(const HlLoadSource *source);

/* The files of the table at this time: see load_files.h. */
extern HlLoadFiles *hl_load_source_files(const HlLoadSource *source);

/* Sets the range to read: after a place, up to the current end of the table. */
extern void hl_load_source_seek(HlLoadSource *source, HlLoadPlace behind);

/*
 * The next row, valid until the transaction ends; NULL: the end. The second
 * function makes the next call return it again; the third releases the
 * transaction's resources.
 */
extern const HlLoadRow *hl_load_source_next(HlLoadSource *source);
extern void hl_load_source_unread(HlLoadSource *source);
extern void hl_load_source_let_go(HlLoadSource *source);

/* The current snapshot as a pg_snapshot, including subtransactions. */
extern char *hl_load_seen_now(void);

/* A parsed snapshot, in CurrentMemoryContext. */
typedef struct HlLoadSeen HlLoadSeen;
extern HlLoadSeen *hl_load_seen_read(const char *text);

/* Whether the row may be newer than that snapshot. */
extern bool hl_load_is_newer(const HlLoadSeen *seen, TransactionId xmin);

#endif
