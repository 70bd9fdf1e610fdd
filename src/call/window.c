/*
 * window.c
 *	  A window over many calls.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "call/window.h"

/* More calls would only use memory. */
#define MOST 256

struct HlWindow
{
	ReturnSetInfo *set;
	int count;
	int next; /* index of the next call to start */
	int given;
	HeapTuple *rows; /* rows that wait for earlier ones */
	HlFlight *flights[MOST];
	int nflights;
};

HlWindow *
hl_window_open(ReturnSetInfo *set, int count)
{
	HlWindow *window = palloc0(sizeof(HlWindow));

	window->set = set;
	window->count = count;
	window->rows = palloc0(sizeof(HeapTuple) * Max(count, 1));
	return window;
}

bool
hl_window_is_over(const HlWindow *window)
{
	return window->given == window->count;
}

HlFlight *
hl_window_next(HlWindow *window)
{
	MemoryContext memory;
	HlFlight *flight;

	if (window->next == window->count || window->nflights == MOST)
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
	for (int i = window->nflights - 1; i >= 0; i--)
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
	window->flights[place] = window->flights[--window->nflights];
}

void
hl_window_give(HlWindow *window, HlFlight *flight, HeapTuple row)
{
	if (window->set == NULL)
		window->given++;
	else
		window->rows[flight->index] = heap_copytuple(row);
	take_out(window, flight);
	MemoryContextDelete(flight->memory);
	while (window->set != NULL && !hl_window_is_over(window) &&
		   window->rows[window->given] != NULL)
	{
		tuplestore_puttuple(window->set->setResult,
							window->rows[window->given]);
		heap_freetuple(window->rows[window->given]);
		window->given++;
	}
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
