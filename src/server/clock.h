/*
 * clock.h
 *	  The clocks: the system clock, in PostgreSQL's and in Unix units, and a
 *	  monotonic one for all waits.
 */
#ifndef HL_SERVER_CLOCK_H
#define HL_SERVER_CLOCK_H

#include "postgres.h"

#include <time.h>

#include "datatype/timestamp.h"
#include "utils/timestamp.h"

/* From PostgreSQL's epoch to Unix's, in microseconds. */
#define HL_CLOCK_EPOCH_SHIFT                                                   \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Microseconds since 1970, UTC, by the system clock. */
static inline int64
hl_clock_unix(void)
{
	return GetCurrentTimestamp() + HL_CLOCK_EPOCH_SHIFT;
}

/* Microseconds of the monotonic clock. */
static inline int64
hl_clock_steady(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * USECS_PER_SEC + now.tv_nsec / 1000;
}

/* The same in milliseconds; all processes share this clock. */
static inline int64
hl_clock_steady_ms(void)
{
	return hl_clock_steady() / 1000;
}

/* Whether that time has passed; since is a result of hl_clock_steady_ms(). */
static inline bool
hl_clock_is_past(int64 since, int64 milliseconds)
{
	return hl_clock_steady_ms() - since >= milliseconds;
}

#endif
