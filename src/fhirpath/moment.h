/*
 * moment.h
 *	  Dates, dateTimes and times of FHIR with the precision in which they are
 *	  written: a year is not the first of January. Nothing is allocated. A time
 *	  without a zone is UTC, regardless of the session's TimeZone.
 */
#ifndef HL_FHIRPATH_MOMENT_H
#define HL_FHIRPATH_MOMENT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/date.h"

#include "fhirpath/truth.h"

typedef enum HlPrecision
{
	HL_PRECISION_YEAR,
	HL_PRECISION_MONTH,
	HL_PRECISION_DAY,
	HL_PRECISION_HOUR,
	HL_PRECISION_MINUTE,
	HL_PRECISION_SECOND
} HlPrecision;

typedef struct HlMoment
{
	bool is_time;   /* a time of day, without a date */
	bool has_clock; /* a dateTime with an hour */
	bool has_zone;
	bool is_utc; /* the zone was written as Z */
	int year, month, day, hour, minute, second;
	int nanosecond;
	int digits; /* number of digits of the second's fraction */
	int zone;   /* minutes east of UTC */
	HlPrecision precision;
} HlMoment;

/* The size of a buffer for any moment as text. */
#define HL_MOMENT_SIZE 64

/* Reads YYYY, YYYY-MM, YYYY-MM-DD or a dateTime; false if it is none. */
extern bool hl_moment_read_date(const char *text, int len, HlMoment *moment);

/* Reads hh, hh:mm or hh:mm:ss with a fraction; false if it is no time. */
extern bool hl_moment_read_time(const char *text, int len, HlMoment *moment);

/* Whether two moments are equal; unknown if one is less precise. */
extern HlTruth hl_moment_equal(const HlMoment *one, const HlMoment *other);

/* Compares two moments: -1, 0 or 1; false if that is unknown. */
extern bool hl_moment_compare(const HlMoment *one, const HlMoment *other,
							  int *order);

/* A hash that is the same for equal moments. */
extern uint32 hl_moment_hash(const HlMoment *moment);

/*
 * Writes the first or last moment of a partial value with a number of digits
 * (4 for a year to 17 for a dateTime with milliseconds; 9 for a time); false
 * if there is no such precision.
 */
extern bool hl_moment_boundary(const HlMoment *moment, bool high, int digits,
							   char *text);

/* Conversions to SQL; false if the value is partial or out of range. */
extern bool hl_moment_to_date(const HlMoment *moment, DateADT *date);
extern bool hl_moment_to_timestamp(const HlMoment *moment, Timestamp *stamp);
extern bool hl_moment_to_time(const HlMoment *moment, TimeADT *time);

#endif
