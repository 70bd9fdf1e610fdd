/*
 * skew.h
 *	  The difference between this machine's clock and those of the servers.
 */
#ifndef HL_ENGINE_SKEW_H
#define HL_ENGINE_SKEW_H

#include "postgres.h"

/*
 * The correction of the clock for a server, in microseconds; 0: unknown. Sets
 * that of a server, until the backend ends.
 */
extern int64 hl_skew_of(const char *authority);
extern void hl_skew_correct(const char *authority, int64 offset);

#endif
