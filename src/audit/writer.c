/*
 * writer.c
 *	  Commits events independently of the session's transaction.
 *
 * Messages of sessions become tasks. The tasks of one round are written in one
 * transaction; if that fails, each is written in its own. A call is kept until
 * its transaction has ended, so that any kind of rollback is recorded. Calls
 * that an earlier writer has left without an end are found in the history,
 * which is read in parts, the latest events first, since sessions wait for the
 * writer meanwhile.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shm_mq.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "audit/event.h"
#include "audit/home.h"
#include "audit/registry.h"
#include "audit/writer.h"
#include "server/background.h"
#include "server/clock.h"
#include "server/compat.h"
#include "server/pinned.h"
#include "server/text.h"
#include "server/wait.h"

/* Milliseconds between two checks of open transactions. */
#define LOOK 1000

/* Milliseconds between two attempts while the history is locked. */
#define AGAIN 50

/*
 * Milliseconds between two checks whether another process wants the database.
 */
#define TICK 250

/* Milliseconds after which an idle writer exits, so that it frees its slot. */
#define IDLE 30000

/* Milliseconds that it waits for calls to end before it exits. */
#define GRACE 500

/* Milliseconds between two checks in a transaction whether it must exit. */
#define PULSE 1000

/* How many events a part of a sweep reads. */
#define PART 2000

/* Milliseconds between two parts. */
#define BREATH 1

/* The longest delay, in milliseconds, between two attempts to write a task. */
#define LONGEST 60000

/* A session; segment NULL: stands for unknown sessions. */
typedef struct Client
{
	struct Client *next;
	dsm_segment *segment;
	shm_mq_handle *in;
	shm_mq_handle *out;
} Client;

/* A call with an event "sent" that is running, or whose transaction is. */
typedef struct Open
{
	struct Open *next;
	Client *client;                /* NULL: gone, or unknown */
	uint64 serial;                 /* of the call, in its session */
	int64 id;                      /* of the event "sent" */
	FullTransactionId transaction; /* invalid for a read */
	bool running;
	bool over;     /* the transaction has ended */
	HlEvent event; /* the last one written */
	char *text;    /* holds its strings */
} Open;

/* An event to be written. */
typedef struct Task
{
	struct Task *next;
	Client *client; /* expects an answer; NULL: none */
	HlWriterHead head;
	bool rollback; /* the call is not kept any more */
	int64 since;   /* of hl_clock_steady_ms(), like all times here */
	int64 retry_at;
	int64 pause; /* delay before the last attempt */
	HlEvent event;
	char *text;
	int64 id; /* of the event, after it was written */
	bool written;
} Task;

static struct
{
	MemoryContext memory; /* clients, calls and tasks */
	MemoryContext round;  /* of one round */
	Client *clients;
	Open *opens;
	Task *tasks; /* in the order of arrival */
	int64 busy_at;
	int64 looked_at; /* last check of transactions */
	bool sweeping;   /* a sweep has begun, and not ended */
	bool locked;     /* it waits for the history */
	int64 swept_to;  /* the lowest id that it has read */
	TimeoutId pulse;
} writer;

/* ----------------------------------------------------------- transactions */

/* A function that runs in its own transaction. */
typedef void (*Work)(void *argument);

/*
 * Between transactions the writer exits in an orderly way. Within one it may
 * wait for a lock, a standby or the code of a trigger, and then an order to
 * exit aborts it; the next writer completes the calls.
 */
static void
feel_pulse(void)
{
	if (!ShutdownRequestPending || proc_exit_inprogress)
		return;
	InterruptPending = true;
	ProcDiePending = true;
	SetLatch(MyLatch);
}

static void
begin(void)
{
	pgstat_report_activity(STATE_RUNNING, "writing the audit trail");
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

static void
commit(void)
{
	SPI_finish();
	CommitTransactionCommand();
	/* unless feel_pulse() has asked for an exit, which may wait */
	if (!InterruptPending)
		hl_wait_exit_if_orphaned();
	(void) pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, "waiting for calls");
}

/* Works in a transaction; returns the error that aborted it, or NULL. */
static ErrorData *
attempt(Work work, void *argument)
{
	ErrorData *volatile failure = NULL;

	enable_timeout_every(
		writer.pulse, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PULSE),
		PULSE);
	PG_TRY();
	{
		begin();
		work(argument);
		commit();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(writer.round);
		failure = CopyErrorData();
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	disable_timeout(writer.pulse, false);
	MemoryContextSwitchTo(writer.round);
	return failure;
}

/* ------------------------------------------------------------------ calls */

/* Copies an event's strings beyond the round. */
static char *
keep_event(HlEvent *event)
{
	MemoryContext caller = MemoryContextSwitchTo(writer.memory);
	StringInfoData text;

	initStringInfo(&text);
	hl_event_write(&text, event);
	hl_event_read(event, text.data, text.len);
	MemoryContextSwitchTo(caller);
	return text.data;
}

/* A number among an event's strings; 0 if there is none. */
static uint64
number_of(const HlEvent *event, HlEventField field)
{
	const char *text = event->fields[field];

	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* Finds a call by its id, or by its session's number for it. */
static Open *
find_open(const Client *client, uint64 serial, int64 id)
{
	Open *open = writer.opens;

	while (open != NULL &&
		   !(id != 0 ? open->id == id
					 : open->client == client && open->serial == serial))
		open = open->next;
	return open;
}

static void
forget_open(Open *open)
{
	Open **place = &writer.opens;

	while (*place != open)
		place = &(*place)->next;
	*place = open->next;
	pfree(open->text);
	pfree(open);
}

/* Keeps an open call with its last event. */
static Open *
remember_open(Client *client, uint64 serial, int64 id, HlEvent *event)
{
	Open *open = find_open(client, serial, id);

	if (open == NULL)
	{
		open = MemoryContextAllocZero(writer.memory, sizeof(Open));
		open->next = writer.opens;
		writer.opens = open;
	}
	else
		pfree(open->text);
	open->client = client;
	open->serial = serial;
	open->id = id;
	open->event = *event;
	open->text = keep_event(&open->event);
	open->transaction =
		FullTransactionIdFromU64(number_of(event, HL_EVENT_TRANSACTION));
	open->running = strcmp(event->fields[HL_EVENT_EVENT], "sent") == 0;
	return open;
}

/* Whether calls are in flight. */
static bool
some_running(void)
{
	for (const Open *open = writer.opens; open != NULL; open = open->next)
		if (open->running && open->client != NULL)
			return true;
	return false;
}

/* ------------------------------------------------------------------ tasks */

/* Adds a task, with a copy of its event. */
static Task *
add_task(Client *client, const HlWriterHead *head, const HlEvent *event)
{
	Task *task = MemoryContextAllocZero(writer.memory, sizeof(Task));
	Task **place = &writer.tasks;

	task->client = client;
	task->head = *head;
	task->event = *event;
	task->text = keep_event(&task->event);
	task->since = hl_clock_steady_ms();
	while (*place != NULL)
		place = &(*place)->next;
	*place = task;
	return task;
}

static void
drop_task(Task *task)
{
	Task **place = &writer.tasks;

	while (*place != task)
		place = &(*place)->next;
	*place = task->next;
	pfree(task->text);
	pfree(task);
}

/* The task of a call; NULL if there is none. */
static Task *
find_task(const Client *client, uint64 serial, HlWriterVerb verb)
{
	Task *task = writer.tasks;

	while (task != NULL &&
		   (task->client != client || task->head.serial != serial ||
			task->head.verb != verb))
		task = task->next;
	return task;
}

/* Whether the end of a call is still to be written. */
static bool
has_end(const Open *open)
{
	const Task *task = writer.tasks;

	while (task != NULL &&
		   (task->head.verb != HL_WRITER_END || task->rollback ||
			(int64) number_of(&task->event, HL_EVENT_REQUEST_ID) != open->id))
		task = task->next;
	return task != NULL;
}

/* Adds the end of a call whose session does not report it. */
static void
add_end(Open *open, const char *outcome, const char *message)
{
	HlWriterHead head = {.serial = open->serial, .verb = HL_WRITER_END};
	char id[32];
	HlEvent event = open->event;

	snprintf(id, sizeof(id), INT64_FORMAT, open->id);
	event.fields[HL_EVENT_REQUEST_ID] = id;
	event.fields[HL_EVENT_EVENT] = "interrupted";
	event.fields[HL_EVENT_OUTCOME] = outcome;
	event.fields[HL_EVENT_ERROR_CODE] =
		strcmp(outcome, "unknown") == 0 ? "38M01" : "57014";
	event.fields[HL_EVENT_ERROR_MESSAGE] = message;
	(void) add_task(NULL, &head, &event);
}

/*
 * Adds that a call's transaction was rolled back, if AWS may have carried it
 * out.
 */
static void
add_rollback(const HlEvent *last)
{
	HlWriterHead head = {.verb = HL_WRITER_END};
	HlEvent event = *last;

	if (event.fields[HL_EVENT_OUTCOME] == NULL ||
		strcmp(event.fields[HL_EVENT_OUTCOME], "failed") == 0)
		return;
	event.fields[HL_EVENT_EVENT] = "rolled_back";
	add_task(NULL, &head, &event)->rollback = true;
}

/* Answers the session, which may be gone. */
static void
answer_task(Task *task, int sqlstate, const char *message)
{
	HlWriterAnswer said = {
		.head = task->head, .id = task->id, .sqlstate = sqlstate};

	if (task->client == NULL)
		return;
	if (sqlstate != 0)
		strlcpy(said.message, message,
				1 + pg_mbcliplen(message, (int) strlen(message),
								 sizeof(said.message) - 1));
	(void) shm_mq_send(task->client->out,
					   offsetof(HlWriterAnswer, message) +
						   strlen(said.message) + 1,
					   &said, true, true);
}

/* After its commit, a call is kept until its transaction ends. */
static void
finish_task(Task *task)
{
	int64 id = task->head.verb == HL_WRITER_BEGIN
				   ? task->id
				   : (int64) number_of(&task->event, HL_EVENT_REQUEST_ID);

	task->id = id;
	answer_task(task, 0, NULL);
	if (!task->rollback)
		(void) remember_open(task->client, task->head.serial, id, &task->event);
	drop_task(task);
}

/* If a task cannot be written, a beginning is refused and an end is kept. */
static void
fail_task(Task *task, int sqlstate, const char *message)
{
	answer_task(task, sqlstate, message);
	if (task->head.verb == HL_WRITER_BEGIN)
	{
		drop_task(task);
		return;
	}
	task->client = NULL;
	task->pause = task->pause == 0 ? LOOK : Min(2 * task->pause, LONGEST);
	task->retry_at = hl_clock_steady_ms() + task->pause;
}

/* ---------------------------------------------------------------- writing */

/* Input and output of write_tasks(). */
typedef struct Writing
{
	Task *only;   /* NULL: all due tasks */
	Task *last;   /* the last one that was tried */
	int count;    /* number of tasks that were tried */
	bool missing; /* there is no history */
	bool locked;  /* another session has locked it */
	Oid locked_table;
} Writing;

static bool
is_due(const Task *task)
{
	return task->retry_at <= hl_clock_steady_ms();
}

/*
 * Writes the tasks that are due. It does not wait for locks: the session that
 * holds one may wait for this process, and all the others would wait, too.
 */
static void
write_tasks(void *argument)
{
	Writing *writing = argument;
	const HlStore *store = hl_store_find();
	HlStoreStep step;

	writing->missing = store == NULL;
	if (store == NULL)
		return;
	writing->locked =
		!ConditionalLockRelationOid(store->events, RowExclusiveLock);
	if (writing->locked)
		return;
	hl_store_enter(&step, store);
	for (Task *task = writer.tasks; task != NULL; task = task->next)
		if (writing->only == NULL ? is_due(task) : writing->only == task)
		{
			writing->last = task;
			writing->count++;
			task->id = hl_event_add(store, &task->event);
			task->written = true;
		}
	hl_store_leave(&step);
}

/*
 * Refuses tasks that have waited too long for a lock, or whose table is gone.
 */
static void
refuse_tasks(const Writing *writing)
{
	Task *next;

	for (Task *task = writer.tasks; task != NULL; task = next)
	{
		next = task->next;
		if (writing->missing)
		{
			answer_task(task, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						"this database has no table healthlake_event");
			drop_task(task);
		}
		else if (task->head.verb == HL_WRITER_BEGIN &&
				 hl_clock_is_past(task->since, HL_WRITER_PATIENCE))
			fail_task(task, ERRCODE_LOCK_NOT_AVAILABLE,
					  "table healthlake_event is locked");
	}
}

/* Finishes the tasks of a transaction, or resets them if it was aborted. */
static void
settle_tasks(bool committed)
{
	Task *next;

	for (Task *task = writer.tasks; task != NULL; task = next)
	{
		next = task->next;
		if (task->written && committed)
			finish_task(task);
		else
			task->written = false;
	}
}

/* Writes each task by itself, since one of them cannot be written. */
static void
write_each(void)
{
	Task *next;

	for (Task *task = writer.tasks; task != NULL; task = next)
	{
		Writing writing = {.only = task};
		ErrorData *failure;

		next = task->next;
		if (!is_due(task))
			continue;
		failure = attempt(write_tasks, &writing);
		if (failure != NULL)
			fail_task(task, failure->sqlerrcode, failure->message);
		settle_tasks(failure == NULL);
	}
}

static bool
some_due(void)
{
	for (const Task *task = writer.tasks; task != NULL; task = task->next)
		if (is_due(task))
			return true;
	return false;
}

/* Writes everything that is due. */
static void
work_off(void)
{
	Writing writing = {0};
	ErrorData *failure;

	if (!some_due())
		return;
	writer.busy_at = hl_clock_steady_ms();
	failure = attempt(write_tasks, &writing);
	if (failure != NULL)
	{
		settle_tasks(false);
		if (writing.count == 1)
			fail_task(writing.last, failure->sqlerrcode, failure->message);
		else
			write_each();
		return;
	}
	settle_tasks(true);
	if (writing.missing || writing.locked)
		refuse_tasks(&writing);
}

/* ----------------------------------------------------------- transactions */

/* Checks which transactions have ended, and how. */
static void
judge_transactions(void *unused)
{
	/* a snapshot, before which nothing is looked up in pg_subtrans */
	(void) GetTransactionSnapshot();
	for (Open *open = writer.opens; open != NULL; open = open->next)
	{
		TransactionId xid = XidFromFullTransactionId(open->transaction);
		bool read = !TransactionIdIsValid(xid);

		open->over = (!open->running || open->client == NULL) &&
					 (read || !TransactionIdIsInProgress(xid));
		if (open->over && !open->running && !read &&
			!TransactionIdDidCommit(xid))
			add_rollback(&open->event);
	}
}

/*
 * Handles ended transactions. If a call has no session any more and its
 * transaction has ended, no other process will report its end.
 */
static void
look_after_transactions(void)
{
	Open *next;

	if (writer.opens == NULL || attempt(judge_transactions, NULL) != NULL)
		return;
	for (Open *open = writer.opens; open != NULL; open = next)
	{
		next = open->next;
		if (!open->over)
			continue;
		if (!open->running)
			forget_open(open);
		else if (!has_end(open))
			add_end(open, "unknown",
					"the session ended before the outcome was known");
	}
}

/* ------------------------------------------------------------------ sweep */

/* Reads an event of a history row. */
static void
read_row(uint64 row, HlEvent *event)
{
	for (int i = 0; i < HL_EVENT_FIELDS; i++)
		event->fields[i] = hl_store_text(row, hl_event_columns[i]);
	if (event->fields[HL_EVENT_REQUEST] != NULL)
		event->fields[HL_EVENT_REQUEST] =
			hl_text_to_utf8(event->fields[HL_EVENT_REQUEST],
							(int) strlen(event->fields[HL_EVENT_REQUEST]));
}

/* Takes over what calls with these ids, less the last one, have left. */
static void
take_over(const HlStore *store, int64 first, int64 end)
{
	HlParameters range = {0};
	uint64 rows;

	hl_store_add_text(&range, hl_home());
	hl_store_add(&range, Int64GetDatum(first));
	hl_store_add(&range, Int64GetDatum(end));
	rows = hl_store_run(store, HL_STATEMENT_SWEEP, &range);
	for (uint64 i = 0; i < rows; i++)
	{
		HlEvent event;
		int64 id;

		read_row(i, &event);
		id = (int64) number_of(&event, HL_EVENT_REQUEST_ID);
		if (find_open(NULL, 0, id) == NULL)
			(void) remember_open(NULL, (uint64) id, id, &event);
	}
	/* their transactions may have ended */
	if (rows > 0)
		writer.looked_at = 0;
}

/*
 * Takes over unfinished calls of an earlier writer, in a part of the history:
 * calls without an end, and those whose transaction may still be, or was,
 * rolled back. If the transaction is still open, its session may report the
 * rest. Like write_tasks(), it does not wait for a lock.
 */
static void
sweep_part(void *unused)
{
	const HlStore *store = hl_store_find();
	HlParameters part = {0};
	HlStoreStep step;
	bool none = true;
	int64 first = 0;

	writer.locked = store != NULL &&
					!ConditionalLockRelationOid(store->events, AccessShareLock);
	if (writer.locked)
		return;
	if (store != NULL)
	{
		hl_store_add(&part, Int64GetDatum(writer.swept_to));
		hl_store_add(&part, Int32GetDatum(PART));
		hl_store_enter(&step, store);
		(void) hl_store_run(store, HL_STATEMENT_SWEEP_FROM, &part);
		first = DatumGetInt64(hl_store_value(0, "id", INT8OID, &none));
		if (!none)
			take_over(store, first, writer.swept_to);
		hl_store_leave(&step);
	}
	writer.sweeping = !none;
	writer.swept_to = first;
}

/* Goes on with a sweep; if that fails, there is another one later. */
static void
sweep(void)
{
	if (!writer.sweeping || attempt(sweep_part, NULL) == NULL)
		return;
	writer.sweeping = false;
	hl_registry_mark_unswept();
}

/* --------------------------------------------------------------- sessions */

static void
take_message(Client *client, const char *message, Size len)
{
	HlWriterHead head;
	HlEvent event = {0};
	Task *task;
	Open *open;

	memcpy(&head, message, sizeof(head));
	if (head.verb != HL_WRITER_WITHDRAW)
	{
		hl_event_read(&event, message + sizeof(head), len - sizeof(head));
		(void) add_task(client, &head, &event);
		return;
	}
	task = find_task(client, head.serial, HL_WRITER_BEGIN);
	open = find_open(client, head.serial, 0);
	if (task != NULL)
		drop_task(task);
	else if (open != NULL)
		add_end(open, "failed",
				"the call was interrupted before anything was sent");
}

/* Receives all messages of a session; false if it is gone. */
static bool
take_messages(Client *client)
{
	shm_mq_result result;
	Size len;
	void *message;

	while ((result = shm_mq_receive(client->in, &len, &message, true)) ==
		   SHM_MQ_SUCCESS)
		take_message(client, message, len);
	return result == SHM_MQ_WOULD_BLOCK;
}

/*
 * Releases a session that is gone. A call that it was about to send was not
 * sent; the outcome of a call that it has sent, without reporting the end, is
 * unknown.
 */
static void
bury_client(Client *client)
{
	Task *next;

	for (Task *task = writer.tasks; task != NULL; task = next)
	{
		next = task->next;
		if (task->client != client)
			continue;
		task->client = NULL;
		if (task->head.verb == HL_WRITER_BEGIN)
			drop_task(task);
	}
	for (Open *open = writer.opens; open != NULL; open = open->next)
		if (open->client == client)
		{
			open->client = NULL;
			/* serial numbers of ended sessions must not be confused */
			open->serial = (uint64) open->id;
		}
	/* its transaction has ended */
	writer.looked_at = 0;
	/* frees the buffers of messages that arrived in two parts */
	shm_mq_detach(client->in);
	shm_mq_detach(client->out);
	dsm_detach(client->segment);
	pfree(client);
}

/* Attaches to a session; NULL if it is gone. */
static Client *
meet_client(dsm_handle handle)
{
	dsm_segment *segment = dsm_attach(handle);
	Client *client;
	shm_mq *in;
	shm_mq *out;

	if (segment == NULL)
		return NULL;
	dsm_pin_mapping(segment);
	client = palloc0(sizeof(Client));
	in = dsm_segment_address(segment);
	out = (shm_mq *) ((char *) in + HL_WRITER_QUEUE);
	if (shm_mq_get_receiver(in) != NULL)
	{
		/* of a writer that has died: the session will register again */
		dsm_detach(segment);
		pfree(client);
		return NULL;
	}
	shm_mq_set_receiver(in, MyProc);
	shm_mq_set_sender(out, MyProc);
	client->segment = segment;
	client->in = shm_mq_attach(in, segment, NULL);
	client->out = shm_mq_attach(out, segment, NULL);
	return client;
}

/* Attaches to the sessions that wait. */
static void
meet_clients(void)
{
	MemoryContext caller = MemoryContextSwitchTo(writer.memory);
	dsm_handle handle;

	while ((handle = hl_registry_next()) != 0)
	{
		Client *client = meet_client(handle);

		hl_registry_taken(handle);
		if (client == NULL)
			continue;
		client->next = writer.clients;
		writer.clients = client;
		writer.busy_at = hl_clock_steady_ms();
	}
	MemoryContextSwitchTo(caller);
}

/* Receives the messages of all sessions, and releases those that are gone. */
static void
hear_clients(void)
{
	Client **place = &writer.clients;

	while (*place != NULL)
	{
		Client *client = *place;

		if (take_messages(client))
			place = &client->next;
		else
		{
			*place = client->next;
			bury_client(client);
		}
	}
}

/* ------------------------------------------------------------------ rounds */

/* Periodic tasks. */
static void
take_tick(void)
{
	if (!hl_clock_is_past(writer.looked_at, LOOK))
		return;
	writer.looked_at = hl_clock_steady_ms();
	if (!writer.sweeping && hl_registry_needs_sweep())
	{
		writer.sweeping = true;
		writer.swept_to = PG_INT64_MAX;
	}
	look_after_transactions();
}

static void
go_round(void)
{
	meet_clients();
	hear_clients();
	work_off();
	take_tick();
	sweep();
	MemoryContextReset(writer.round);
}

/* How long there is nothing to do unless a message arrives. */
static long
rest_of_round(void)
{
	if (writer.sweeping)
		return writer.locked ? AGAIN : BREATH;
	if (some_due())
		return AGAIN;
	if (writer.tasks != NULL || writer.clients == NULL)
		return TICK;
	return writer.opens != NULL ? LOOK : IDLE;
}

/* Whether it is time to exit. */
static bool
is_over(void)
{
	if (ShutdownRequestPending)
		return true;
	/* the next writer handles what is open */
	if (writer.clients == NULL && hl_background_database_is_wanted())
		return true;
	if (writer.tasks != NULL || writer.opens != NULL || writer.sweeping)
		return false;
	return hl_clock_is_past(writer.busy_at, IDLE) && hl_registry_close(false);
}

/*
 * Waits shortly for calls in flight, and writes what has ended. New sessions
 * start another writer meanwhile.
 */
static void
finish(void)
{
	int64 told_at = hl_clock_steady_ms();

	(void) hl_registry_close(true);
	for (;;)
	{
		hear_clients();
		work_off();
		look_after_transactions();
		if ((!some_due() && !some_running()) ||
			hl_clock_is_past(told_at, GRACE))
			break;
		hl_background_rest(AGAIN, HL_WAIT_WRITER);
	}
	if (writer.opens != NULL || writer.tasks != NULL || writer.sweeping)
		hl_registry_mark_unswept();
}

/* Serves until it is to exit. */
static void
serve(void)
{

	do
	{
		go_round();
		hl_background_rest(rest_of_round(), HL_WAIT_WRITER);
	} while (!is_over());
	finish();
}

/* ---------------------------------------------------------------- process */

/*
 * Sets the parameters on which the rows depend, whatever the database or the
 * role sets.
 */
static void
set_options(void)
{
	static const char *const options[][2] = {
		{"application_name", HL_WRITER_TYPE},
		/* for example of an index; it does not wait for the table */
		{"lock_timeout", "1s"},
		/* plans are kept while the history grows, and must not read all of it */
		{"enable_seqscan", "off"},
		{"enable_hashjoin", "off"},
		{"enable_mergejoin", "off"},
	};

	hl_pinned_worker();
	for (size_t i = 0; i < lengthof(options); i++)
		SetConfigOption(options[i][0], options[i][1], PGC_USERSET,
						PGC_S_OVERRIDE);
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)
		SetConfigOption("synchronous_commit", "local", PGC_USERSET,
						PGC_S_OVERRIDE);
}

void
healthlake_writer_main(Datum argument)
{
	HlWriterOrders orders;

	memcpy(&orders, MyBgworkerEntry->bgw_extra, sizeof(orders));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(orders.database, orders.owner,
											  HL_COMPAT_ANY_ROLE);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	writer.pulse = RegisterTimeout(USER_TIMEOUT, feel_pulse);
	set_options();
	writer.memory = AllocSetContextCreate(TopMemoryContext, "healthlake audit",
										  ALLOCSET_DEFAULT_SIZES);
	writer.round = AllocSetContextCreate(writer.memory, "healthlake round",
										 ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(writer.round);
	writer.busy_at = hl_clock_steady_ms();
	if (hl_registry_open())
		serve();
	proc_exit(0);
}
