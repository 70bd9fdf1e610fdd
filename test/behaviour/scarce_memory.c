/*
 * scarce_memory.c
 *	  A library to be preloaded: one allocation fails, the nth from now on, of
 *	  those that the extension makes (and libcurl through it) or, where that is
 *	  asked for, PostgreSQL itself or OpenSSL; or that one and some after it.
 *	  The file that SCARCE_MEMORY names has the counters, which a test writes
 *	  and reads: process, kinds (1 the extension, 2 the server, 4 OpenSSL),
 *	  left, failed, how many fail in a row (0 and 1: one).
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

/* The code of the program, of the extension and of OpenSSL's two libraries. */
static struct
{
	uintptr_t start, end;
	int kind;
} texts[16];
static int ntexts = 0;

/* Maps the counters. */
__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("SCARCE_MEMORY");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *map = fd < 0
					? MAP_FAILED
					: mmap(NULL, 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		counters = map;
	if (fd >= 0)
		close(fd);
}

/* Records the address range of an object's code. */
static int
note(struct dl_phdr_info *object, size_t size, void *unused)
{
	const char *name = object->dlpi_name;
	int kind = name[0] == '\0'                          ? 2
			   : strstr(name, "/healthlake.so") != NULL ? 1
			   : strstr(name, "/libcrypto.so") != NULL ||
					   strstr(name, "/libssl.so") != NULL
				   ? 4
				   : 0;

	for (int i = 0; kind > 0 && i < object->dlpi_phnum && ntexts < 16; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
			object->dlpi_phdr[i].p_flags & PF_X)
		{
			texts[ntexts].kind = kind;
			texts[ntexts].start =
				object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
			texts[ntexts].end =
				texts[ntexts].start + object->dlpi_phdr[i].p_memsz;
			ntexts++;
		}
	return 0;
}

/* The object of an address; 0: none of the requested ones. */
static int
kind_of(uintptr_t at)
{
	for (int i = 0; i < ntexts; i++)
		if (at >= texts[i].start && at < texts[i].end)
			return texts[i].kind;
	return 0;
}

/* Whether the extension was loaded when the ranges were recorded. */
static int
has_extension(void)
{
	for (int i = 0; i < ntexts; i++)
		if (texts[i].kind == 1)
			return 1;
	return 0;
}

/* Whether an allocation from this address must fail. */
static int
fails(void *from)
{
	if (counters == NULL || counters[0] != getpid() || counters[2] <= 0)
		return 0;
	if (!has_extension())
	{
		ntexts = 0;
		dl_iterate_phdr(note, NULL);
	}
	if ((kind_of((uintptr_t) from) & counters[1]) == 0 || --counters[2] > 0)
		return 0;
	counters[3]++;
	if (counters[4] > 1)
	{
		counters[4]--;
		counters[2] = 1;
	}
	errno = ENOMEM;
	return 1;
}

/* Replace libc's. */
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
