/*
 * fuzz.h
 *	  What fuzz targets share.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts if an invariant does not hold. */
static inline void
must(bool held)
{
	if (!held)
		abort();
}

/* Whether a value can be sent in a header: printable ASCII without spaces. */
static inline bool
is_header_value(const HlBytes *value)
{
	for (size_t i = 0; i < value->len; i++)
		if (value->data[i] <= ' ' || value->data[i] > '~')
			return false;
	return true;
}

#endif
