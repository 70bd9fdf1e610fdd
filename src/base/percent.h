/*
 * percent.h
 *	  Percent-encoding of paths, queries and forms (RFC 3986, section 2).
 */
#ifndef HL_BASE_PERCENT_H
#define HL_BASE_PERCENT_H

#include "base/bytes.h"

/* Whether a byte is unreserved (RFC 3986, section 2.3). */
extern bool hl_percent_is_unreserved(unsigned char c);

/* Appends an unreserved byte unchanged, any other as %XX. */
extern void hl_percent_append(HlBytes *bytes, unsigned char c);

/* Encodes each byte of a string: a query value, or a path segment. */
extern void hl_percent_append_string(HlBytes *bytes, const char *string);

/*
 * Reads one byte of a text that is not at its end, and decodes an escape. For
 * a percent sign without two hexadecimal digits it skips that sign only, and
 * returns -1.
 */
extern int hl_percent_take(const char **text, const char *end);

#endif
