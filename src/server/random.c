/*
 * random.c
 *	  A buffer of random bytes, so that one system call serves many calls.
 */
#include "postgres.h"

#include "server/random.h"
#include "miscadmin.h"

static unsigned char stock[512];
static size_t left = 0;
static int drawn_by = 0; /* a forked child must not use the same bytes */

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

void
hl_random_need(void *bytes, size_t len)
{
	if (!hl_random_bytes(bytes, len))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
}

double
hl_random_fraction(void)
{
	uint32 number;

	if (!hl_random_bytes(&number, sizeof(number)))
		return 1;
	return number / (double) PG_UINT32_MAX;
}
