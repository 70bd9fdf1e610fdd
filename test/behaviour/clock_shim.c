/*
 * clock_shim.c
 *	  A library to be preloaded: the wall clock is off by the number of seconds
 *	  in the file that CLOCK_SHIM names, a 64-bit number that a test writes.
 *	  The monotonic clock is unchanged.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

/* Maps the file. */
__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("CLOCK_SHIM");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *map =
		fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		offset = map;
	if (fd >= 0)
		close(fd);
}

/* Replaces libc's. */
int
clock_gettime(clockid_t clock, struct timespec *time)
{
	int (*real)(clockid_t, struct timespec *) =
		dlsym(RTLD_NEXT, "clock_gettime");
	int status = real(clock, time);

	if (status == 0 && clock == CLOCK_REALTIME && offset != NULL)
		time->tv_sec += *offset;
	return status;
}

/* Replaces libc's. */
int
gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	int (*real)(struct timeval *restrict, void *restrict) =
		dlsym(RTLD_NEXT, "gettimeofday");
	int status = real(time, zone);

	if (status == 0 && offset != NULL)
		time->tv_sec += *offset;
	return status;
}
