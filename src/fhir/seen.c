/*
 * seen.c
 *	  A set of digests with open addressing.
 *
 * If a row was taken for another one, it would be lost silently, and the
 * writers of resources can choose their ids. So an element holds 128 bits of a
 * SHA-256 digest, for which no collision can be found. The table doubles when
 * it is three quarters full: with 16 bytes for an element, that is at most 43
 * bytes for each resource, and 64 while the old table exists, too.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "utils/memutils.h"

#include "fhir/seen.h"

#define FIRST_SIZE 256

typedef struct Place
{
	uint64 high;
	uint64 low; /* both zero: free */
} Place;

struct HlSeen
{
	MemoryContext memory;
	uint64 size; /* a power of two */
	uint64 used;
	Place *places;
};

static Place *
make_places(MemoryContext memory, uint64 size)
{
	return MemoryContextAllocExtended(memory, size * sizeof(Place),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

HlSeen *
hl_seen_create(void)
{
	HlSeen *seen = palloc(sizeof(HlSeen));

	seen->memory = CurrentMemoryContext;
	seen->size = FIRST_SIZE;
	seen->used = 0;
	seen->places = make_places(seen->memory, seen->size);
	return seen;
}

/* The element of a digest, or the free one for it. */
static Place *
find_place(Place *places, uint64 size, const Place *digest)
{
	uint64 at = digest->high & (size - 1);

	while ((places[at].high | places[at].low) != 0 &&
		   (places[at].high != digest->high || places[at].low != digest->low))
		at = (at + 1) & (size - 1);
	return &places[at];
}

static void
grow(HlSeen *seen)
{
	uint64 size = seen->size * 2;
	Place *places = make_places(seen->memory, size);

	for (uint64 i = 0; i < seen->size; i++)
		if ((seen->places[i].high | seen->places[i].low) != 0)
			*find_place(places, size, &seen->places[i]) = seen->places[i];
	pfree(seen->places);
	seen->places = places;
	seen->size = size;
}

/* The digest of a resource and its mode. */
static Place
digest_of(char role, const char *type, const char *id)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	char *text = psprintf("%c%s/%s", role, type, id);
	Place digest;

	if (EVP_Digest(text, strlen(text), bytes, NULL, EVP_sha256(), NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	pfree(text);
	memcpy(&digest, bytes, sizeof(digest));
	if ((digest.high | digest.low) == 0)
		digest.low = 1;
	return digest;
}

bool
hl_seen_add(HlSeen *seen, char role, const char *type, const char *id)
{
	Place digest = digest_of(role, type, id);
	Place *place = find_place(seen->places, seen->size, &digest);

	if ((place->high | place->low) != 0)
		return false;
	if (seen->used + 1 > seen->size / 4 * 3)
	{
		grow(seen);
		place = find_place(seen->places, seen->size, &digest);
	}
	*place = digest;
	seen->used++;
	return true;
}
