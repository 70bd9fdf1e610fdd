/*
 * skew.c
 *	  The last corrections of the clock, by server.
 */
#include "postgres.h"

#include "engine/skew.h"

#define MAX_SERVERS 4

typedef struct ServerClock
{
	char authority[256];
	int64 offset; /* microseconds to add */
} ServerClock;

static ServerClock clocks[MAX_SERVERS];
static int next_clock = 0;

int64
hl_skew_of(const char *authority)
{
	for (int i = 0; i < MAX_SERVERS; i++)
		if (strcmp(clocks[i].authority, authority) == 0)
			return clocks[i].offset;
	return 0;
}

/* Replaces the oldest correction. */
void
hl_skew_correct(const char *authority, int64 offset)
{
	ServerClock *clock = NULL;

	for (int i = 0; i < MAX_SERVERS && clock == NULL; i++)
		if (strcmp(clocks[i].authority, authority) == 0)
			clock = &clocks[i];
	if (clock == NULL)
		clock = &clocks[next_clock++ % MAX_SERVERS];
	strlcpy(clock->authority, authority, sizeof(clock->authority));
	clock->offset = offset;
}
