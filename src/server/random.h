/*
 * random.h
 *	  Random numbers that need not be secret: identifiers, and jitter.
 */
#ifndef HL_SERVER_RANDOM_H
#define HL_SERVER_RANDOM_H

#include "postgres.h"

/* Bytes of pg_strong_random(), by way of a buffer; false: it has failed. */
extern bool hl_random_bytes(void *bytes, size_t len);

/* The same; throws if it has failed. */
extern void hl_random_need(void *bytes, size_t len);

/* A number from 0 to 1; 1 if pg_strong_random() fails. */
extern double hl_random_fraction(void);

#endif
