/*
 * curlmemory.c
 *	  libcurl's memory functions: malloc(), and a free() that wipes.
 */
#include "http/curlmemory.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* atomic: libcurl's resolver threads allocate, too */
static atomic_ulong failures;
static atomic_bool ours; /* libcurl uses these functions */

static void *
counted(void *block)
{
	if (block == NULL)
		failures++;
	return block;
}

static void *
count_malloc(size_t size)
{
	ours = true;
	return counted(malloc(size));
}

static void *
count_calloc(size_t count, size_t size)
{
	ours = true;
	return counted(calloc(count, size));
}

static char *
count_strdup(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = count_malloc(size);

	return copy == NULL ? NULL : memcpy(copy, string, size);
}

unsigned long
hl_curlmemory_failures(void)
{
	return failures;
}

bool
hl_curlmemory_failed(unsigned long since)
{
	return !ours || failures != since;
}

/* Wipes the whole block, which may be larger than requested, and frees it. */
static void
wipe_and_free(void *block)
{
	if (block == NULL)
		return;
	explicit_bzero(block, malloc_usable_size(block));
	free(block);
}

/* Copies to a new block, since realloc() would not wipe the old one. */
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

bool
hl_curlmemory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, count_malloc,
								wipe_and_free, wipe_and_realloc, count_strdup,
								count_calloc) == CURLE_OK;
}
