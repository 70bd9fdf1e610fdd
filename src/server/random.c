/*
 * random.c
 *	  A stock of random bytes: one system call serves many calls.
 */
#include "postgres.h"

#include "server/random.h"
#include "miscadmin.h"

static unsigned char stock[512];
static size_t left = 0;
static int drawn_by = 0; /* a child of this process must not draw the same */

bool
hl_random_bytes(void *bytes, size_t len)
{
	Assert(len <= sizeof(stock));
	if (left < len || drawn_by != MyProcPid)
	{
		left = 0;
		if (!pg_strong_random(stock, sizeof(stock)))
			return false;
		left = sizeof(stock);
		drawn_by = MyProcPid;
	}
	left -= len;
	memcpy(bytes, stock + left, len);
	return true;
}

double
hl_random_fraction(void)
{
	uint32 number;

	if (!hl_random_bytes(&number, sizeof(number)))
		return 1;
	return number / (double) PG_UINT32_MAX;
}
