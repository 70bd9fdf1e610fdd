/*
 * scan.h
 *	  A text that is read from its beginning to its end, byte by byte. It need
 *	  not end in a zero. What is taken is passed over; what is not there leaves
 *	  the scan where it was, except digits, of which some may have been taken.
 */
#ifndef HL_BASE_SCAN_H
#define HL_BASE_SCAN_H

#include <stdbool.h>

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

/* Takes the next byte if it is one of a set, and returns it; else 0. */
extern char hl_scan_take_any(HlScan *scan, const char *set);

/* Takes a number of exactly so many digits. */
extern bool hl_scan_take_digits(HlScan *scan, int count, int *value);

/* Takes letters, in either case. */
extern bool hl_scan_take_word(HlScan *scan, const char *word);

/* Takes the first three letters of a month's English name. */
extern bool hl_scan_take_month(HlScan *scan, int *month);

#endif
