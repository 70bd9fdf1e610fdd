/*
 * document.c
 *	  Keeps the last resource that was decompressed or fetched.
 */
#include "postgres.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "access/detoast.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "fhirpath/document.h"

/*
 * The maximum size of a kept value; for larger ones decompression is not the
 * main cost.
 */
#define KEPT_MAX (1024 * 1024)

/*
 * The kept document. A compressed value is recognized by its bytes. A value
 * outside of the row has a pointer that can be assigned to another value after
 * a VACUUM that no snapshot holds back; so it is recognized only within one
 * snapshot.
 */
static struct
{
	MemoryContext memory;
	struct varlena *key; /* the argument; NULL: nothing is kept */
	Size size;
	TransactionId xmin, xmax;
	CommandId command;
	Jsonb *document;
} kept;

/* Whether the current snapshot is that of the kept document. */
static bool
is_same_snapshot(void)
{
	Snapshot snapshot = ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;

	return snapshot != NULL && snapshot->snapshot_type == SNAPSHOT_MVCC &&
		   snapshot->xmin == kept.xmin && snapshot->xmax == kept.xmax &&
		   snapshot->curcid == kept.command;
}

/* Records the current snapshot; false if it is not one of a statement. */
static bool
note_snapshot(void)
{
	Snapshot snapshot = ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;

	if (snapshot == NULL || snapshot->snapshot_type != SNAPSHOT_MVCC)
		return false;
	kept.xmin = snapshot->xmin;
	kept.xmax = snapshot->xmax;
	kept.command = snapshot->curcid;
	return true;
}

/* Keeps a document with its argument. */
static void
keep_document(const struct varlena *argument, Size size, Jsonb *document)
{
	MemoryContext outer;

	kept.key = NULL;
	if (kept.memory == NULL)
		kept.memory = AllocSetContextCreate(
			TopMemoryContext, "healthlake document", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(kept.memory);
	if (VARSIZE(document) > KEPT_MAX ||
		(VARATT_IS_EXTERNAL(argument) && !note_snapshot()))
		return;
	outer = MemoryContextSwitchTo(kept.memory);
	kept.document = palloc(VARSIZE(document));
	memcpy(kept.document, document, VARSIZE(document));
	kept.size = size;
	kept.key = palloc(size);
	memcpy(kept.key, argument, size);
	MemoryContextSwitchTo(outer);
}

Jsonb *
hl_document_of(Datum argument)
{
	struct varlena *given = (struct varlena *) DatumGetPointer(argument);
	bool is_outside = VARATT_IS_EXTERNAL_ONDISK(given);
	Size size = VARSIZE_ANY(given);
	Jsonb *document;

	if (!is_outside && !VARATT_IS_COMPRESSED(given))
		return DatumGetJsonbP(argument);
	if (kept.key != NULL && kept.size == size &&
		memcmp(kept.key, given, size) == 0 &&
		(!is_outside || is_same_snapshot()))
		return kept.document;
	document = DatumGetJsonbP(argument);
	keep_document(given, size, document);
	return document;
}
