/*
 * curlmemory.c
 *	  libcurl's memory: malloc()'s, and wiped when it is given back.
 */
#include "http/curlmemory.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* libcurl's threads that look names up allocate, too. */
static atomic_ulong failures;
static atomic_bool ours; /* these functions are what libcurl uses */

/* Counts an allocation that failed. */
static void *
counted(void *block)
{
	if (block == NULL)
		failures++;
	return block;
}

/* A block of memory. */
static void *
count_malloc(size_t size)
{
	ours = true;
	return counted(malloc(size));
}

/* A block of zeros. */
static void *
count_calloc(size_t count, size_t size)
{
	ours = true;
	return counted(calloc(count, size));
}

/* A copy of a string. */
static char *
count_strdup(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = count_malloc(size);

	return copy == NULL ? NULL : memcpy(copy, string, size);
}

/* How often an allocation has failed. */
unsigned long
hl_curlmemory_failures(void)
{
	return failures;
}

/* Whether one has failed since. */
bool
hl_curlmemory_failed(unsigned long since)
{
	return !ours || failures != since;
}

/* Wipes a block, as large as malloc() made it, and frees it. */
static void
wipe_and_free(void *block)
{
	if (block == NULL)
		return;
	explicit_bzero(block, malloc_usable_size(block));
	free(block);
}

/* A block of another size; the old one is wiped, wherever the new one lies. */
static void *
wipe_and_realloc(void *block, size_t size)
{
	size_t old = block == NULL ? 0 : malloc_usable_size(block);
	void *moved;

	if (size <= old && size > old / 2)
		return block;
	moved = count_malloc(size);
	if (moved == NULL || block == NULL)
		return moved;
	memcpy(moved, block, old < size ? old : size);
	wipe_and_free(block);
	return moved;
}

/* Initialises libcurl. */
bool
hl_curlmemory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, count_malloc,
								wipe_and_free, wipe_and_realloc, count_strdup,
								count_calloc) == CURLE_OK;
}
