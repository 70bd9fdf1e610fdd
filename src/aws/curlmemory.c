/*
 * curlmemory.c
 *	  libcurl's memory: malloc()'s, and wiped when it is given back.
 */
#include "aws/curlmemory.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Wipes a block, as large as malloc() made it, and gives it back. */
static void
wipe_and_free(void *block)
{
	if (block != NULL)
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
	moved = malloc(size);
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
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free,
								wipe_and_realloc, strdup, calloc) == CURLE_OK;
}
