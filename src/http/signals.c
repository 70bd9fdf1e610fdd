/*
 * signals.c
 *	  Keeps signals from libcurl's threads.
 */
#include "http/signals.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stddef.h>

/* Since 8.20.0 libcurl resolves names in a pool of threads. */
#define FIRST_WITH_POOL 0x081400

void
hl_signals_init(HlSignals *signals)
{
	signals->blocked = false;
	signals->cautious =
		curl_version_info(CURLVERSION_NOW)->version_num >= FIRST_WITH_POOL;
}

/*
 * Blocks all signals that can be blocked: handlers belong to the main thread.
 */
void
hl_signals_block(HlSignals *signals)
{
	static const int faults[] = {SIGTRAP, SIGABRT, SIGILL, SIGFPE,
								 SIGSEGV, SIGBUS,  SIGSYS};
	sigset_t all;

	if (signals->blocked)
		return;
	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &signals->saved);
	signals->blocked = true;
}

void
hl_signals_enter(HlSignals *signals)
{
	if (signals->cautious)
		hl_signals_block(signals);
}

void
hl_signals_leave(HlSignals *signals)
{
	if (signals->blocked)
		pthread_sigmask(SIG_SETMASK, &signals->saved, NULL);
	signals->blocked = false;
}

int
hl_signals_resolver(void *resolver, void *reserved, void *context)
{
	hl_signals_block(context);
	return 0;
}
