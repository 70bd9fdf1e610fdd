/*
 * timestamp.h
 *	  Timestamps of AWS's JSON: seconds since 1970, with or without a fraction,
 *	  or a text of ISO 8601 or RFC 822. They are kept as microseconds since
 *	  1970, UTC, in the years 1 to 9999; a text without an offset is UTC.
 *	  Functions return false for anything else. Nothing is allocated.
 */
#ifndef HL_BASE_TIMESTAMP_H
#define HL_BASE_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Reads 1704164645.678, -5 or 1.7e9, exactly to the microsecond. */
extern bool hl_timestamp_from_number(const char *text, size_t len,
									 int64_t *micros);

/*
 * Reads 2024-01-02T03:04:05.678Z, 2024-01-02 04:04+01, 20240102T030405Z,
 * 2024-01-02, Tue, 02 Jan 2024 03:04:05 GMT, and numbers as the function
 * above.
 */
extern bool hl_timestamp_from_text(const char *text, size_t len,
								   int64_t *micros);

/* Appends seconds with as many decimals as necessary, at most three. */
extern void hl_timestamp_append(HlBytes *bytes, int64_t micros);

#endif
