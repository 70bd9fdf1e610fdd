/*
 * step_shim.c
 *	  A library to be preloaded into a server: a process of it dies at a point
 *	  of the queue's step, as by kill -9. The file that HEALTHLAKE_DIE names
 *	  says where: "before send 1" is the second time that a process comes there.
 *	  The file goes before the process does, and so only one dies of it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether it says that this is the point; gives how often it may be passed. */
static int
is_named(const char *path, const char *point, int *passes)
{
	FILE *file = fopen(path, "r");
	char first[16];
	char second[16];
	char named[40];
	int found;

	if (file == NULL)
		return 0;
	found = fscanf(file, "%15s %15s %d", first, second, passes) == 3;
	fclose(file);
	if (!found)
		return 0;
	snprintf(named, sizeof(named), "%s %s", first, second);
	return strcmp(named, point) == 0;
}

/* Stands before the extension's. */
void
healthlake_step(const char *point)
{
	static int passed = 0;
	const char *path = getenv("HEALTHLAKE_DIE");
	int passes;

	if (path == NULL || !is_named(path, point, &passes))
		return;
	if (passed++ >= passes && unlink(path) == 0)
		kill(getpid(), SIGKILL);
}
