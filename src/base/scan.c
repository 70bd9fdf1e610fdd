/*
 * scan.c
 *	  Taking bytes, digits and words from a text.
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

	if ((size_t) (scan->end - scan->at) < len ||
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
