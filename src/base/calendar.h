/*
 * calendar.h
 *	  The proleptic Gregorian calendar: lengths of months, and days counted
 *	  from 1970-01-01. Years are 0 to 9999 and months 1 to 12; only
 *	  hl_calendar_seconds() checks them. Nothing is allocated.
 */
#ifndef HL_BASE_CALENDAR_H
#define HL_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/* A day and a time of day as written, not yet checked. */
typedef struct HlCalendarTime
{
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
} HlCalendarTime;

/* Days from 1970-01-01 to a day; negative before it. */
extern int64_t hl_calendar_days(int year, int month, int day);

/* The number of days in a month. */
extern int hl_calendar_month_length(int year, int month);

/* The date of a number of days from 1970-01-01. */
extern void hl_calendar_date(int64_t days, int *year, int *month, int *day);

/*
 * Seconds from 1970-01-01 00:00; false if there is no such day or time.
 * most_seconds is 59, or 60 if leap seconds are allowed.
 */
extern bool hl_calendar_seconds(const HlCalendarTime *time, int most_seconds,
								int64_t *seconds);

#endif
