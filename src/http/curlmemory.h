/*
 * curlmemory.h
 *	  Memory functions for libcurl that wipe what they free: its buffers have
 *	  held session tokens, signatures and proxy passwords, and free() leaves
 *	  the contents in place.
 */
#ifndef HL_HTTP_CURLMEMORY_H
#define HL_HTTP_CURLMEMORY_H

#include <stdbool.h>

/*
 * Initialises libcurl for the process, once, with malloc() and a free() that
 * wipes. If other code has initialised libcurl before, its functions stay.
 * False: libcurl could not be initialised.
 */
extern bool hl_curlmemory_init(void);

/*
 * The number of failed allocations so far. Needed because libcurl also reports
 * "out of memory" for a reply line that is longer than its limit.
 */
extern unsigned long hl_curlmemory_failures(void);

/*
 * Whether an allocation has failed since that count; always true if other code
 * has initialised libcurl.
 */
extern bool hl_curlmemory_failed(unsigned long since);

#endif
