/*
 * step_shim.c
 *	  A library to be preloaded into a server: a process dies at a point of a
 *	  round, as by kill -9. The file that HEALTHLAKE_DIE names has the point:
 *	  "before send 1" is the second time that a process reaches it. The file is
 *	  deleted before the process dies, so that only one dies. With
 *	  HEALTHLAKE_STOP in its place the process is stopped, and may go on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether the file names this point; returns how often it may be passed. */
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

/* Replaces the extension's. */
void
healthlake_step(const char *point)
{
	static int passed = 0;
	const char *stop = getenv("HEALTHLAKE_STOP");
	const char *path = stop != NULL ? stop : getenv("HEALTHLAKE_DIE");
	int passes;

	if (path == NULL || !is_named(path, point, &passes))
		return;
	if (passed++ >= passes && unlink(path) == 0)
		kill(getpid(), stop != NULL ? SIGSTOP : SIGKILL);
}
