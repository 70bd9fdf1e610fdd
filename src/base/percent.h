/*
 * percent.h
 *	  Percent-encoding (RFC 3986, section 2): of paths, of queries and of forms.
 */
#ifndef HL_BASE_PERCENT_H
#define HL_BASE_PERCENT_H

#include "base/bytes.h"

/* Whether a byte stands for itself in a URL (RFC 3986, section 2.3). */
extern bool hl_percent_is_unreserved(unsigned char c);

/* Appends a byte as it is where it is unreserved, as %XX where it is not. */
extern void hl_percent_append(HlBytes *bytes, unsigned char c);

/* The same for each byte of a string: a value in a query, or a path segment. */
extern void hl_percent_append_string(HlBytes *bytes, const char *string);

#endif
