/*
 * link.c
 *	  The session's side of two queues in shared memory.
 *
 * The session sends one message at a time and waits for its answer, so that
 * there is room in the queue when an interrupted call has to report its end
 * without waiting. A message that was sent in part cannot be withdrawn: then
 * the session detaches, and the writer records what it knows of the session's
 * calls.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/link.h"
#include "audit/registry.h"
#include "audit/writer.h"
#include "server/background.h"
#include "server/clock.h"
#include "server/wait.h"

/* Milliseconds between two checks whether the writer still exists. */
#define LOOK 100

/* The number of attempts if the writer exits meanwhile. */
#define TRIES 3

/* Milliseconds to wait for the answer to an end, or for a place in the list. */
#define LAST_PATIENCE (2 * HL_WRITER_PATIENCE)

static struct
{
	MemoryContext memory; /* NULL: not connected */
	dsm_segment *segment;
	shm_mq_handle *out;
	shm_mq_handle *in;
	BackgroundWorkerHandle *started; /* if started by this session */
	bool telling;                    /* a message was sent in part */
} wire;

static uint64 last_serial = 0;

/*
 * The serial number of the call whose beginning is not yet answered; 0: none.
 */
static uint64 asking = 0;

static void
cut(void)
{
	if (wire.memory == NULL)
		return;
	hl_registry_withdraw();
	dsm_detach(wire.segment);
	MemoryContextDelete(wire.memory);
	memset(&wire, 0, sizeof(wire));
}

/* Starts a writer; false if there is no free slot. */
static bool
start_writer(Oid owner)
{
	BackgroundWorker worker;
	HlWriterOrders orders = {.database = MyDatabaseId, .owner = owner};

	hl_background_fill(&worker, "healthlake_writer_main", HL_WRITER_TYPE);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_name, BGW_MAXLEN, HL_WRITER_TYPE " for database %u",
			 MyDatabaseId);
	memcpy(worker.bgw_extra, &orders, sizeof(orders));
	return RegisterDynamicBackgroundWorker(&worker, &wire.started);
}

/* Creates both queues in a segment, and attaches to this session's ends. */
static void
attach(dsm_segment *segment)
{
	char *address = dsm_segment_address(segment);
	shm_mq *out = shm_mq_create(address, HL_WRITER_QUEUE);
	shm_mq *in = shm_mq_create(address + HL_WRITER_QUEUE, HL_WRITER_ANSWERS);

	shm_mq_set_sender(out, MyProc);
	shm_mq_set_receiver(in, MyProc);
	wire.out = shm_mq_attach(out, segment, NULL);
	wire.in = shm_mq_attach(in, segment, NULL);
}

/* Waits for the latch, or for a while. */
static void
rest(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 LOOK, hl_wait_event(HL_WAIT_WRITER));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Whether there is a writer; gives up a start that has failed. */
static bool
is_served(void)
{
	pid_t pid;

	if (wire.started != NULL &&
		GetBackgroundWorkerPid(wire.started, &pid) == BGWH_STOPPED)
	{
		pfree(wire.started);
		wire.started = NULL;
		hl_registry_unreserve();
	}
	return hl_registry_is_served();
}

/* Registers this session; returns the problem, or NULL. */
static const char *
enlist(Oid owner)
{
	int64 begin = hl_clock_steady_ms();
	bool start;

	while (!hl_registry_enlist(dsm_segment_handle(wire.segment), &start))
	{
		if (hl_clock_is_past(begin, LAST_PATIENCE))
			return "too many sessions wait for it";
		rest();
	}
	if (!start || start_writer(owner))
		return NULL;
	hl_registry_unreserve();
	return "no background worker could be started for it";
}

/* Connects to the writer; returns the problem, or NULL. */
static const char *
make(Oid owner)
{
	dsm_segment *segment = dsm_create(HL_WRITER_QUEUE + HL_WRITER_ANSWERS,
									  DSM_CREATE_NULL_IF_MAXSEGMENTS);
	MemoryContext memory;
	MemoryContext caller;
	const char *wrong;

	if (segment == NULL)
		return "too many dynamic shared memory segments";
	dsm_pin_mapping(segment);
	memory = AllocSetContextCreate(TopMemoryContext, "healthlake audit",
								   ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(memory);
	wire.memory = memory;
	wire.segment = segment;
	PG_TRY();
	{
		attach(segment);
		wrong = enlist(owner);
	}
	PG_CATCH();
	{
		/* without the entry in the list no writer would read the queue */
		MemoryContextSwitchTo(caller);
		cut();
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (wrong != NULL)
		cut();
	return wrong;
}

/* Makes a message of an event. */
static StringInfoData
message_of(HlWriterVerb verb, uint64 serial, const HlEvent *event)
{
	HlWriterHead head = {.serial = serial, .verb = verb};
	StringInfoData message;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, (const char *) &head, sizeof(head));
	if (event != NULL)
		hl_event_write(&message, event);
	return message;
}

/*
 * Whether the report of an end, which holds interrupts, has waited for too
 * long.
 */
static bool
is_late(HlWriterVerb verb, int64 begin)
{
	return verb == HL_WRITER_END && hl_clock_is_past(begin, LAST_PATIENCE);
}

/*
 * Whether the session is to leave. The writer has the complete message, and
 * records it whether or not the session waits.
 */
static bool
is_called_away(HlWriterVerb verb)
{
	return verb == HL_WRITER_END && (QueryCancelPending || ProcDiePending);
}

/*
 * Sends a message to the writer; false if the writer is gone, or has not read
 * all of it in time.
 */
static bool
tell(HlWriterVerb verb, const StringInfoData *message, int64 begin)
{
	shm_mq_result result;

	wire.telling = true;
	while ((result = shm_mq_send(wire.out, message->len, message->data, true,
								 true)) == SHM_MQ_WOULD_BLOCK)
	{
		if (!is_served() || is_late(verb, begin))
			return false;
		rest();
	}
	wire.telling = false;
	return result == SHM_MQ_SUCCESS;
}

/*
 * Receives the answer to a message, if it has arrived; false if the writer is
 * gone.
 */
static bool
take_answer(HlWriterVerb verb, uint64 serial, const HlWriterAnswer **answer)
{
	shm_mq_result result;
	void *got;
	Size len;

	*answer = NULL;
	while ((result = shm_mq_receive(wire.in, &len, &got, true)) ==
		   SHM_MQ_SUCCESS)
	{
		*answer = got;
		/* other answers belong to interrupted calls */
		if ((*answer)->head.serial == serial && (*answer)->head.verb == verb)
			return true;
		*answer = NULL;
	}
	return result == SHM_MQ_WOULD_BLOCK;
}

/* Stands for an answer that has not arrived in time. */
static const HlWriterAnswer late = {.sqlstate = ERRCODE_LOCK_NOT_AVAILABLE,
									.message =
										"Its writer has not answered in time."};

/* The same after an interrupt. */
static const HlWriterAnswer left = {.sqlstate = ERRCODE_QUERY_CANCELED,
									.message = "The wait for its writer was "
											   "interrupted."};

/*
 * Sends a message and waits for the answer; NULL if the writer is gone. If the
 * writer is late, the message may have been sent in part. An interrupt ends
 * the wait for the answer, but not the sending.
 */
static const HlWriterAnswer *
ask(HlWriterVerb verb, uint64 serial, const HlEvent *event, int64 begin)
{
	StringInfoData message = message_of(verb, serial, event);
	const HlWriterAnswer *answer = NULL;

	if (!tell(verb, &message, begin))
		return is_late(verb, begin) ? &late : NULL;
	while (take_answer(verb, serial, &answer) && answer == NULL)
	{
		if (!is_served())
			break;
		if (is_late(verb, begin) || is_called_away(verb))
		{
			answer = is_late(verb, begin) ? &late : &left;
			break; /* a further look would discard it */
		}
		rest();
	}
	pfree(message.data);
	return answer;
}

/* Reports, without waiting, that the call is not made after all. */
void
hl_link_withdraw(void)
{
	StringInfoData message;

	if (asking == 0 || wire.memory == NULL)
		return;
	message = message_of(HL_WRITER_WITHDRAW, asking, NULL);
	asking = 0;
	if (wire.telling || shm_mq_send(wire.out, message.len, message.data, true,
									true) != SHM_MQ_SUCCESS)
		cut();
}

/* Asks the writer, or the next one if it is gone; returns the problem. */
static const char *
ask_some(Oid owner, HlWriterVerb verb, uint64 serial, const HlEvent *event,
		 const HlWriterAnswer **answer)
{
	int64 begin = hl_clock_steady_ms();

	*answer = NULL;
	for (int i = 0; i < TRIES && *answer == NULL; i++)
	{
		const char *wrong = NULL;

		if (wire.telling)
			cut();
		if (wire.memory == NULL)
			wrong = make(owner);
		if (wrong != NULL)
			return wrong;
		*answer = ask(verb, serial, event, begin);
		if (*answer == NULL || wire.telling)
			cut();
	}
	return *answer == NULL ? "it has ended" : NULL;
}

/* Raises that there is no writer; nothing was sent. */
static void
refuse(const char *wrong)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the audit trail of healthlake has no writer: %s", wrong),
			 errdetail("Nothing was sent: with a durable audit trail each call "
					   "is recorded first."),
			 errhint("The server's log may say more. The writer takes one slot "
					 "of \"%s\" for each database.",
					 "max_worker_processes")));
}

/* A trigger on the history would make the writer wait for itself. */
static void
refuse_in_writer(void)
{
	if (MyBgworkerEntry == NULL ||
		strcmp(MyBgworkerEntry->bgw_type, HL_WRITER_TYPE) != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a call cannot be recorded by the process that makes it"),
			 errhint("A trigger on \"%s\" must not make calls.",
					 "healthlake_event")));
}

HlLinkCall
hl_link_begin(Oid owner, const HlEvent *event)
{
	HlLinkCall call = {.serial = ++last_serial};
	const HlWriterAnswer *answer;
	const char *wrong;

	refuse_in_writer();
	asking = call.serial;
	PG_TRY();
	{
		wrong = ask_some(owner, HL_WRITER_BEGIN, call.serial, event, &answer);
	}
	PG_CATCH();
	{
		hl_link_withdraw();
		PG_RE_THROW();
	}
	PG_END_TRY();
	asking = 0;
	if (wrong != NULL)
		refuse(wrong);
	if (answer->sqlstate != 0)
		ereport(
			ERROR,
			(errcode(answer->sqlstate),
			 errmsg("the audit trail cannot be written: %s", answer->message),
			 errdetail("Nothing was sent: with a durable audit trail each call "
					   "is recorded first.")));
	call.id = answer->id;
	return call;
}

void
hl_link_end(Oid owner, const HlLinkCall *call, const HlEvent *event, bool must)
{
	const HlWriterAnswer *answer = NULL;
	int sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
	const char *wrong;

	HOLD_INTERRUPTS();
	wrong = ask_some(owner, HL_WRITER_END, call->serial, event, &answer);
	RESUME_INTERRUPTS();
	if (wrong == NULL && answer->sqlstate != 0)
	{
		sqlstate = answer->sqlstate;
		wrong = answer->message;
	}
	if (wrong != NULL && must)
		CHECK_FOR_INTERRUPTS(); /* the reply is withheld by that as well */
	if (wrong != NULL && must)
		ereport(ERROR, (errcode(sqlstate),
						errmsg("the audit trail cannot be written: %s", wrong),
						errdetail("The reply is withheld: with a durable audit "
								  "trail it is recorded first.")));
	if (wrong != NULL)
		ereport(
			WARNING,
			(errmsg(
				 "the end of this call is not recorded in the audit trail yet"),
			 errdetail("%s", wrong)));
	CHECK_FOR_INTERRUPTS();
}

/* Reports the end of a call without waiting for its commit. */
void
hl_link_end_at_once(const HlLinkCall *call, const HlEvent *event)
{
	StringInfoData message;

	if (wire.memory == NULL)
		return;
	message = message_of(HL_WRITER_END, call->serial, event);
	if (wire.telling || shm_mq_send(wire.out, message.len, message.data, true,
									true) != SHM_MQ_SUCCESS)
		cut();
	pfree(message.data);
}
