/*
 * random.h
 *	  Random numbers that need not stay secret: identifiers, and jitter.
 */
#ifndef HL_SERVER_RANDOM_H
#define HL_SERVER_RANDOM_H

#include "postgres.h"

/* Bytes from a stock that is filled by pg_strong_random(); false: it failed. */
extern bool hl_random_bytes(void *bytes, size_t len);

/* A number from 0 to 1; 1 if there is no randomness. */
extern double hl_random_fraction(void);

#endif
