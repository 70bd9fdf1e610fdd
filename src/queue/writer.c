/*
 * writer.c
 *	  Rows that are committed whatever becomes of the session's transaction.
 *
 *	  A call's row is there before it is sent, and held by this process's place
 *	  on the board; when that goes, whoever sweeps next marks it as unknown.
 *	  After a call the row is kept in mind until its transaction has ended, so
 *	  that a rollback can be told, whichever way it came.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shm_mq.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "client/compat.h"
#include "client/wait.h"
#include "queue/board.h"
#include "queue/entry.h"
#include "queue/runner.h"
#include "queue/worker.h"
#include "queue/writer.h"

/* So often it looks after transactions that are open, in milliseconds. */
#define LOOK 1000

/* So long it stays with nothing to do, lest it take a slot for ever. */
#define IDLE 30000

/* So long, when it is to leave, it waits for calls to end. */
#define GRACE 500

/* A call: running, or of a transaction that is. */
typedef struct Row
{
	struct Row *next;
	uint64 serial;
	HlEntryPlace place;
	FullTransactionId transaction;
	bool running;
	bool over;    /* the transaction is */
	char *ending; /* a message that could not be recorded yet, or NULL */
	Size ending_len;
} Row;

static struct
{
	MemoryContext memory;  /* rows */
	MemoryContext message; /* what one message takes */
	shm_mq_handle *in;
	shm_mq_handle *out;
	int64 holder; /* 0: it has no place yet */
	Row *rows;
} writer;

/* ----------------------------------------------------------- transactions */

/* What runs in a transaction of its own. */
typedef void (*Work)(void *argument);

/* Begins a transaction. */
static void
begin(void)
{
	pgstat_report_activity(STATE_RUNNING, "writing the audit trail");
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/* Commits it. */
static void
commit(void)
{
	SPI_finish();
	CommitTransactionCommand();
	(void) pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, "waiting for calls");
}

/* Works in a transaction; gives the error that undid it, or NULL. */
static ErrorData *
attempt(Work work, void *argument)
{
	ErrorData *volatile failure = NULL;

	PG_TRY();
	{
		begin();
		work(argument);
		commit();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(writer.message);
		failure = CopyErrorData();
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(writer.message);
	return failure;
}

/* ------------------------------------------------------------------- rows */

/* Finds a row; NULL: it could not be written. */
static Row *
find_row(uint64 serial)
{
	Row *row = writer.rows;

	while (row != NULL && row->serial != serial)
		row = row->next;
	return row;
}

/* Forgets a row. */
static void
forget_row(Row *row)
{
	Row **place = &writer.rows;

	while (*place != row)
		place = &(*place)->next;
	*place = row->next;
	if (row->ending != NULL)
		pfree(row->ending);
	pfree(row);
}

/* Whether calls are under way, or their ends not recorded. */
static bool
some_running(void)
{
	for (const Row *row = writer.rows; row != NULL; row = row->next)
		if (row->running)
			return true;
	return false;
}

/* Marks rows of those that have no place on the board any more. */
static void
sweep(void *unused)
{
	const HlStore *store = hl_store_find();

	if (store != NULL)
		hl_runner_sweep(store);
}

/* What inserting a row takes, and gives. */
typedef struct Insertion
{
	HlEntry entry;
	HlEntryPlace place;
} Insertion;

/* Inserts a row, held by this process's place. */
static void
insert(void *argument)
{
	Insertion *insertion = argument;

	if (writer.holder == 0)
		writer.holder = hl_board_join(MyDatabaseId, HL_BOARD_WRITER);
	hl_entry_insert(hl_store_need(), &insertion->entry, writer.holder,
					&insertion->place);
}

/* Begins a row, and keeps it in mind; gives why not, or NULL. */
static ErrorData *
begin_row(const HlWriterHead *head, const char *text, Size len)
{
	Insertion insertion = {0};
	ErrorData *failure;
	Row *row;

	hl_entry_read(&insertion.entry, text, len);
	failure = attempt(insert, &insertion);
	if (failure != NULL)
		return failure;
	row = MemoryContextAllocZero(writer.memory, sizeof(Row));
	row->serial = head->serial;
	row->place = insertion.place;
	row->running = true;
	row->transaction = FullTransactionIdFromU64(
		strtoull(insertion.entry.fields[HL_ENTRY_TRANSACTION], NULL, 10));
	row->next = writer.rows;
	writer.rows = row;
	return NULL;
}

/* What completing a row takes. */
typedef struct Completion
{
	HlEntry entry;
	Row *row;
} Completion;

/* Finds out where a row is now: VACUUM FULL may have moved it. */
static void
look_for_place(const HlStore *store, HlEntryPlace *place)
{
	Oid types[] = {INT8OID};
	Datum values[] = {Int64GetDatum(place->id)};
	HlStoreStep step;

	hl_store_enter(&step, store);
	(void) SPI_execute_with_args(
		psprintf("SELECT ctid::text AS place FROM %s WHERE id = $1",
				 store->name),
		1, types, values, NULL, false, 1);
	if (SPI_processed == 1)
		strlcpy(place->ctid, hl_store_text(0, "place"), sizeof(place->ctid));
	hl_store_leave(&step);
}

/* Completes a row. */
static void
complete(void *argument)
{
	Completion *completion = argument;
	const HlStore *store = hl_store_find();
	HlEntryPlace *place = &completion->row->place;

	if (store == NULL || hl_entry_end(store, &completion->entry, place))
		return;
	look_for_place(store, place);
	if (!hl_entry_end(store, &completion->entry, place))
		ereport(LOG, (errmsg("row " INT64_FORMAT " of healthlake's audit trail "
							 "has gone",
							 place->id)));
}

/* Completes a row with what a session has said; gives why not, or NULL. */
static ErrorData *
end_row(Row *row, const char *text, Size len)
{
	Completion completion = {.row = row};
	ErrorData *failure;

	hl_entry_read(&completion.entry, text, len);
	failure = attempt(complete, &completion);
	row->running = failure != NULL;
	if (failure == NULL || row->ending != NULL)
		return failure;
	row->ending = MemoryContextAlloc(writer.memory, len);
	row->ending_len = len;
	memcpy(row->ending, text, len);
	return failure;
}

/* Tries again to complete what could not be. */
static void
end_rows_again(void)
{
	for (Row *row = writer.rows; row != NULL; row = row->next)
		if (row->running && row->ending != NULL)
			(void) end_row(row, row->ending, row->ending_len);
}

/* Completes rows of calls that the session will not tell of any more. */
static void
give_rows_up(void)
{
	Completion completion = {0};

	completion.entry.fields[HL_ENTRY_STATE] = "unknown";
	completion.entry.fields[HL_ENTRY_SQLSTATE] = "38M01";
	completion.entry.fields[HL_ENTRY_MESSAGE] =
		"the session ended before the outcome was known";
	completion.entry.fields[HL_ENTRY_ATTEMPTS] = "1";
	completion.entry.fields[HL_ENTRY_SENT] = "t";
	for (Row *row = writer.rows; row != NULL; row = row->next)
		if (row->running && row->ending == NULL)
		{
			completion.row = row;
			row->running = attempt(complete, &completion) != NULL;
		}
}

/* ------------------------------------------------------------- rollbacks */

/* Keeps whether a row's transaction was rolled back: ids do not last. */
static void
keep_verdict(const HlStore *store, const Row *row, bool rolled_back)
{
	HlParameters id = {0};
	HlStoreStep step;

	hl_store_add(&id, Int64GetDatum(row->place.id));
	hl_store_add(&id, BoolGetDatum(rolled_back));
	hl_store_enter(&step, store);
	(void) hl_store_alter(store, HL_STATEMENT_ROLLED_BACK, &id);
	hl_store_leave(&step);
}

/* Looks which transactions have ended, and how. */
static void
judge_transactions(void *unused)
{
	const HlStore *store = hl_store_find();

	/* a snapshot, before which nothing is looked up in pg_subtrans */
	(void) GetTransactionSnapshot();
	for (Row *row = writer.rows; row != NULL; row = row->next)
	{
		TransactionId xid = XidFromFullTransactionId(row->transaction);

		row->over = !row->running && !TransactionIdIsInProgress(xid);
		if (row->over && store != NULL)
			keep_verdict(store, row, !TransactionIdDidCommit(xid));
	}
}

/* Looks after transactions, and forgets those that have ended. */
static void
look_after_transactions(void)
{
	Row *next;

	if (writer.rows == NULL || attempt(judge_transactions, NULL) != NULL)
		return;
	for (Row *row = writer.rows; row != NULL; row = next)
	{
		next = row->next;
		if (row->over)
			forget_row(row);
	}
}

/* --------------------------------------------------------------- messages */

/* Answers the session, which may have gone. */
static void
answer(const HlWriterHead *head, const ErrorData *failure)
{
	HlWriterAnswer said = {.head = *head};

	if (failure != NULL)
	{
		said.sqlstate = failure->sqlerrcode;
		strlcpy(said.message, failure->message, sizeof(said.message));
	}
	(void) hl_compat_mq_send(writer.out,
							 offsetof(HlWriterAnswer, message) +
								 strlen(said.message) + 1,
							 &said, true);
}

/* Does what the session asks. */
static void
take_message(const char *message, Size len)
{
	HlWriterHead head;
	const char *text = message + sizeof(head);
	ErrorData *failure = NULL;
	Row *row;

	memcpy(&head, message, sizeof(head));
	len -= sizeof(head);
	if (head.verb == HL_WRITER_BEGIN)
		failure = begin_row(&head, text, len);
	else if ((row = find_row(head.serial)) != NULL)
		failure = end_row(row, text, len);
	answer(&head, failure);
	MemoryContextReset(writer.message);
}

/* Takes all that has come; false: the session has gone. */
static bool
take_messages(bool *some)
{
	shm_mq_result result;
	Size len;
	void *message;

	*some = false;
	while ((result = shm_mq_receive(writer.in, &len, &message, true)) ==
		   SHM_MQ_SUCCESS)
	{
		take_message(message, len);
		*some = true;
	}
	return result == SHM_MQ_WOULD_BLOCK;
}

/* Whether so much time has passed since a moment. */
static bool
is_past(TimestampTz since, int milliseconds)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(),
									  milliseconds);
}

/* What is done now and then, while there is something left to learn. */
static void
take_tick(void)
{
	static TimestampTz last = 0;

	if (!is_past(last, LOOK))
		return;
	last = GetCurrentTimestamp();
	end_rows_again();
	look_after_transactions();
	MemoryContextReset(writer.message);
}

/* Works as long as the session is there, and some time without work. */
static bool
serve_until_told(void)
{
	TimestampTz busy_at = GetCurrentTimestamp();
	bool some;

	while (take_messages(&some))
	{
		if (some || writer.rows != NULL)
			busy_at = GetCurrentTimestamp();
		if (ShutdownRequestPending || is_past(busy_at, IDLE))
			return true;
		hl_worker_rest(writer.rows == NULL ? IDLE : LOOK, HL_WAIT_WRITER);
		take_tick();
	}
	return false;
}

/* Gives calls that are under way a moment; false: the session has gone. */
static bool
serve_the_last(void)
{
	TimestampTz told_at = GetCurrentTimestamp();
	bool some;

	while (take_messages(&some))
	{
		if (!some_running() || is_past(told_at, GRACE))
			return true;
		hl_worker_rest(GRACE / 10, HL_WAIT_WRITER);
	}
	return false;
}

/* Works, and leaves nothing behind that it knows the end of. */
static void
serve(void)
{
	if (!serve_until_told() || !serve_the_last())
	{
		end_rows_again();
		give_rows_up();
	}
	look_after_transactions();
}

/* ---------------------------------------------------------------- process */

/* Takes this process's ends of both queues; false: the session has gone. */
static bool
attach(dsm_handle handle)
{
	dsm_segment *segment = dsm_attach(handle);
	shm_mq *in;
	shm_mq *out;

	if (segment == NULL)
		return false;
	dsm_pin_mapping(segment);
	in = dsm_segment_address(segment);
	out = (shm_mq *) ((char *) in + HL_WRITER_QUEUE);
	shm_mq_set_receiver(in, MyProc);
	shm_mq_set_sender(out, MyProc);
	writer.in = shm_mq_attach(in, segment, NULL);
	writer.out = shm_mq_attach(out, segment, NULL);
	return true;
}

/* Sets what the rows rely on, whatever is set for the database or the role. */
static void
set_options(void)
{
	static const char *const options[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"application_name", HL_WRITER_TYPE},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"statement_timeout", "0"},
		/* nobody sees that the session, which waits, holds a lock itself */
		{"lock_timeout", "5s"}};

	for (size_t i = 0; i < lengthof(options); i++)
		SetConfigOption(options[i][0], options[i][1], PGC_USERSET,
						PGC_S_OVERRIDE);
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)
		SetConfigOption("synchronous_commit", "local", PGC_USERSET,
						PGC_S_OVERRIDE);
}

/* The process. */
void
healthlake_writer_main(Datum argument)
{
	HlWriterOrders orders;

	memcpy(&orders, MyBgworkerEntry->bgw_extra, sizeof(orders));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(orders.database, orders.owner,
											  HL_COMPAT_ANY_ROLE);
	set_options();
	writer.memory = AllocSetContextCreate(TopMemoryContext, "healthlake audit",
										  ALLOCSET_DEFAULT_SIZES);
	writer.message = AllocSetContextCreate(writer.memory, "healthlake message",
										   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(writer.memory);
	if (!attach(DatumGetUInt32(argument)))
		proc_exit(0);
	MemoryContextSwitchTo(writer.message);
	(void) attempt(sweep, NULL);
	serve();
	proc_exit(0);
}
