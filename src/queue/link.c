/*
 * link.c
 *	  The session's end of two queues in shared memory.
 *
 *	  The session asks one thing at a time and waits for the answer, so that
 *	  the queue is empty when an interrupted call has to tell its end without
 *	  waiting. What was half told cannot be taken back: then the link is cut,
 *	  and the writer sees to its rows by itself.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/memutils.h"

#include "client/compat.h"
#include "client/wait.h"
#include "queue/link.h"
#include "queue/writer.h"

static struct
{
	MemoryContext memory; /* NULL: there is no writer */
	dsm_segment *segment;
	shm_mq_handle *out;
	shm_mq_handle *in;
	bool telling; /* a message is half told */
} wire;

static uint64 last_serial = 0;

/* Cuts the link; the writer, if it is there, ends. */
static void
cut(void)
{
	if (wire.memory == NULL)
		return;
	dsm_detach(wire.segment);
	MemoryContextDelete(wire.memory);
	memset(&wire, 0, sizeof(wire));
}

/* Has the writer started; false: there is no slot. */
static bool
start_writer(dsm_segment *segment, Oid owner, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = {0};
	HlWriterOrders orders = {.database = MyDatabaseId, .owner = owner};

	worker.bgw_flags =
		BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	strlcpy(worker.bgw_library_name, "healthlake", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "healthlake_writer_main", BGW_MAXLEN);
	strlcpy(worker.bgw_type, HL_WRITER_TYPE, BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, HL_WRITER_TYPE " for PID %d",
			 MyProcPid);
	memcpy(worker.bgw_extra, &orders, sizeof(orders));
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

/* Makes both queues in a segment, and takes this session's ends of them. */
static void
attach(dsm_segment *segment)
{
	char *address = dsm_segment_address(segment);
	shm_mq *out = shm_mq_create(address, HL_WRITER_QUEUE);
	shm_mq *in = shm_mq_create(address + HL_WRITER_QUEUE, HL_WRITER_ANSWERS);

	shm_mq_set_sender(out, MyProc);
	shm_mq_set_receiver(in, MyProc);
	wire.segment = segment;
	wire.out = shm_mq_attach(out, segment, NULL);
	wire.in = shm_mq_attach(in, segment, NULL);
}

/* Makes the wire. */
static void
make(Oid owner)
{
	BackgroundWorkerHandle *handle = NULL;
	dsm_segment *segment = dsm_create(HL_WRITER_QUEUE + HL_WRITER_ANSWERS, 0);
	MemoryContext memory = AllocSetContextCreate(
		TopMemoryContext, "healthlake audit", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);

	dsm_pin_mapping(segment);
	wire.memory = memory;
	attach(segment);
	if (!start_writer(segment, owner, &handle))
	{
		MemoryContextSwitchTo(caller);
		cut();
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no background worker could be started for the audit trail "
					"of healthlake"),
			 errdetail("Nothing was sent: with healthlake.audit = durable a "
					   "change is kept before it is made."),
			 errhint("All slots are taken: increase \"%s\".",
					 "max_worker_processes")));
	}
	shm_mq_set_handle(wire.out, handle);
	shm_mq_set_handle(wire.in, handle);
	MemoryContextSwitchTo(caller);
}

/* Waits until the writer, or somebody else, has something to say. */
static void
rest(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1,
					 hl_wait_event(HL_WAIT_WRITER));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Makes a message of an entry. */
static StringInfoData
message_of(HlWriterVerb verb, uint64 serial, const HlEntry *entry)
{
	HlWriterHead head = {.serial = serial, .verb = verb};
	StringInfoData message;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, (const char *) &head, sizeof(head));
	hl_entry_write(&message, entry);
	return message;
}

/* Tells the writer something; false: it has gone. */
static bool
tell(const StringInfoData *message)
{
	shm_mq_result result;

	wire.telling = true;
	while ((result = hl_compat_mq_send(wire.out, message->len, message->data,
									   true)) == SHM_MQ_WOULD_BLOCK)
		rest();
	wire.telling = false;
	return result == SHM_MQ_SUCCESS;
}

/* Waits for the answer to a message; NULL: the writer has gone. */
static const HlWriterAnswer *
hear(HlWriterVerb verb, uint64 serial)
{
	for (;;)
	{
		Size len;
		void *got;
		shm_mq_result result = shm_mq_receive(wire.in, &len, &got, true);
		const HlWriterAnswer *answer = got;

		if (result == SHM_MQ_DETACHED)
			return NULL;
		if (result == SHM_MQ_WOULD_BLOCK)
			rest();
		/* others are of calls that were interrupted */
		else if (answer->head.serial == serial && answer->head.verb == verb)
			return answer;
	}
}

/* Tells something and waits for the answer. */
static const HlWriterAnswer *
ask(HlWriterVerb verb, uint64 serial, const HlEntry *entry)
{
	StringInfoData message = message_of(verb, serial, entry);
	const HlWriterAnswer *answer = tell(&message) ? hear(verb, serial) : NULL;

	pfree(message.data);
	return answer;
}

/* Says, without waiting, that a call will not be made after all. */
static void
withdraw(uint64 serial)
{
	HlEntry entry = {0};

	entry.fields[HL_ENTRY_STATE] = "failed";
	entry.fields[HL_ENTRY_SQLSTATE] = unpack_sql_state(geterrcode());
	entry.fields[HL_ENTRY_MESSAGE] =
		"the call was interrupted before anything was sent";
	entry.fields[HL_ENTRY_ATTEMPTS] = "0";
	hl_link_end_at_once(serial, &entry);
}

/* Asks the writer that there is for a row. */
static const HlWriterAnswer *
ask_for_row(uint64 serial, const HlEntry *entry)
{
	const HlWriterAnswer *answer = NULL;

	PG_TRY();
	{
		answer = ask(HL_WRITER_BEGIN, serial, entry);
	}
	PG_CATCH();
	{
		withdraw(serial);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return answer;
}

/* Raises what the writer could not do; nothing was sent. */
static void
refuse(const HlWriterAnswer *answer)
{
	const char *detail = "Nothing was sent: with healthlake.audit = durable a "
						 "change is kept before it is made.";

	if (answer == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the audit trail's writer has ended"),
						errdetail_internal("%s", detail),
						errhint("The server's log says why.")));
	ereport(ERROR,
			(errcode(answer->sqlstate),
			 errmsg("the audit trail cannot be written: %s", answer->message),
			 errdetail_internal("%s", detail)));
}

/* Has a row committed. */
uint64
hl_link_begin(Oid owner, const HlEntry *entry)
{
	uint64 serial = ++last_serial;
	bool usable = wire.memory != NULL && !wire.telling;
	const HlWriterAnswer *answer = NULL;

	if (usable)
		answer = ask_for_row(serial, entry);
	/* one that had nothing to do has ended */
	if (answer == NULL)
	{
		cut();
		make(owner);
		answer = ask_for_row(serial, entry);
	}
	if (answer == NULL)
		cut();
	if (answer == NULL || answer->sqlstate != 0)
		refuse(answer);
	return serial;
}

/* Has its end committed. */
void
hl_link_end(uint64 serial, const HlEntry *entry)
{
	const HlWriterAnswer *answer =
		wire.memory == NULL ? NULL : ask(HL_WRITER_END, serial, entry);

	if (answer == NULL)
	{
		cut();
		ereport(WARNING,
				(errmsg("the audit trail does not say how this call ended"),
				 errdetail("Its writer has ended."),
				 errhint("healthlake_resolve_request() completes it.")));
	}
	else if (answer->sqlstate != 0)
		ereport(WARNING,
				(errmsg("the audit trail does not say yet how this call ended"),
				 errdetail("%s", answer->message)));
}

/* Tells its end and leaves it at that. */
void
hl_link_end_at_once(uint64 serial, const HlEntry *entry)
{
	StringInfoData message;

	if (wire.memory == NULL)
		return;
	if (wire.telling)
	{
		cut();
		return;
	}
	message = message_of(HL_WRITER_END, serial, entry);
	if (hl_compat_mq_send(wire.out, message.len, message.data, true) !=
		SHM_MQ_SUCCESS)
		cut();
	pfree(message.data);
}
