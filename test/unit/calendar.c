/*
 * calendar.c
 *	  Compares every day of ten thousand years with the C library's calendar.
 */
#include "base/calendar.h"

#include <time.h>

#include "tap.h"

int
main(void)
{
	int64_t wrong_days = 0;
	int64_t wrong_dates = 0;
	int64_t wrong_lengths = 0;

	for (int64_t days = -719528; days <= 2932896; days++)
	{
		time_t seconds = (time_t) days * 86400;
		struct tm tm;
		int year;
		int month;
		int day;

		gmtime_r(&seconds, &tm);
		hl_calendar_date(days, &year, &month, &day);
		wrong_dates += year != tm.tm_year + 1900 || month != tm.tm_mon + 1 ||
					   day != tm.tm_mday;
		wrong_days += hl_calendar_days(tm.tm_year + 1900, tm.tm_mon + 1,
									   tm.tm_mday) != days;
		/* the first of a month follows the last of the month before */
		if (tm.tm_mday == 1 && days > -719528)
		{
			time_t before = seconds - 86400;

			gmtime_r(&before, &tm);
			wrong_lengths +=
				hl_calendar_month_length(tm.tm_year + 1900, tm.tm_mon + 1) !=
				tm.tm_mday;
		}
	}
	ok(wrong_dates == 0, "dates of the years 0 to 9999");
	ok(wrong_days == 0, "day numbers of the years 0 to 9999");
	ok(wrong_lengths == 0, "lengths of months of the years 0 to 9999");
	return tap_end();
}
