/*
 * wait.c
 *	  Waits in PostgreSQL's event loop.
 */
#include "postgres.h"

#include "server/wait.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#define EVENTS 3

/* Kept until the backend ends, since building a set takes 7 microseconds. */
static WaitEventSet *wait_set = NULL;
static int latch_position;

/* Creates a set that belongs to no resource owner. */
static WaitEventSet *
create_set(void)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, EVENTS);
#else
	return CreateWaitEventSet(TopMemoryContext, EVENTS);
#endif
}

/*
 * Builds the set: the latch, libcurl's sockets, and the postmaster, if there is
 * one.
 */
static WaitEventSet *
build_set(int epoll_fd)
{
	WaitEventSet *set = create_set();

	PG_TRY();
	{
		latch_position = AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET,
										   MyLatch, NULL);
		AddWaitEventToSet(set, WL_SOCKET_READABLE, epoll_fd, NULL, NULL);
		if (IsUnderPostmaster)
			AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL,
							  NULL);
	}
	PG_CATCH();
	{
		FreeWaitEventSet(set);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return set;
}

/*
 * The wait event in pg_stat_activity; before PostgreSQL 17 all waits of
 * extensions have one name.
 */
uint32
hl_wait_event(HlWaitReason reason)
{
#if PG_VERSION_NUM >= 170000
	static const char *const names[] = {[HL_WAIT_REPLY] = "HealthlakeReply",
										[HL_WAIT_POLL] = "HealthlakePoll",
										[HL_WAIT_QUEUE] = "HealthlakeQueue",
										[HL_WAIT_WRITER] =
											"HealthlakeAuditWriter"};
	static uint32 events[lengthof(names)];

	if (events[reason] == 0)
		events[reason] = WaitEventExtensionNew(names[reason]);
	return events[reason];
#else
	return PG_WAIT_EXTENSION;
#endif
}

/*
 * Waits until epoll_fd is readable or the time is over; throws at an interrupt.
 */
void
hl_wait_for(void *context, int epoll_fd, long timeout_ms)
{
	WaitEvent events[EVENTS];
	int count;

	/* a catalog snapshot must not hold back the xmin horizon meanwhile */
	InvalidateCatalogSnapshotConditionally();
	if (wait_set == NULL)
		wait_set = build_set(epoll_fd);
	/* while it exits, a backend has switched back to its local latch */
	ModifyWaitEvent(wait_set, latch_position, WL_LATCH_SET, MyLatch);
	count = WaitEventSetWait(wait_set, timeout_ms, events, EVENTS,
							 hl_wait_event(HL_WAIT_REPLY));
	for (int i = 0; i < count; i++)
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Other interrupts, such as a catalog's invalidation, end no wait. */
bool
hl_wait_is_over(void *context)
{
	return InterruptPending && (QueryCancelPending || ProcDiePending) &&
		   INTERRUPTS_CAN_BE_PROCESSED();
}

void
hl_wait_rest(long milliseconds, HlWaitReason reason)
{
	if (milliseconds > 0)
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 milliseconds, hl_wait_event(reason));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

void
hl_wait_exit_if_orphaned(void)
{
	if (!ProcDiePending)
		return;
	InterruptPending = true;
	CHECK_FOR_INTERRUPTS();
}
