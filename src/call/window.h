/*
 * window.h
 *	  A window over many calls of one statement: a limited number of them
 *	  exists at a time, and their rows are returned in the order of the calls.
 *	  The engine limits how many are in flight. Rows that wait for those of
 *	  earlier calls are in memory; if they exceed work_mem, the window shrinks.
 *
 *	  The caller loops, within hl_call_watch(), until the window is over: it
 *	  starts all calls of hl_window_next(), steps, and adds the row of each
 *	  call of hl_window_ended(). Each call has its own memory, which is freed
 *	  with its row.
 */
#ifndef HL_CALL_WINDOW_H
#define HL_CALL_WINDOW_H

#include "postgres.h"

#include "access/htup.h"
#include "nodes/execnodes.h"

#include "call/call.h"

/* A call in flight. */
typedef struct HlFlight
{
	HlCallRun run;
	MemoryContext memory;
	int index; /* from 0 */
	bool ended;
} HlFlight;

typedef struct HlWindow HlWindow;

/* Opens a window over "count" calls; set: receives the rows, or NULL. */
extern HlWindow *hl_window_open(ReturnSetInfo *set, int count);
extern bool hl_window_is_over(const HlWindow *window);
extern int hl_window_in_flight(const HlWindow *window);

/* The next call to start; NULL: none is left, or the window is full. */
extern HlFlight *hl_window_next(HlWindow *window);

/* Starts a call; the request must live as long as the call's memory. */
extern void hl_window_start(HlFlight *flight, const HlRequest *request,
							const char *region);

/* Returns when a call has ended; advances all calls in flight meanwhile. */
extern void hl_window_step(HlWindow *window);

/* A call that has ended; NULL: none. */
extern HlFlight *hl_window_ended(const HlWindow *window);

/* Adds the row of a call (NULL: no rows) and removes it from the window. */
extern void hl_window_give(HlWindow *window, HlFlight *flight, HeapTuple row);

/* Removes a call from a window without rows; the caller owns its memory. */
extern void hl_window_keep(HlWindow *window, HlFlight *flight);

#endif
