/*
 * curlmemory.h
 *	  What libcurl gives back is wiped first: its buffers have held session
 *	  tokens, signatures and the passwords of proxies, and what malloc() has
 *	  back stays as it is until somebody writes over it.
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

/* Whether one has failed since; true where somebody else has initialised it. */
extern bool hl_curlmemory_failed(unsigned long since);

#endif
