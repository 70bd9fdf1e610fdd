/*
 * calendar.c
 *	  Dates and day numbers.
 *
 *	  Years are counted from March, so that the leap day is the last of its
 *	  year, and in eras of 400 years, which all have the same number of days.
 */
#include "base/calendar.h"

/* Days of an era, and days from 0000-03-01 to 1970-01-01. */
#define ERA 146097
#define EPOCH 719468

int64_t
hl_calendar_days(int year, int month, int day)
{
	int64_t shifted = month <= 2 ? year - 1 : year;
	int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
	int64_t of_era = shifted - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
		   EPOCH;
}

int
hl_calendar_month_length(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

void
hl_calendar_date(int64_t days, int *year, int *month, int *day)
{
	int64_t shifted = days + EPOCH;
	int64_t era = (shifted >= 0 ? shifted : shifted - (ERA - 1)) / ERA;
	int of_era = (int) (shifted - era * ERA);
	int years =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA - 1)) / 365;
	int of_year = of_era - (365 * years + years / 4 - years / 100);
	int months = (5 * of_year + 2) / 153;

	*day = of_year - (153 * months + 2) / 5 + 1;
	*month = months < 10 ? months + 3 : months - 9;
	*year = (int) (era * 400) + years + (*month <= 2);
}

bool
hl_calendar_seconds(const HlCalendarTime *time, int most_seconds,
					int64_t *seconds)
{
	if (time->month < 1 || time->month > 12 || time->day < 1 ||
		time->day > hl_calendar_month_length(time->year, time->month) ||
		time->hour > 23 || time->minute > 59 || time->second > most_seconds)
		return false;
	*seconds = hl_calendar_days(time->year, time->month, time->day) * 86400 +
			   time->hour * 3600 + time->minute * 60 + time->second;
	return true;
}
