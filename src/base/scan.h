/*
 * scan.h
 *	  A scanner over a text of known length, from its beginning to its end; the
 *	  text need not be zero-terminated. A function that returns false leaves
 *	  the position unchanged, except hl_scan_take_digits(), which may have
 *	  passed some digits.
 */
#ifndef HL_BASE_SCAN_H
#define HL_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct HlScan
{
	const char *at;
	const char *end;
} HlScan;

static inline bool
hl_scan_take(HlScan *scan, char c)
{
	if (scan->at >= scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

static inline bool
hl_scan_digit_follows(const HlScan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Takes the next byte if it is in the set, and returns it; else 0. */
extern char hl_scan_take_any(HlScan *scan, const char *set);

/* Takes a number of exactly "count" digits. */
extern bool hl_scan_take_digits(HlScan *scan, int count, int *value);

/* Takes a word of ASCII letters, ignoring case. */
extern bool hl_scan_take_word(HlScan *scan, const char *word);

/*
 * The length of the scheme of a zero-terminated URL (RFC 3986, section 3.1); 0:
 * it has none, or no "://" follows it.
 */
extern size_t hl_scan_scheme(const char *url);

/* Takes a month's English abbreviation, such as "Jan", as 1 to 12. */
extern bool hl_scan_take_month(HlScan *scan, int *month);

#endif
