/*
 * timestamp.c
 *	  Reads and writes timestamps.
 */
#include "base/calendar.h"
#include "base/scan.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <string.h>

#define MICROS 1000000
#define DAY (INT64_C(86400) * MICROS)
#define EARLIEST (-INT64_C(719162) * DAY)   /* 0001-01-01 */
#define LATEST (INT64_C(2932897) * DAY - 1) /* 9999-12-31, its last moment */

/* A point in time as written. */
typedef struct Clock
{
	HlCalendarTime time;
	int micros;
	int offset; /* seconds east of Greenwich */
} Clock;

/*
 * Reads digits into a number of at most 18 digits; further ones count as powers
 * of ten. Returns their number.
 */
static int
take_mantissa(HlScan *scan, int64_t *mantissa, int *dropped)
{
	const char *from = scan->at;

	for (*dropped = 0; hl_scan_digit_follows(scan); scan->at++)
	{
		if (*mantissa < INT64_C(100000000000000000))
			*mantissa = *mantissa * 10 + (*scan->at - '0');
		else if (*dropped < 100000)
			(*dropped)++;
	}
	return scan->at - from > 100000 ? 100000 : (int) (scan->at - from);
}

/* Reads an exponent, if there is one, limited to what makes a difference. */
static bool
take_exponent(HlScan *scan, int *exponent)
{
	bool negative;

	*exponent = 0;
	if (!hl_scan_take_any(scan, "eE"))
		return true;
	negative = hl_scan_take_any(scan, "+-") == '-';
	if (!hl_scan_digit_follows(scan))
		return false;
	for (; hl_scan_digit_follows(scan); scan->at++)
		if (*exponent < 1000000)
			*exponent = *exponent * 10 + (*scan->at - '0');
	if (negative)
		*exponent = -*exponent;
	return true;
}

/* Multiplies by a power of ten, rounding to a microsecond. */
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

/* Whether a point in time is within the years 1 to 9999. */
static bool
in_range(int64_t micros)
{
	return micros >= EARLIEST && micros <= LATEST;
}

/* Reads seconds since 1970, written in decimal. */
bool
hl_timestamp_from_number(const char *text, size_t len, int64_t *micros)
{
	HlScan scan = {text, text + len};
	bool negative = hl_scan_take_any(&scan, "+-") == '-';
	int64_t mantissa = 0;
	int whole_dropped;
	int dropped = 0;
	int exponent;
	int digits = take_mantissa(&scan, &mantissa, &whole_dropped);
	int decimals = 0;

	if (hl_scan_take(&scan, '.'))
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

/* Converts a date and a time; false if they are invalid. */
static bool
clock_to_micros(const Clock *clock, int64_t *micros)
{
	int64_t seconds;

	if (clock->time.year < 1 ||
		!hl_calendar_seconds(&clock->time, 59, &seconds))
		return false;
	seconds -= clock->offset;
	*micros = seconds * MICROS + clock->micros;
	return in_range(*micros);
}

/* Takes 2024-01-02, or 20240102. */
static bool
take_date(HlScan *scan, Clock *clock)
{
	if (!hl_scan_take_digits(scan, 4, &clock->time.year))
		return false;
	if (hl_scan_take(scan, '-'))
		return hl_scan_take_digits(scan, 2, &clock->time.month) &&
			   hl_scan_take(scan, '-') &&
			   hl_scan_take_digits(scan, 2, &clock->time.day);
	return hl_scan_take_digits(scan, 2, &clock->time.month) &&
		   hl_scan_take_digits(scan, 2, &clock->time.day);
}

/* Reads the fraction of a second, truncated to a microsecond. */
static bool
take_fraction(HlScan *scan, Clock *clock)
{
	int unit = MICROS / 10;

	if (!hl_scan_take_any(scan, ".,"))
		return true;
	if (!hl_scan_digit_follows(scan))
		return false;
	for (; hl_scan_digit_follows(scan); scan->at++, unit /= 10)
		clock->micros += (*scan->at - '0') * unit;
	return true;
}

/* Takes 03:04:05.678 or 030405; minutes and seconds may be missing. */
static bool
take_time(HlScan *scan, Clock *clock)
{
	bool colons;

	if (!hl_scan_take_digits(scan, 2, &clock->time.hour))
		return false;
	colons = hl_scan_take(scan, ':');
	if (!colons && !hl_scan_digit_follows(scan))
		return true;
	if (!hl_scan_take_digits(scan, 2, &clock->time.minute))
		return false;
	if (colons ? !hl_scan_take(scan, ':') : !hl_scan_digit_follows(scan))
		return true;
	return hl_scan_take_digits(scan, 2, &clock->time.second) &&
		   take_fraction(scan, clock);
}

/* Takes Z, +01, +0100, +01:00, -04:56:02, UTC or GMT; or nothing. */
static bool
take_offset(HlScan *scan, Clock *clock)
{
	int hours;
	int minutes = 0;
	int seconds = 0;
	char sign;

	while (hl_scan_take(scan, ' '))
		;
	if (scan->at == scan->end || hl_scan_take_word(scan, "Z") ||
		hl_scan_take_word(scan, "UTC") || hl_scan_take_word(scan, "GMT"))
		return true;
	sign = hl_scan_take_any(scan, "+-");
	if (sign == '\0' || !hl_scan_take_digits(scan, 2, &hours))
		return false;
	if ((hl_scan_take(scan, ':') || hl_scan_digit_follows(scan)) &&
		!hl_scan_take_digits(scan, 2, &minutes))
		return false;
	if (hl_scan_take(scan, ':') && !hl_scan_take_digits(scan, 2, &seconds))
		return false;
	clock->offset = hours * 3600 + minutes * 60 + seconds;
	if (sign == '-')
		clock->offset = -clock->offset;
	return hours < 24 && minutes < 60 && seconds < 60;
}

/* Reads ISO 8601, also in PostgreSQL's style with a blank instead of T. */
static bool
read_iso8601(HlScan scan, int64_t *micros)
{
	Clock clock = {0};

	if (!take_date(&scan, &clock))
		return false;
	if (hl_scan_take_any(&scan, "Tt ") &&
		!(take_time(&scan, &clock) && take_offset(&scan, &clock)))
		return false;
	return scan.at == scan.end && clock_to_micros(&clock, micros);
}

/* Reads the date of HTTP and mail: Tue, 02 Jan 2024 03:04:05 GMT. */
static bool
read_rfc822(HlScan scan, int64_t *micros)
{
	const char *comma = memchr(scan.at, ',', (size_t) (scan.end - scan.at));
	Clock clock = {0};

	if (comma != NULL)
		scan.at = comma + 1;
	while (hl_scan_take(&scan, ' '))
		;
	if (!hl_scan_take_digits(&scan, 1, &clock.time.day))
		return false;
	if (hl_scan_digit_follows(&scan))
		clock.time.day = clock.time.day * 10 + (*scan.at++ - '0');
	if (!hl_scan_take(&scan, ' ') ||
		!hl_scan_take_month(&scan, &clock.time.month) ||
		!hl_scan_take(&scan, ' ') ||
		!hl_scan_take_digits(&scan, 4, &clock.time.year) ||
		!hl_scan_take(&scan, ' ') || !take_time(&scan, &clock) ||
		!take_offset(&scan, &clock))
		return false;
	return scan.at == scan.end && clock_to_micros(&clock, micros);
}

bool
hl_timestamp_from_text(const char *text, size_t len, int64_t *micros)
{
	HlScan scan = {text, text + len};

	return hl_timestamp_from_number(text, len, micros) ||
		   read_iso8601(scan, micros) || read_rfc822(scan, micros);
}

/* Digits after the milliseconds are cut off. */
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
