/*
 * timestamp.c
 *	  Reading and writing points in time.
 */
#include "base/calendar.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define MICROS 1000000
#define DAY (INT64_C(86400) * MICROS)
#define EARLIEST (-INT64_C(719162) * DAY)   /* 0001-01-01 */
#define LATEST (INT64_C(2932897) * DAY - 1) /* 9999-12-31, its last moment */

/* A text, as far as it was read. */
typedef struct Scan
{
	const char *at;
	const char *end;
} Scan;

/* A day and a time of day, as written. */
typedef struct Clock
{
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
	int micros;
	int offset; /* seconds east of Greenwich */
} Clock;

/* Takes the byte if it is the next one. */
static bool
take(Scan *scan, char c)
{
	if (scan->at >= scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

/* Takes the next byte if it is one of these, and says which; or 0. */
static char
take_any(Scan *scan, const char *set)
{
	if (scan->at >= scan->end || *scan->at == '\0' || !strchr(set, *scan->at))
		return '\0';
	return *scan->at++;
}

/* Whether a digit is next. */
static bool
digit_follows(const Scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Takes so many digits, no fewer. */
static bool
take_digits(Scan *scan, int count, int *value)
{
	*value = 0;
	for (; count > 0; count--)
	{
		if (!digit_follows(scan))
			return false;
		*value = *value * 10 + (*scan->at++ - '0');
	}
	return true;
}

/*
 * Takes digits into a number of at most 18 of them; what more there are count
 * as powers of ten. Gives how many there were.
 */
static int
take_mantissa(Scan *scan, int64_t *mantissa, int *dropped)
{
	const char *from = scan->at;

	for (*dropped = 0; digit_follows(scan); scan->at++)
	{
		if (*mantissa < INT64_C(100000000000000000))
			*mantissa = *mantissa * 10 + (*scan->at - '0');
		else if (*dropped < 100000)
			(*dropped)++;
	}
	return scan->at - from > 100000 ? 100000 : (int) (scan->at - from);
}

/* Takes an exponent if there is one, cut to what still makes a difference. */
static bool
take_exponent(Scan *scan, int *exponent)
{
	bool negative;

	*exponent = 0;
	if (!take_any(scan, "eE"))
		return true;
	negative = take_any(scan, "+-") == '-';
	if (!digit_follows(scan))
		return false;
	for (; digit_follows(scan); scan->at++)
		if (*exponent < 1000000)
			*exponent = *exponent * 10 + (*scan->at - '0');
	if (negative)
		*exponent = -*exponent;
	return true;
}

/* Multiplies by a power of ten, rounding what is left of a microsecond. */
static bool
scale(int64_t value, int power, int64_t *scaled)
{
	int64_t rest = 0;

	for (; power > 0 && value != 0; power--)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	for (; power < 0 && (value != 0 || rest != 0); power++)
	{
		rest = value % 10;
		value /= 10;
	}
	*scaled = rest >= 5 ? value + 1 : value;
	return true;
}

/* Whether a point in time is one that calendars here can name. */
static bool
in_range(int64_t micros)
{
	return micros >= EARLIEST && micros <= LATEST;
}

/* Reads seconds since 1970, written in decimal. */
bool
hl_timestamp_from_number(const char *text, size_t len, int64_t *micros)
{
	Scan scan = {text, text + len};
	bool negative = take_any(&scan, "+-") == '-';
	int64_t mantissa = 0;
	int whole_dropped;
	int dropped = 0;
	int exponent;
	int digits = take_mantissa(&scan, &mantissa, &whole_dropped);
	int decimals = 0;

	if (take(&scan, '.'))
		decimals = take_mantissa(&scan, &mantissa, &dropped);
	if (digits + decimals == 0 || !take_exponent(&scan, &exponent) ||
		scan.at != scan.end)
		return false;
	if (!scale(mantissa, 6 + exponent + whole_dropped - (decimals - dropped),
			   micros))
		return false;
	if (negative)
		*micros = -*micros;
	return in_range(*micros);
}

/* Makes a point in time of a day and a time, if there is such a moment. */
static bool
clock_to_micros(const Clock *clock, int64_t *micros)
{
	int64_t seconds;

	if (clock->year < 1 || clock->month < 1 || clock->month > 12 ||
		clock->day < 1 ||
		clock->day > hl_calendar_month_length(clock->year, clock->month) ||
		clock->hour > 23 || clock->minute > 59 || clock->second > 59)
		return false;
	seconds = hl_calendar_days(clock->year, clock->month, clock->day) * 86400 +
			  clock->hour * 3600 + clock->minute * 60 + clock->second -
			  clock->offset;
	*micros = seconds * MICROS + clock->micros;
	return in_range(*micros);
}

/* Takes 2024-01-02, or 20240102. */
static bool
take_date(Scan *scan, Clock *clock)
{
	if (!take_digits(scan, 4, &clock->year))
		return false;
	if (take(scan, '-'))
		return take_digits(scan, 2, &clock->month) && take(scan, '-') &&
			   take_digits(scan, 2, &clock->day);
	return take_digits(scan, 2, &clock->month) &&
		   take_digits(scan, 2, &clock->day);
}

/* Takes the fraction of a second; what is finer than a microsecond is cut. */
static bool
take_fraction(Scan *scan, Clock *clock)
{
	int unit = MICROS / 10;

	if (!take_any(scan, ".,"))
		return true;
	if (!digit_follows(scan))
		return false;
	for (; digit_follows(scan); scan->at++, unit /= 10)
		clock->micros += (*scan->at - '0') * unit;
	return true;
}

/* Takes 03:04:05.678 or 030405; minutes and seconds may be missing. */
static bool
take_time(Scan *scan, Clock *clock)
{
	bool colons;

	if (!take_digits(scan, 2, &clock->hour))
		return false;
	colons = take(scan, ':');
	if (!colons && !digit_follows(scan))
		return true;
	if (!take_digits(scan, 2, &clock->minute))
		return false;
	if (colons ? !take(scan, ':') : !digit_follows(scan))
		return true;
	return take_digits(scan, 2, &clock->second) && take_fraction(scan, clock);
}

/* Takes the letters if they are next, whatever their case. */
static bool
take_word(Scan *scan, const char *word)
{
	size_t len = strlen(word);

	if ((size_t) (scan->end - scan->at) < len ||
		strncasecmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

/* Takes Z, +01, +0100, +01:00, -04:56:02, UTC or GMT; or nothing. */
static bool
take_offset(Scan *scan, Clock *clock)
{
	int hours;
	int minutes = 0;
	int seconds = 0;
	char sign;

	while (take(scan, ' '))
		;
	if (scan->at == scan->end || take_word(scan, "Z") ||
		take_word(scan, "UTC") || take_word(scan, "GMT"))
		return true;
	sign = take_any(scan, "+-");
	if (sign == '\0' || !take_digits(scan, 2, &hours))
		return false;
	if ((take(scan, ':') || digit_follows(scan)) &&
		!take_digits(scan, 2, &minutes))
		return false;
	if (take(scan, ':') && !take_digits(scan, 2, &seconds))
		return false;
	clock->offset = hours * 3600 + minutes * 60 + seconds;
	if (sign == '-')
		clock->offset = -clock->offset;
	return hours < 24 && minutes < 60 && seconds < 60;
}

/* Reads ISO 8601, and PostgreSQL's own style with a blank for the T. */
static bool
read_iso8601(Scan scan, int64_t *micros)
{
	Clock clock = {0};

	if (!take_date(&scan, &clock))
		return false;
	if (take_any(&scan, "Tt ") &&
		!(take_time(&scan, &clock) && take_offset(&scan, &clock)))
		return false;
	return scan.at == scan.end && clock_to_micros(&clock, micros);
}

/* Takes a month's English name and gives its number. */
static bool
take_month(Scan *scan, int *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (*month = 1; *month <= 12; (*month)++)
	{
		char name[4] = {0};

		memcpy(name, names + 3 * (*month - 1), 3);
		if (take_word(scan, name))
			return true;
	}
	return false;
}

/* Reads the date of HTTP and mail: Tue, 02 Jan 2024 03:04:05 GMT. */
static bool
read_rfc822(Scan scan, int64_t *micros)
{
	const char *comma = memchr(scan.at, ',', (size_t) (scan.end - scan.at));
	Clock clock = {0};

	if (comma != NULL)
		scan.at = comma + 1;
	while (take(&scan, ' '))
		;
	if (!take_digits(&scan, 1, &clock.day))
		return false;
	if (digit_follows(&scan))
		clock.day = clock.day * 10 + (*scan.at++ - '0');
	if (!take(&scan, ' ') || !take_month(&scan, &clock.month) ||
		!take(&scan, ' ') || !take_digits(&scan, 4, &clock.year) ||
		!take(&scan, ' ') || !take_time(&scan, &clock) ||
		!take_offset(&scan, &clock))
		return false;
	return scan.at == scan.end && clock_to_micros(&clock, micros);
}

/* Reads a point in time in any of the forms that AWS has used. */
bool
hl_timestamp_from_text(const char *text, size_t len, int64_t *micros)
{
	Scan scan = {text, text + len};

	return hl_timestamp_from_number(text, len, micros) ||
		   read_iso8601(scan, micros) || read_rfc822(scan, micros);
}

/* Writes seconds since 1970 (a fraction finer than 1 ms is cut off). */
void
hl_timestamp_append(HlBytes *bytes, int64_t micros)
{
	int64_t millis = micros / 1000 - (micros % 1000 < 0);
	int64_t seconds = millis / 1000;
	int fraction = (int) (millis % 1000);
	int digits = 3;

	if (fraction < 0)
		fraction = -fraction;
	hl_bytes_format(bytes, "%s%" PRId64, millis < 0 && seconds == 0 ? "-" : "",
					seconds);
	for (; digits > 0 && fraction % 10 == 0; digits--)
		fraction /= 10;
	if (digits > 0)
		hl_bytes_format(bytes, ".%0*d", digits, fraction);
}
