/*
 * window.c
 *	  A window over many calls.
 *
 * The engine sends calls in the order of its set. So the flights are kept in
 * the order of the calls; otherwise the first ones would be left behind, and
 * the rows of all others would wait for them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "call/window.h"
#include "server/settings.h"

/*
 * How far calls may be ahead of the first one without a row. More calls would
 * only use memory.
 */
#define MOST 256

struct HlWindow
{
	ReturnSetInfo *set;
	int count;
	int next; /* index of the next call to start */
	int given;
	HeapTuple rows[MOST];    /* rows that wait for earlier ones, by index */
	size_t waiting;          /* the bytes of these */
	HlFlight *flights[MOST]; /* in order */
	int nflights;
};

HlWindow *
hl_window_open(ReturnSetInfo *set, int count)
{
	HlWindow *window = palloc0(sizeof(HlWindow));

	window->set = set;
	window->count = count;
	return window;
}

bool
hl_window_is_over(const HlWindow *window)
{
	return window->given == window->count;
}

/* The number of calls that have not been sent for the first time. */
static int
count_unsent(const HlWindow *window)
{
	int unsent = 0;

	for (int i = 0; i < window->nflights; i++)
		unsent += !window->flights[i]->run.gone;
	return unsent;
}

/*
 * Whether no other call is to be started. There are always enough for all
 * places in flight, since a call that waits for a retry has none. If the rows
 * that wait need more memory than a sort may, calls are ahead only as far as
 * is necessary to keep these places occupied.
 */
static bool
is_full(const HlWindow *window)
{
	int ahead = window->next - window->given;
	int places = hl_settings.max_concurrency;

	return ahead >= MOST || count_unsent(window) >= places ||
		   (window->waiting > work_mem * (size_t) 1024 && ahead >= 2 * places);
}

HlFlight *
hl_window_next(HlWindow *window)
{
	MemoryContext memory;
	HlFlight *flight;

	if (window->next == window->count || is_full(window))
		return NULL;
	memory = AllocSetContextCreate(CurrentMemoryContext, "healthlake call",
								   ALLOCSET_SMALL_SIZES);
	flight = MemoryContextAllocZero(memory, sizeof(HlFlight));
	flight->memory = memory;
	flight->index = window->next++;
	window->flights[window->nflights++] = flight;
	return flight;
}

void
hl_window_start(HlFlight *flight, const HlRequest *request, const char *region)
{
	MemoryContext caller = MemoryContextSwitchTo(flight->memory);

	flight->ended = !hl_call_start(&flight->run, request, region);
	flight->run.several = true;
	MemoryContextSwitchTo(caller);
}

/* Does what is necessary before and after the sending of a call. */
static void
advance_flight(HlFlight *flight)
{
	MemoryContext caller = MemoryContextSwitchTo(flight->memory);

	flight->ended = hl_call_advance(&flight->run);
	MemoryContextSwitchTo(caller);
}

void
hl_window_step(HlWindow *window)
{
	HlCall *calls[MOST];

	if (window->nflights == 0 || hl_window_ended(window) != NULL)
		return;
	for (int i = 0; i < window->nflights; i++)
		calls[i] = window->flights[i]->run.call;
	(void) hl_engine_step(calls, window->nflights, -1);
	for (int i = 0; i < window->nflights; i++)
		advance_flight(window->flights[i]);
}

HlFlight *
hl_window_ended(const HlWindow *window)
{
	for (int i = 0; i < window->nflights; i++)
		if (window->flights[i]->ended)
			return window->flights[i];
	return NULL;
}

/* Takes a call out of the window. */
static void
take_out(HlWindow *window, HlFlight *flight)
{
	int place = 0;

	while (window->flights[place] != flight)
		place++;
	window->nflights--;
	memmove(&window->flights[place], &window->flights[place + 1],
			sizeof(HlFlight *) * (window->nflights - place));
}

/* Keeps the row of a call until those of all earlier ones were returned. */
static void
keep_row(HlWindow *window, const HlFlight *flight, HeapTuple row)
{
	window->rows[flight->index % MOST] = heap_copytuple(row);
	window->waiting += HEAPTUPLESIZE + row->t_len;
}

/* Returns the rows that wait for no other. */
static void
give_rows(HlWindow *window)
{
	HeapTuple row;

	while ((row = window->rows[window->given % MOST]) != NULL)
	{
		tuplestore_puttuple(window->set->setResult, row);
		window->rows[window->given++ % MOST] = NULL;
		window->waiting -= HEAPTUPLESIZE + row->t_len;
		heap_freetuple(row);
	}
}

void
hl_window_give(HlWindow *window, HlFlight *flight, HeapTuple row)
{
	if (window->set == NULL)
		window->given++;
	else
		keep_row(window, flight, row);
	take_out(window, flight);
	MemoryContextDelete(flight->memory);
	give_rows(window);
}

void
hl_window_keep(HlWindow *window, HlFlight *flight)
{
	Assert(window->set == NULL);
	window->given++;
	take_out(window, flight);
}

int
hl_window_in_flight(const HlWindow *window)
{
	return window->nflights;
}
