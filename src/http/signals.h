/*
 * signals.h
 *	  Signals are blocked while libcurl may start a thread (to resolve a name):
 *	  the thread inherits the mask, so that no signal handler of the program
 *	  runs in it. They are blocked only from the moment when libcurl begins to
 *	  resolve a name until it returns, not around each call.
 */
#ifndef HL_HTTP_SIGNALS_H
#define HL_HTTP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

typedef struct HlSignals
{
	bool cautious; /* block around every call */
	bool blocked;
	sigset_t saved; /* the mask before */
} HlSignals;

extern void hl_signals_init(HlSignals *signals);

/* Call these before and after each call of libcurl. */
extern void hl_signals_enter(HlSignals *signals);
extern void hl_signals_leave(HlSignals *signals);

/* Blocks signals until hl_signals_leave(). */
extern void hl_signals_block(HlSignals *signals);

/* CURLOPT_RESOLVER_START_FUNCTION, with the HlSignals as its data. */
extern int hl_signals_resolver(void *resolver, void *reserved, void *context);

#endif
