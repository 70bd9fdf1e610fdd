/*
 * sanitize_first.c
 *	  Has the sanitizer of addresses set itself up before any other library of
 *	  a process does: linked with -z initfirst, its constructor is the first to
 *	  run. See throwaway_watch_addresses().
 */
#include <stdlib.h>

__attribute__((constructor)) static void
allocate_first(void)
{
	free(malloc(1));
}
