/*
 * window.h
 *	  A window that moves over many calls of one statement: so many of them
 *	  exist at a time, and their rows are given in the order of their numbers.
 *	  How many are in flight is the engine's to bound.
 *
 *	  Whoever uses it does, within hl_call_watch(), until it is over: starts
 *	  all that hl_window_next() gives, steps, and adds the row of all that
 *	  hl_window_ended() gives. Each call has memory of its own, which goes when
 *	  its row has been given.
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
	int index; /* its number, from 0 */
	bool ended;
} HlFlight;

typedef struct HlWindow HlWindow;

/* A window over so many calls, whose rows are for a set (NULL: no rows). */
extern HlWindow *hl_window_open(ReturnSetInfo *set, int count);
extern bool hl_window_is_over(const HlWindow *window);
extern int hl_window_in_flight(const HlWindow *window);

/* The next call, to be started; NULL: none is left, or the window is full. */
extern HlFlight *hl_window_next(HlWindow *window);

/* Starts one; the request is in its memory, or lives longer. */
extern void hl_window_start(HlFlight *flight, const HlRequest *request,
							const char *region);

/* Advances all calls in flight, unless one has ended. */
extern void hl_window_step(HlWindow *window);

/* One that has ended; NULL: none has. */
extern HlFlight *hl_window_ended(const HlWindow *window);

/* Gives its row (NULL where there are none), and ends it. */
extern void hl_window_give(HlWindow *window, HlFlight *flight, HeapTuple row);

/* Ends it in a window without rows, and leaves its memory to the caller. */
extern void hl_window_keep(HlWindow *window, HlFlight *flight);

#endif
