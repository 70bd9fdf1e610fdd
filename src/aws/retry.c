/*
 * retry.c
 *	  The "standard" retry mode that AWS's SDKs share, with the constants of
 *	  2026 (botocore's retries/standard.py, smithy's retry).
 */
#include "aws/retry.h"
#include "base/calendar.h"
#include "base/scan.h"

#include <string.h>
#include <strings.h>

#define BASE_MS 50
#define THROTTLED_BASE_MS 1000
#define CAP_MS 20000
#define HINT_MARGIN_MS 5000

#define COST 14
#define THROTTLED_COST 5

#define SECOND INT64_C(1000000)
#define SKEW_THRESHOLD (240 * SECOND)
#define SLOWEST_ROUND_TRIP (900 * SECOND)

/* Longer delays are ignored: no server means them. */
#define LONGEST_HINT_S (INT64_C(366) * 86400)

static const char *const throttling_codes[] = {
	"BandwidthLimitExceeded",
	"EC2ThrottledException",
	"LimitExceededException",
	"PriorRequestNotComplete",
	"ProvisionedThroughputExceededException",
	"RequestLimitExceeded",
	"RequestThrottled",
	"RequestThrottledException",
	"SlowDown",
	"ThrottledException",
	"Throttling",
	"ThrottlingException",
	"TooManyRequestsException",
	"TransactionInProgressException",
	NULL};

/* IDPCommunicationError is STS's. */
static const char *const transient_codes[] = {
	"RequestTimeout", "RequestTimeoutException", "TimeoutError",
	"IDPCommunicationError", NULL};

static const char *const clock_codes[] = {
	"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
	"RequestTimeTooSkewed",      "AccessDeniedException", NULL};

/* Whether a code is in a list; NULL is in none. */
static bool
is_among(const char *code, const char *const *list)
{
	while (code != NULL && *list != NULL && strcmp(code, *list) != 0)
		list++;
	return code != NULL && *list != NULL;
}

/* Judges an attempt that ended below HTTP. */
static HlVerdict
judge_transport(HlTransport transport)
{
	switch (transport)
	{
		case HL_TRANSPORT_DNS:
		case HL_TRANSPORT_CONNECT:
		case HL_TRANSPORT_TLS:
		case HL_TRANSPORT_TIMEOUT:
		case HL_TRANSPORT_LOST:
			return HL_VERDICT_TRANSIENT;
		default:
			return HL_VERDICT_TERMINAL;
	}
}

HlVerdict
hl_retry_judge(HlTransport transport, int status, const char *code)
{
	if (transport != HL_TRANSPORT_OK)
		return judge_transport(transport);
	if (status >= 200 && status < 300)
		return HL_VERDICT_SUCCESS;
	if (status == 429 || is_among(code, throttling_codes))
		return HL_VERDICT_THROTTLING;
	if (status == 500 || status == 502 || status == 503 || status == 504 ||
		is_among(code, transient_codes))
		return HL_VERDICT_TRANSIENT;
	return HL_VERDICT_TERMINAL;
}

int64_t
hl_retry_delay(HlVerdict verdict, int attempt, double jitter, int64_t hint_ms)
{
	int64_t delay =
		verdict == HL_VERDICT_THROTTLING ? THROTTLED_BASE_MS : BASE_MS;

	for (int i = 1; i < attempt && delay < CAP_MS; i++)
		delay *= 2;
	delay = delay > CAP_MS ? CAP_MS : delay;
	delay = (int64_t) ((double) delay * jitter);
	if (hint_ms <= delay)
		return delay;
	return hint_ms < delay + HINT_MARGIN_MS ? hint_ms : delay + HINT_MARGIN_MS;
}

/* Reads a whole number of digits only; -1 if it is not one. */
static int64_t
read_number(const char *text)
{
	int64_t number = 0;

	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++)
		if (*text < '0' || *text > '9' ||
			__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, *text - '0', &number))
			return -1;
	return number;
}

int64_t
hl_retry_hint(const char *amz_retry_after, const char *retry_after, int64_t now)
{
	int64_t number = read_number(amz_retry_after);

	if (number >= 0)
		return number;
	number = read_number(retry_after);
	if (number < 0 && hl_http_date(retry_after, &number))
		number = number > now ? number - now : 0;
	return number >= 0 && number <= LONGEST_HINT_S ? number * 1000 : -1;
}

int
hl_quota_take(HlQuota *quota, HlVerdict verdict)
{
	int cost = verdict == HL_VERDICT_THROTTLING ? THROTTLED_COST : COST;

	if (quota->tokens < cost)
		return 0;
	quota->tokens -= cost;
	return cost;
}

void
hl_quota_give(HlQuota *quota, int cost)
{
	quota->tokens += cost > 0 ? cost : 1;
	if (quota->tokens > HL_QUOTA_FULL)
		quota->tokens = HL_QUOTA_FULL;
}

/* Expands a two-digit year (RFC 9110, section 5.6.7). */
static int
full_year(int year)
{
	return year < 70 ? 2000 + year : 1900 + year;
}

/* Reads a day of the month as asctime() writes it: one digit, or two. */
static bool
read_padded_day(HlScan *scan, int *day)
{
	return hl_scan_take_digits(scan, hl_scan_take(scan, ' ') ? 1 : 2, day);
}

/* Reads one part of a date, by its letter as in strftime(). */
static bool
read_part(HlScan *scan, char part, HlCalendarTime *date)
{
	switch (part)
	{
		case 'Y':
			return hl_scan_take_digits(scan, 4, &date->year);
		case 'y':
			if (!hl_scan_take_digits(scan, 2, &date->year))
				return false;
			date->year = full_year(date->year);
			return true;
		case 'b':
			return hl_scan_take_month(scan, &date->month);
		case 'd':
			return hl_scan_take_digits(scan, 2, &date->day);
		case 'e':
			return read_padded_day(scan, &date->day);
		case 'H':
			return hl_scan_take_digits(scan, 2, &date->hour);
		case 'M':
			return hl_scan_take_digits(scan, 2, &date->minute);
		default: /* 'S' */
			return hl_scan_take_digits(scan, 2, &date->second);
	}
}

/* Reads a date by a pattern, to the end of the text. */
static bool
read_date(const char *text, const char *pattern, HlCalendarTime *date)
{
	HlScan scan = {text, text + strlen(text)};

	for (; *pattern != '\0'; pattern++)
	{
		if (*pattern == '%')
		{
			if (!read_part(&scan, *++pattern, date))
				return false;
		}
		else if (*pattern == '~') /* the name of the day is redundant */
			while (scan.at < scan.end && (*scan.at | 0x20) >= 'a' &&
				   (*scan.at | 0x20) <= 'z')
				scan.at++;
		else if (!hl_scan_take(&scan, *pattern))
			return false;
	}
	return scan.at == scan.end;
}

bool
hl_http_date(const char *text, int64_t *seconds)
{
	static const char *const patterns[] = {"~, %d %b %Y %H:%M:%S GMT",
										   "~, %d-%b-%y %H:%M:%S GMT",
										   "~ %b %e %H:%M:%S %Y"};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
	{
		HlCalendarTime date = {0};

		if (read_date(text, patterns[i], &date) &&
			hl_calendar_seconds(&date, 60, seconds))
			return true;
	}
	return false;
}

int64_t
hl_clock_usable(int64_t now, int64_t offset)
{
	int64_t corrected;

	if (__builtin_add_overflow(now, offset, &corrected) || corrected < 0 ||
		corrected / SECOND > HL_SIGV4_LAST_SECOND)
		return 0;
	return offset;
}

bool
hl_clock_skewed(const HlClockReading *reading, int64_t *offset)
{
	int64_t round_trip = reading->received_at - reading->sent_at;
	int64_t midpoint = reading->sent_at + round_trip / 2;
	int64_t server, skew, wrong;

	/* the Date of a cached or slow reply does not show the server's time */
	if (!is_among(reading->code, clock_codes) || reading->age[0] != '\0' ||
		round_trip < 0 || round_trip > SLOWEST_ROUND_TRIP ||
		!hl_http_date(reading->date, &server))
		return false;
	skew = server * SECOND - midpoint;
	wrong = skew - reading->offset;
	if (wrong > -SKEW_THRESHOLD && wrong < SKEW_THRESHOLD)
		return false;
	/* with a time that cannot be signed no request could be sent */
	if (hl_clock_usable(reading->received_at, skew) != skew)
		return false;
	*offset = skew;
	return true;
}
