/*
 * step.c
 *	  A place to stop at.
 */
#include "server/step.h"

/* Seen from outside the library, so that a test can put itself in its place. */
__attribute__((visibility("default"), noinline)) void
healthlake_step(const char *point)
{
	__asm__ volatile("" : : "r"(point) : "memory");
}
