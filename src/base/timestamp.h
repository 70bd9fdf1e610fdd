/*
 * timestamp.h
 *	  Points in time as AWS's JSON has them: seconds since 1970, with or
 *	  without a fraction, or a text of ISO 8601 or of RFC 822. All are kept
 *	  as microseconds since 1970 in UTC, within the years 1 to 9999; what has
 *	  no offset is UTC. Nothing is allocated.
 */
#ifndef HL_BASE_TIMESTAMP_H
#define HL_BASE_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Reads 1704164645.678, -5 or 1.7e9, exact to the microsecond. */
extern bool hl_timestamp_from_number(const char *text, size_t len,
									 int64_t *micros);

/*
 * Reads 2024-01-02T03:04:05.678Z, 2024-01-02 04:04+01, 20240102T030405Z,
 * 2024-01-02, Tue, 02 Jan 2024 03:04:05 GMT, and whatever the function above
 * reads.
 */
extern bool hl_timestamp_from_text(const char *text, size_t len,
								   int64_t *micros);

/* Writes seconds with as many decimals as it takes, up to three. */
extern void hl_timestamp_append(HlBytes *bytes, int64_t micros);

#endif
