/*
 * load_queue.c
 *	  Makes batches, and advances the place of the load.
 *
 * If a batch ends before an earlier one, its issues are recorded, but the
 * place stays before the earlier one: after a crash both are sent again, and
 * the issues are deleted first.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "fhir/load_queue.h"
#include "server/settings.h"

/* The maximum bytes of resources in a batch, and in all waiting batches. */
#define MOST_BYTES (4 * 1024 * 1024)
#define MOST_READY (32 * 1024 * 1024)

/* How many rounds batches may be ahead of the first unfinished one. */
#define MOST_AHEAD 4

/* The maximum number of issues in a batch. */
#define MOST_ISSUES 1000

static HTAB *
make_keys(MemoryContext memory, const char *name)
{
	HASHCTL control = {
		.keysize = sizeof(uint64), .entrysize = sizeof(uint64), .hcxt = memory};

	return hash_create(name, 1024, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

HlLoadQueue *
hl_load_queue_create(HlLoadSource *source, HlLoadRecord *record, int batch_size)
{
	HlLoadQueue *queue = palloc0(sizeof(HlLoadQueue));

	queue->source = source;
	queue->record = record;
	queue->memory = CurrentMemoryContext;
	queue->scratch = AllocSetContextCreate(queue->memory, "healthlake load row",
										   ALLOCSET_DEFAULT_SIZES);
	queue->batch_size = batch_size;
	queue->most = hl_settings.max_concurrency;
	queue->busy = make_keys(queue->memory, "healthlake load busy");
	dlist_init(&queue->batches);
	return queue;
}

/* ----------------------------------------------------------------- passes */

/* Whether rows have moved since the pass began; leaves some scratch behind. */
static bool
has_moved(const HlLoadQueue *queue)
{
	MemoryContext caller = MemoryContextSwitchTo(queue->scratch);
	bool moved = hl_load_files_moved(queue->record->seeing_files,
									 hl_load_source_files(queue->source));

	MemoryContextSwitchTo(caller);
	return moved;
}

/*
 * Finds the resources with rows that the previous pass has not seen: all rows
 * of these are sent again, in order. Returns false if there are none, and no
 * such row without an id.
 */
static bool
find_wanted(HlLoadQueue *queue)
{
	MemoryContext caller = CurrentMemoryContext;
	HlLoadSeen *looked;
	const HlLoadRow *row;
	bool any = false;

	queue->wanted = make_keys(queue->memory, "healthlake load wanted");
	MemoryContextSwitchTo(queue->memory);
	looked = hl_load_seen_read(queue->record->looked);
	hl_load_source_seek(queue->source, (HlLoadPlace){.part = InvalidOid});
	while ((row = hl_load_source_next(queue->source)) != NULL)
	{
		HlLoadResource *resource;

		if (hl_load_record_has_seen(queue->record, looked, row))
			continue;
		MemoryContextReset(queue->scratch);
		MemoryContextSwitchTo(queue->scratch);
		resource = hl_load_row_read(row);
		any = true;
		if (resource->id != NULL)
			(void) hash_search(queue->wanted, &resource->key, HASH_ENTER, NULL);
		MemoryContextSwitchTo(queue->memory);
	}
	MemoryContextSwitchTo(caller);
	return any;
}

bool
hl_load_queue_begin(HlLoadQueue *queue)
{
	bool any;

	if (queue->wanted != NULL)
		hash_destroy(queue->wanted);
	queue->wanted = NULL;
	queue->rewritten = has_moved(queue);
	any =
		queue->rewritten || queue->record->looked == NULL || find_wanted(queue);
	if (any && queue->record->pass > 0)
		hl_load_record_forgive_nameless(queue->record);
	hl_load_source_seek(queue->source, queue->record->place);
	queue->at_end = !any;
	queue->blocking = 0;
	return any;
}

/* ---------------------------------------------------------------- filling */

/* Whether a resource is in a batch that has not ended. */
static bool
is_busy(const HlLoadQueue *queue, uint64 key)
{
	return hash_search(queue->busy, &key, HASH_FIND, NULL) != NULL;
}

bool
hl_load_queue_wants(const HlLoadQueue *queue)
{
	if (queue->at_end || queue->rewritten || queue->waiting > 0 ||
		queue->kept >= queue->most * MOST_AHEAD)
		return false;
	return queue->blocking == 0 || !is_busy(queue, queue->blocking);
}

/* Whether this pass sends or reports a row. */
static bool
is_wanted(const HlLoadQueue *queue, const HlLoadResource *resource)
{
	return queue->wanted == NULL || resource->id == NULL ||
		   hash_search(queue->wanted, &resource->key, HASH_FIND, NULL) != NULL;
}

/* Adds a complete batch to the waiting ones. */
static void
close_batch(HlLoadQueue *queue, HlLoadBatch **batch, size_t *ready)
{
	if (*batch == NULL)
		return;
	hl_load_batch_close(*batch);
	*ready += (*batch)->bytes;
	dlist_push_tail(&queue->batches, &(*batch)->node);
	queue->waiting++;
	queue->kept++;
	*batch = NULL;
}

/* Whether a batch has no room for another resource. */
static bool
is_full(const HlLoadQueue *queue, const HlLoadBatch *batch,
		const HlLoadResource *resource)
{
	if (batch == NULL)
		return false;
	if (resource->code != NULL)
		return list_length(batch->issues) >= MOST_ISSUES;
	return batch->count >= queue->batch_size ||
		   (batch->count > 0 && batch->bytes + resource->len > MOST_BYTES);
}

/*
 * Reads a row into the scratch memory, if this pass wants it; otherwise returns
 * NULL.
 */
static HlLoadResource *
read_wanted(HlLoadQueue *queue, const HlLoadRow *row)
{
	MemoryContext caller;
	HlLoadResource *resource;

	MemoryContextReset(queue->scratch);
	caller = MemoryContextSwitchTo(queue->scratch);
	resource = hl_load_row_read(row);
	if (!is_wanted(queue, resource))
		resource = NULL;
	else if (resource->code == NULL)
		hl_load_row_write(resource);
	MemoryContextSwitchTo(caller);
	return resource;
}

/* Puts rows into batches until there are enough, or one must wait. */
static void
make_batches(HlLoadQueue *queue)
{
	HlLoadBatch *batch = NULL;
	size_t ready = 0;
	const HlLoadRow *row;

	while ((row = hl_load_source_next(queue->source)) != NULL)
	{
		HlLoadResource *resource;

		CHECK_FOR_INTERRUPTS();
		resource = read_wanted(queue, row);
		if (resource == NULL)
			continue;
		if (is_full(queue, batch, resource))
			close_batch(queue, &batch, &ready);
		if (queue->waiting >= queue->most || ready > MOST_READY ||
			(resource->code == NULL && is_busy(queue, resource->key)))
		{
			queue->blocking = resource->code == NULL ? resource->key : 0;
			hl_load_source_unread(queue->source);
			break;
		}
		if (batch == NULL)
			batch = hl_load_batch_create(queue->memory, queue->batch_size);
		hl_load_batch_add(batch, resource);
		if (resource->code == NULL)
			(void) hash_search(queue->busy, &resource->key, HASH_ENTER, NULL);
	}
	close_batch(queue, &batch, &ready);
	queue->at_end = row == NULL;
}

void
hl_load_queue_fill(HlLoadQueue *queue)
{
	MemoryContext caller = MemoryContextSwitchTo(queue->memory);

	queue->blocking = 0;
	queue->rewritten = has_moved(queue);
	if (!queue->rewritten)
		make_batches(queue);
	hl_load_source_let_go(queue->source);
	MemoryContextReset(queue->scratch);
	MemoryContextSwitchTo(caller);
}

/* ----------------------------------------------------------------- ending */

/* Allows the resources of a batch to be sent again, and frees their texts. */
static void
let_resources_go(HlLoadQueue *queue, HlLoadBatch *batch)
{
	for (int i = 0; i < batch->count; i++)
	{
		HlLoadResource *resource = batch->resources[i];

		(void) hash_search(queue->busy, &resource->key, HASH_REMOVE, NULL);
		pfree((char *) resource->json);
		resource->json = NULL;
	}
}

/* Deletes the errors that earlier passes recorded for the rows of a batch. */
static void
forgive_rows(const HlLoadQueue *queue, const HlLoadBatch *batch)
{
	int count = batch->count;
	HlLoadResource **all = palloc(sizeof(HlLoadResource *) *
								  (count + list_length(batch->issues) + 1));
	ListCell *each;

	memcpy(all, batch->resources, sizeof(HlLoadResource *) * count);
	foreach (each, batch->issues)
		all[count++] =
			(HlLoadResource *) ((HlLoadIssue *) lfirst(each))->resource;
	hl_load_record_forgive(queue->record, all, count);
	pfree(all);
}

/*
 * Frees the ended batches before the first unfinished one; returns the place
 * up to which all rows are done.
 */
static HlLoadPlace
free_ended(HlLoadQueue *queue)
{
	HlLoadPlace place = queue->record->place;

	while (!dlist_is_empty(&queue->batches))
	{
		HlLoadBatch *first =
			dlist_head_element(HlLoadBatch, node, &queue->batches);

		if (!first->over)
			break;
		place = first->last;
		dlist_delete(&first->node);
		queue->kept--;
		MemoryContextDelete(first->memory);
	}
	return place;
}

void
hl_load_queue_end(HlLoadQueue *queue, HlLoadBatch *batch)
{
	ListCell *each;
	int64 taken = batch->taken;

	if (queue->record->pass > 0)
		forgive_rows(queue, batch);
	foreach (each, batch->issues)
		hl_load_record_issue(queue->record, lfirst(each));
	let_resources_go(queue, batch);
	batch->over = true;
	hl_load_record_advance(queue->record, free_ended(queue), taken);
}
