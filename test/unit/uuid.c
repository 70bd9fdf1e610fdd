/*
 * uuid.c
 *	  Tests of base/uuid.c.
 */
#include "base/uuid.h"
#include "tap.h"

/* With all bits set, or none, only version and variant are fixed. */
int
main(void)
{
	unsigned char random[HL_UUID_BYTES];
	char uuid[HL_UUID_SIZE];

	memset(random, 0, sizeof(random));
	hl_uuid_write(random, uuid);
	is(uuid, "00000000-0000-4000-8000-000000000000", "no bit set");
	memset(random, 0xff, sizeof(random));
	hl_uuid_write(random, uuid);
	is(uuid, "ffffffff-ffff-4fff-bfff-ffffffffffff", "all bits set");
	for (int i = 0; i < HL_UUID_BYTES; i++)
		random[i] = (unsigned char) i;
	hl_uuid_write(random, uuid);
	is(uuid, "00010203-0405-4607-8809-0a0b0c0d0e0f", "in their order");
	return tap_end();
}
