/*
 * curlmemory.h
 *	  Wipes memory that libcurl frees: its buffers have held session tokens,
 *	  signatures and passwords of proxies, and free() leaves the contents in
 *	  place.
 */
#ifndef HL_HTTP_CURLMEMORY_H
#define HL_HTTP_CURLMEMORY_H

#include <stdbool.h>

/*
 * Initialises libcurl for the process, on malloc() with a free() that wipes.
 * Where somebody else has initialised it before, their functions stay.
 */
extern bool hl_curlmemory_init(void);

/*
 * How often an allocation of libcurl's has failed. libcurl says "out of
 * memory" also where a line of a reply is longer than it takes.
 */
extern unsigned long hl_curlmemory_failures(void);

/* Whether one has failed since; true if somebody else has initialised it. */
extern bool hl_curlmemory_failed(unsigned long since);

#endif
