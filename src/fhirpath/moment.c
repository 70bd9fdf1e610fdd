/*
 * moment.c
 *	  Dates, dateTimes and times with their precision.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "fhirpath/moment.h"

/* The text that is read, and the position. */
typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

/* Reads exactly "count" digits. */
static bool
read_digits(Reader *reader, int count, int *value)
{
	*value = 0;
	if (reader->end - reader->at < count)
		return false;
	for (int i = 0; i < count; i++, reader->at++)
	{
		if (*reader->at < '0' || *reader->at > '9')
			return false;
		*value = *value * 10 + (*reader->at - '0');
	}
	return true;
}

/* Consumes a character if it comes next. */
static bool
take(Reader *reader, char c)
{
	if (reader->at >= reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static int
days_of_month(int year, int month)
{
	return day_tab[isleap(year)][month - 1];
}

/* Reads a fraction of a second; digits past the ninth are ignored. */
static bool
read_fraction(Reader *reader, HlMoment *moment)
{
	int scale = 100000000;

	moment->digits = 0;
	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
	{
		if (moment->digits < 9)
			moment->digits++;
		moment->nanosecond += (*reader->at++ - '0') * scale;
		scale /= 10;
	}
	return moment->digits > 0;
}

/* Reads hh[:mm[:ss[.fff]]]; second 60 is a leap second, as FHIR allows. */
static bool
read_clock(Reader *reader, HlMoment *moment)
{
	if (!read_digits(reader, 2, &moment->hour) || moment->hour > 23)
		return false;
	moment->precision = HL_PRECISION_HOUR;
	if (!take(reader, ':'))
		return true;
	if (!read_digits(reader, 2, &moment->minute) || moment->minute > 59)
		return false;
	moment->precision = HL_PRECISION_MINUTE;
	if (!take(reader, ':'))
		return true;
	if (!read_digits(reader, 2, &moment->second) || moment->second > 60)
		return false;
	moment->precision = HL_PRECISION_SECOND;
	return !take(reader, '.') || read_fraction(reader, moment);
}

/* Reads Z or +hh:mm, if there is one. */
static bool
read_zone(Reader *reader, HlMoment *moment)
{
	int hours, minutes, sign;

	if (reader->at == reader->end)
		return true;
	moment->has_zone = true;
	if (take(reader, 'Z'))
	{
		moment->is_utc = true;
		return true;
	}
	sign = *reader->at == '-' ? -1 : 1;
	if ((!take(reader, '+') && !take(reader, '-')) ||
		!read_digits(reader, 2, &hours) || !take(reader, ':') ||
		!read_digits(reader, 2, &minutes) || hours > 14 || minutes > 59)
		return false;
	moment->zone = sign * (hours * 60 + minutes);
	return true;
}

/* Reads YYYY[-MM[-DD]]. */
static bool
read_day(Reader *reader, HlMoment *moment)
{
	moment->month = moment->day = 1;
	if (!read_digits(reader, 4, &moment->year) || moment->year == 0)
		return false;
	moment->precision = HL_PRECISION_YEAR;
	if (!take(reader, '-'))
		return true;
	if (!read_digits(reader, 2, &moment->month) || moment->month < 1 ||
		moment->month > 12)
		return false;
	moment->precision = HL_PRECISION_MONTH;
	if (!take(reader, '-'))
		return true;
	if (!read_digits(reader, 2, &moment->day) || moment->day < 1 ||
		moment->day > days_of_month(moment->year, moment->month))
		return false;
	moment->precision = HL_PRECISION_DAY;
	return true;
}

bool
hl_moment_read_date(const char *text, int len, HlMoment *moment)
{
	Reader reader = {text, text + len};

	memset(moment, 0, sizeof(*moment));
	if (len < 4 || !read_day(&reader, moment))
		return false;
	if (take(&reader, 'T'))
	{
		moment->has_clock = reader.at < reader.end;
		if (!moment->has_clock) /* 2014T is the literal of a dateTime */
			return true;
		return moment->precision == HL_PRECISION_DAY &&
			   read_clock(&reader, moment) && read_zone(&reader, moment) &&
			   reader.at == reader.end;
	}
	return reader.at == reader.end;
}

bool
hl_moment_read_time(const char *text, int len, HlMoment *moment)
{
	Reader reader = {text, text + len};

	memset(moment, 0, sizeof(*moment));
	moment->is_time = true;
	return len >= 2 && read_clock(&reader, moment) && reader.at == reader.end;
}

/* The seconds since 2000 of a moment, at UTC. */
static int64
seconds_of(const HlMoment *moment)
{
	int64 days = moment->is_time
					 ? 0
					 : date2j(moment->year, moment->month, moment->day) -
						   POSTGRES_EPOCH_JDATE;

	return ((days * 24 + moment->hour) * 60 + moment->minute - moment->zone) *
			   60 +
		   moment->second;
}

/*
 * The parts of a moment at UTC, from the year to the nanosecond. A leap second
 * is the first of the next minute, as for PostgreSQL.
 */
static void
parts_of(const HlMoment *moment, int64 *parts)
{
	int year = moment->year, month = moment->month, day = moment->day;
	int64 seconds = seconds_of(moment);
	int64 days = moment->is_time ? 0 : seconds / SECS_PER_DAY;

	if (seconds % SECS_PER_DAY < 0)
		days--;
	if (!moment->is_time && (moment->zone != 0 || moment->second == 60))
		j2date((int) days + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	seconds -= days * SECS_PER_DAY;
	parts[0] = year;
	parts[1] = month;
	parts[2] = day;
	parts[3] = seconds / 3600;
	parts[4] = seconds / 60 % 60;
	parts[5] = seconds % 60 * INT64CONST(1000000000) + moment->nanosecond;
}

bool
hl_moment_compare(const HlMoment *one, const HlMoment *other, int *order)
{
	int64 ones[6], others[6];
	int from = one->is_time ? HL_PRECISION_HOUR : HL_PRECISION_YEAR;

	if (one->is_time != other->is_time)
		return false;
	parts_of(one, ones);
	parts_of(other, others);
	for (int i = from; i <= (int) Min(one->precision, other->precision); i++)
		if (ones[i] != others[i])
		{
			*order = ones[i] < others[i] ? -1 : 1;
			return true;
		}
	*order = 0;
	return one->precision == other->precision;
}

HlTruth
hl_moment_equal(const HlMoment *one, const HlMoment *other)
{
	int order;

	if (one->is_time != other->is_time)
		return HL_FALSE;
	if (!hl_moment_compare(one, other, &order))
		return HL_UNKNOWN;
	return hl_truth_of(order == 0);
}

uint32
hl_moment_hash(const HlMoment *moment)
{
	uint32 hash = murmurhash32((uint32) moment->precision);
	int64 seconds = seconds_of(moment);

	hash = hash_combine(hash, murmurhash32((uint32) seconds));
	return hash_combine(hash, murmurhash32((uint32) moment->nanosecond));
}

/* Fills missing parts with their first or last value. */
static void
fill_parts(HlMoment *moment, bool high)
{
	if (moment->precision < HL_PRECISION_MONTH)
		moment->month = high ? 12 : 1;
	if (moment->precision < HL_PRECISION_DAY)
		moment->day = high ? days_of_month(moment->year, moment->month) : 1;
	if (moment->precision < HL_PRECISION_HOUR)
		moment->hour = high ? 23 : 0;
	if (moment->precision < HL_PRECISION_MINUTE)
		moment->minute = high ? 59 : 0;
	if (moment->precision < HL_PRECISION_SECOND)
		moment->second = high ? 59 : 0;
	if (moment->digits == 0)
		moment->nanosecond = high ? 999000000 : 0;
}

/* Writes hh:mm:ss.fff with the requested digits; returns the end. */
static char *
write_clock(const HlMoment *moment, int digits, char *text)
{
	text += sprintf(text, "%02d", moment->hour);
	if (digits >= 4)
		text += sprintf(text, ":%02d", moment->minute);
	if (digits >= 6)
		text += sprintf(text, ":%02d", moment->second);
	if (digits >= 9)
		text += sprintf(text, ".%03d", moment->nanosecond / 1000000);
	return text;
}

/* Writes the zone; without one, the zone of the earliest or latest moment. */
static void
write_zone(const HlMoment *moment, bool high, char *text)
{
	int zone = moment->has_zone ? moment->zone : (high ? -12 : 14) * 60;

	if (moment->is_utc)
		strcpy(text, "Z");
	else
		sprintf(text, "%c%02d:%02d", zone < 0 ? '-' : '+', abs(zone) / 60,
				abs(zone) % 60);
}

bool
hl_moment_boundary(const HlMoment *moment, bool high, int digits, char *text)
{
	HlMoment filled = *moment;

	fill_parts(&filled, high);
	if (moment->is_time)
	{
		if (digits != 2 && digits != 4 && digits != 6 && digits != 9)
			return false;
		write_clock(&filled, digits, text);
		return true;
	}
	if (digits != 4 && digits != 6 && digits != 8 && digits != 10 &&
		digits != 12 && digits != 14 && digits != 17)
		return false;
	text += sprintf(text, "%04d", filled.year);
	if (digits >= 6)
		text += sprintf(text, "-%02d", filled.month);
	if (digits >= 8)
		text += sprintf(text, "-%02d", filled.day);
	if (digits >= 10)
	{
		*text++ = 'T';
		text = write_clock(&filled, digits - 8, text);
		write_zone(&filled, high, text);
	}
	return true;
}

/* The date as it is written, ignoring the zone. */
bool
hl_moment_to_date(const HlMoment *moment, DateADT *date)
{
	if (moment->is_time || moment->precision < HL_PRECISION_DAY)
		return false;
	*date =
		date2j(moment->year, moment->month, moment->day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* The moment at UTC; a date is its midnight. */
bool
hl_moment_to_timestamp(const HlMoment *moment, Timestamp *stamp)
{
	if (moment->is_time || moment->precision < HL_PRECISION_DAY)
		return false;
	*stamp =
		seconds_of(moment) * USECS_PER_SEC + (moment->nanosecond + 500) / 1000;
	return true;
}

/*
 * The time of day. A fraction of a leap second at its end would be after 24:00,
 * which no time of PostgreSQL is.
 */
bool
hl_moment_to_time(const HlMoment *moment, TimeADT *time)
{
	if (!moment->is_time || moment->precision < HL_PRECISION_MINUTE)
		return false;
	*time =
		seconds_of(moment) * USECS_PER_SEC + (moment->nanosecond + 500) / 1000;
	return *time <= USECS_PER_DAY;
}
