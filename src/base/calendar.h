/*
 * calendar.h
 *	  The Gregorian calendar, also before it was introduced: days of months,
 *	  and days counted from 1970-01-01. Years are 0 to 9999, months 1 to 12.
 *	  Nothing is checked, and nothing is allocated.
 */
#ifndef HL_BASE_CALENDAR_H
#define HL_BASE_CALENDAR_H

#include <stdint.h>

/* Days from 1970-01-01 to a day; negative before it. */
extern int64_t hl_calendar_days(int year, int month, int day);

/* How many days a month has. */
extern int hl_calendar_month_length(int year, int month);

/* The day that is so many days from 1970-01-01. */
extern void hl_calendar_date(int64_t days, int *year, int *month, int *day);

#endif
