/*
 * compare.h
 *	  Equality, order and sets of items, by FHIRPath's rules.
 */
#ifndef HL_FHIRPATH_COMPARE_H
#define HL_FHIRPATH_COMPARE_H

#include "postgres.h"

#include "fhirpath/item.h"
#include "fhirpath/truth.h"

/* Whether two items are equal; unknown if a date is less precise. */
extern HlTruth hl_compare_equal(const HlItem *one, const HlItem *other);

/* Whether two collections are equal, in order; unknown if one is empty. */
extern HlTruth hl_compare_all_equal(const HlItems *one, const HlItems *other);

/* Whether they are equivalent: in any order, ignoring case and whitespace. */
extern bool hl_compare_equivalent(const HlItems *one, const HlItems *other);

/* Orders two items: -1, 0 or 1; false if they have no order. */
extern bool hl_compare_order(const HlItem *one, const HlItem *other,
							 int *order);

/* A set of pointers to items, freed with its memory context. */
typedef struct HlSet
{
	const HlItem **places;
	uint32 *hashes;
	uint32 size; /* a power of two */
	uint32 count;
} HlSet;

extern void hl_set_init(HlSet *set, int expected);

/* Adds an item, which must not move; false if the set contains it. */
extern bool hl_set_add(HlSet *set, const HlItem *item);
extern bool hl_set_has(const HlSet *set, const HlItem *item);

#endif
