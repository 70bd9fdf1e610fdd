/*
 * scarce_memory.c
 *	  A library to be preloaded: one allocation fails, the nth from now on, of
 *	  those that the extension makes or, where that is asked for, PostgreSQL
 *	  itself. The file that SCARCE_MEMORY names has the counters, which a test
 *	  writes and reads: process, kind (1 the extension, 2 the server), left,
 *	  failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static volatile int32_t *counters;

/* The program's text, and the extension's. */
static uintptr_t starts[2], ends[2];

/* Maps the counters. */
__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("SCARCE_MEMORY");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *map = fd < 0
					? MAP_FAILED
					: mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		counters = map;
	if (fd >= 0)
		close(fd);
}

/* Notes where the text of an object is. */
static int
note(struct dl_phdr_info *object, size_t size, void *unused)
{
	int kind = object->dlpi_name[0] == '\0'                          ? 0
			   : strstr(object->dlpi_name, "/healthlake.so") != NULL ? 1
																	 : -1;

	for (int i = 0; kind >= 0 && i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
			object->dlpi_phdr[i].p_flags & PF_X)
		{
			starts[kind] = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
			ends[kind] = starts[kind] + object->dlpi_phdr[i].p_memsz;
		}
	return 0;
}

/* Whether an allocation that was asked for from there is to fail. */
static int
fails(void *from)
{
	uintptr_t at = (uintptr_t) from;
	int kind;

	if (counters == NULL || counters[0] != getpid() || counters[2] <= 0)
		return 0;
	if (starts[1] == 0)
		dl_iterate_phdr(note, NULL);
	kind = counters[1] == 1 ? 1 : 0;
	if (at < starts[kind] || at >= ends[kind] || --counters[2] > 0)
		return 0;
	counters[3]++;
	errno = ENOMEM;
	return 1;
}

/* Stand before libc's. */
void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
											  : __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
											  : __libc_realloc(block, size);
}
