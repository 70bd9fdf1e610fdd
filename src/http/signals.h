/*
 * signals.h
 *	  Signals while libcurl runs: a thread that it starts (to look a name up)
 *	  inherits the mask, so that no handler of the program ever runs in it.
 *	  They are blocked from the moment on when libcurl is about to look a name
 *	  up until it returns, and not around each of its calls.
 */
#ifndef HL_HTTP_SIGNALS_H
#define HL_HTTP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

typedef struct HlSignals
{
	bool cautious; /* blocked around every call */
	bool blocked;
	sigset_t saved; /* the mask before */
} HlSignals;

extern void hl_signals_init(HlSignals *signals);

/* Before and after libcurl is called. */
extern void hl_signals_enter(HlSignals *signals);
extern void hl_signals_leave(HlSignals *signals);

/* Blocks them until hl_signals_leave(). */
extern void hl_signals_block(HlSignals *signals);

/* For CURLOPT_RESOLVER_START_FUNCTION, with the signals as its data. */
extern int hl_signals_resolver(void *resolver, void *reserved, void *context);

#endif
