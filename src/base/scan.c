/*
 * scan.c
 *	  Scans bytes, digits and words.
 */
#include "base/scan.h"

#include <string.h>
#include <strings.h>

char
hl_scan_take_any(HlScan *scan, const char *set)
{
	if (scan->at >= scan->end || *scan->at == '\0' || !strchr(set, *scan->at))
		return '\0';
	return *scan->at++;
}

bool
hl_scan_take_digits(HlScan *scan, int count, int *value)
{
	*value = 0;
	for (; count > 0; count--)
	{
		if (!hl_scan_digit_follows(scan))
			return false;
		*value = *value * 10 + (*scan->at++ - '0');
	}
	return true;
}

bool
hl_scan_take_word(HlScan *scan, const char *word)
{
	size_t len = strlen(word);

	/* the first letter differs from most words */
	if ((size_t) (scan->end - scan->at) < len ||
		(len > 0 && (scan->at[0] ^ word[0]) & ~0x20) ||
		strncasecmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

bool
hl_scan_take_month(HlScan *scan, int *month)
{
	static const char names[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
									"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	for (*month = 1; *month <= 12; (*month)++)
		if (hl_scan_take_word(scan, names[*month - 1]))
			return true;
	return false;
}

size_t
hl_scan_scheme(const char *url)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
								  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
								 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
	size_t len = strspn(url, others);

	if (strspn(url, letters) == 0 || strncmp(url + len, "://", 3) != 0)
		return 0;
	return len;
}
