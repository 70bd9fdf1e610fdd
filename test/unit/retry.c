/*
 * retry.c
 *	  Retries and their delays: the numbers that AWS's clients publish.
 */
#include "aws/retry.h"

#include "tap.h"

/* The verdict on an attempt with this status and code. */
static void
judged(int status, const char *code, HlVerdict expected)
{
	ok(hl_retry_judge(HL_TRANSPORT_OK, status, code) == expected,
	   "status %d, code %s", status, code ? code : "(none)");
}

/* Codes and statuses, as AWS's clients classify them. */
static void
test_replies(void)
{
	static const char *const throttling[] = {
		"Throttling",
		"ThrottlingException",
		"ThrottledException",
		"RequestThrottledException",
		"TooManyRequestsException",
		"ProvisionedThroughputExceededException",
		"TransactionInProgressException",
		"LimitExceededException",
		"PriorRequestNotComplete",
		"BandwidthLimitExceeded",
		"RequestThrottled",
		"RequestLimitExceeded",
		"SlowDown",
		"EC2ThrottledException"};
	static const char *const terminal[] = {"NotAThrottlingError",
										   "ValidationException",
										   "ServiceQuotaExceededException",
										   "ConflictException",
										   "FailedDependencyException",
										   "AccessDeniedException",
										   "throttling",
										   ""};

	for (size_t i = 0; i < sizeof(throttling) / sizeof(throttling[0]); i++)
	{
		judged(400, throttling[i], HL_VERDICT_THROTTLING);
		judged(503, throttling[i], HL_VERDICT_THROTTLING);
	}
	for (size_t i = 0; i < sizeof(terminal) / sizeof(terminal[0]); i++)
		judged(400, terminal[i], HL_VERDICT_TERMINAL);
	judged(429, NULL, HL_VERDICT_THROTTLING);
	judged(400, "RequestTimeout", HL_VERDICT_TRANSIENT);
	judged(400, "RequestTimeoutException", HL_VERDICT_TRANSIENT);
	for (int status = 500; status <= 504; status++)
		judged(status, NULL,
			   status == 501 ? HL_VERDICT_TERMINAL : HL_VERDICT_TRANSIENT);
	judged(500, "InternalServerException", HL_VERDICT_TRANSIENT);
	judged(505, NULL, HL_VERDICT_TERMINAL);
	judged(509, NULL, HL_VERDICT_TERMINAL);
	judged(408, NULL, HL_VERDICT_TERMINAL);
	judged(301, NULL, HL_VERDICT_TERMINAL);
	judged(300, NULL, HL_VERDICT_TERMINAL);
	judged(100, NULL, HL_VERDICT_TERMINAL);
	judged(400, NULL, HL_VERDICT_TERMINAL);
	judged(200, NULL, HL_VERDICT_SUCCESS);
	judged(204, NULL, HL_VERDICT_SUCCESS);
	judged(200, "ThrottlingException", HL_VERDICT_SUCCESS);
}

/* Failures below HTTP. */
static void
test_transports(void)
{
	static const HlVerdict verdicts[] = {
		[HL_TRANSPORT_DNS] = HL_VERDICT_TRANSIENT,
		[HL_TRANSPORT_CONNECT] = HL_VERDICT_TRANSIENT,
		[HL_TRANSPORT_TLS] = HL_VERDICT_TRANSIENT,
		[HL_TRANSPORT_UNTRUSTED] = HL_VERDICT_TERMINAL,
		[HL_TRANSPORT_TIMEOUT] = HL_VERDICT_TRANSIENT,
		[HL_TRANSPORT_LOST] = HL_VERDICT_TRANSIENT,
		[HL_TRANSPORT_NOT_HTTP] = HL_VERDICT_TERMINAL,
		[HL_TRANSPORT_TOO_LARGE] = HL_VERDICT_TERMINAL,
		[HL_TRANSPORT_MEMORY] = HL_VERDICT_TERMINAL,
		[HL_TRANSPORT_UNUSABLE] = HL_VERDICT_TERMINAL};

	for (int i = HL_TRANSPORT_DNS; i <= HL_TRANSPORT_UNUSABLE; i++)
		ok(hl_retry_judge((HlTransport) i, 200, "Throttling") == verdicts[i],
		   "transport %d", i);
}

/* The delays, with maximum, medium and minimum jitter. */
static void
test_delays(void)
{
	static const int64_t transient[] = {50,   100,  200,   400,   800,  1600,
										3200, 6400, 12800, 20000, 20000};
	static const int64_t throttled[] = {1000,  2000,  4000, 8000,
										16000, 20000, 20000};

	for (int i = 0; i < 11; i++)
		ok(hl_retry_delay(HL_VERDICT_TRANSIENT, i + 1, 1, -1) == transient[i],
		   "%d ms after attempt %d", (int) transient[i], i + 1);
	for (int i = 0; i < 7; i++)
		ok(hl_retry_delay(HL_VERDICT_THROTTLING, i + 1, 1, -1) == throttled[i],
		   "%d ms after throttled attempt %d", (int) throttled[i], i + 1);
	ok(hl_retry_delay(HL_VERDICT_TRANSIENT, 1000000, 1, -1) == 20000,
	   "a million attempts wait no longer");
	ok(hl_retry_delay(HL_VERDICT_THROTTLING, 2, 0.25, -1) == 500,
	   "a quarter of the jitter");
	ok(hl_retry_delay(HL_VERDICT_THROTTLING, 2, 0, -1) == 0, "no jitter");
}

/* The server's requested delay is used, within limits. */
static void
test_hints(void)
{
	int64_t now = 1445412480; /* Wed, 21 Oct 2015 07:28:00 GMT */

	ok(hl_retry_delay(HL_VERDICT_TRANSIENT, 1, 1, 1500) == 1500, "1.5 s");
	ok(hl_retry_delay(HL_VERDICT_TRANSIENT, 1, 1, 0) == 50, "0 is too short");
	ok(hl_retry_delay(HL_VERDICT_TRANSIENT, 1, 1, 10000) == 5050,
	   "10 s is cut to 5.05 s");
	ok(hl_retry_delay(HL_VERDICT_TRANSIENT, 1, 1, INT64_MAX) == 5050,
	   "so is for ever");
	ok(hl_retry_hint("3500", "", now) == 3500, "x-amz-retry-after is in ms");
	ok(hl_retry_hint("", "7", now) == 7000, "Retry-After is in seconds");
	ok(hl_retry_hint("3500", "7", now) == 3500,
	   "x-amz-retry-after replaces Retry-After");
	ok(hl_retry_hint("invalid", "7", now) == 7000,
	   "an invalid x-amz-retry-after is none");
	ok(hl_retry_hint("-1", "", now) == -1, "neither is a negative one");
	ok(hl_retry_hint("1.5", "", now) == -1, "nor a fraction");
	ok(hl_retry_hint("99999999999999999999", "", now) == -1,
	   "nor more than a number holds");
	ok(hl_retry_hint("", "99999999999999", now) == -1,
	   "three million years are no hint");
	ok(hl_retry_hint("", "Wed, 21 Oct 2015 07:28:30 GMT", now) == 30000,
	   "Retry-After may be a date");
	ok(hl_retry_hint("", "Wed, 21 Oct 2015 07:27:00 GMT", now) == 0,
	   "a date that has passed is now");
	ok(hl_retry_hint("", "", now) == -1, "nothing asked, nothing heard");
	ok(hl_retry_hint("", "soon", now) == -1, "no date, no hint");
}

/* The quota: costs, returns, and exhaustion. */
static void
test_quota(void)
{
	HlQuota quota = {HL_QUOTA_FULL};
	int attempts = 0, calls = 0;
	int cost;

	cost = hl_quota_take(&quota, HL_VERDICT_TRANSIENT);
	ok(cost == 14 && quota.tokens == 486, "a transient error costs 14");
	hl_quota_give(&quota, cost);
	ok(quota.tokens == 500, "which a success gives back");
	cost = hl_quota_take(&quota, HL_VERDICT_THROTTLING);
	ok(cost == 5 && quota.tokens == 495, "a throttled one costs 5");
	hl_quota_give(&quota, cost);
	hl_quota_give(&quota, 0);
	ok(quota.tokens == 500, "there is never more than 500");
	quota.tokens = 486;
	hl_quota_give(&quota, 0);
	ok(quota.tokens == 487, "a success at once gives 1");
	quota.tokens = 13;
	ok(hl_quota_take(&quota, HL_VERDICT_TRANSIENT) == 0 && quota.tokens == 13,
	   "not enough: nothing is taken");
	ok(hl_quota_take(&quota, HL_VERDICT_THROTTLING) == 5, "enough for 5");

	quota.tokens = HL_QUOTA_FULL;
	do
	{
		calls++;
		attempts = 1;
		while (attempts < 3 && hl_quota_take(&quota, HL_VERDICT_TRANSIENT))
			attempts++;
	} while (attempts == 3);
	ok(calls == 18 && attempts == 2,
	   "where all fail, the 18th call makes two attempts");
}

/* Checks the date of a text. */
static void
dated(const char *text, int64_t expected)
{
	int64_t seconds = -1;
	bool read = hl_http_date(text, &seconds);

	ok(read == (expected >= 0) && (!read || seconds == expected), "date %s",
	   text);
}

/* HTTP dates (RFC 9110, section 5.6.7), in any locale. */
static void
test_dates(void)
{
	dated("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
	dated("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
	dated("Sun Nov  6 08:49:37 1994", 784111777);
	dated("Wed Nov 16 08:49:37 1994", 784975777);
	dated("Thu, 01 Jan 1970 00:00:00 GMT", 0);
	dated("Thu, 29 Feb 2024 23:59:60 GMT", 1709251200);
	dated("Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799));
	dated("Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648));
	dated("Thursday, 01-Jan-26 00:00:00 GMT", 1767225600);
	dated("Thu, 29 Feb 2023 00:00:00 GMT", -1);
	dated("Thu, 29 Feb 1900 00:00:00 GMT", -1);
	dated("Thu, 00 Jan 2026 00:00:00 GMT", -1);
	dated("Thu, 01 Jan 2026 24:00:00 GMT", -1);
	dated("Thu, 01 Jan 2026 00:60:00 GMT", -1);
	dated("Thu, 01 Jan 2026 00:00:00 UTC", -1);
	dated("Thu, 01 jan 2026 00:00:00 GMT", 1767225600);
	dated("Thu, 01 Jan 2026 00:00:00 GMT ", -1);
	dated("2026-01-01T00:00:00Z", -1);
	dated("Thu, 01 Jan", -1);
	dated("", -1);
}

/* Checks the correction of the clock, in seconds (0: none). */
static void
skewed(HlClockReading reading, int expected, const char *name)
{
	int64_t offset = 0;
	bool wrong = hl_clock_skewed(&reading, &offset);

	ok(wrong == (expected != 0) && offset == expected * INT64_C(1000000), "%s",
	   name);
}

/* The clock is corrected only with sufficient evidence. */
static void
test_clock(void)
{
	int64_t second = 1000000;
	int64_t server = 1445412480 * second;
	HlClockReading slow = {.code = "RequestTimeTooSkewed",
						   .date = "Wed, 21 Oct 2015 07:28:00 GMT",
						   .age = "",
						   .sent_at = server - 601 * second,
						   .received_at = server - 599 * second};
	HlClockReading reading = slow;

	skewed(reading, 600, "ten minutes slow, by the midpoint");
	reading.sent_at += 1200 * second;
	reading.received_at += 1200 * second;
	skewed(reading, -600, "ten minutes fast");
	reading = slow;
	reading.code = "ValidationException";
	skewed(reading, 0, "another error has nothing to do with clocks");
	reading.code = NULL;
	skewed(reading, 0, "nor has a missing code");
	reading.code = "InvalidSignatureException";
	skewed(reading, 600, "a refused signature may have");
	reading.code = "AccessDeniedException";
	skewed(reading, 600, "so may a denied access");
	reading = slow;
	reading.age = "3";
	skewed(reading, 0, "a cached reply is no clock");
	reading = slow;
	reading.date = "";
	skewed(reading, 0, "no date, no correction");
	reading = slow;
	reading.offset = 600 * second;
	skewed(reading, 0, "a corrected clock is not corrected again");
	reading.offset = 840 * second;
	skewed(reading, 600, "unless it is wrong by now");
	reading = slow;
	reading.sent_at = reading.received_at = server - 239 * second;
	skewed(reading, 0, "less than four minutes are AWS's to accept");
	reading.sent_at = reading.received_at = server - 240 * second;
	skewed(reading, 240, "four are too much");
	reading = slow;
	reading.received_at = reading.sent_at + 901 * second;
	skewed(reading, 0, "a round trip of more than fifteen minutes");
	reading.received_at = reading.sent_at - second;
	skewed(reading, 0, "a clock that was set back meanwhile");
}

/* Whether a request can be signed with a time. */
static bool
is_signable(int64_t seconds)
{
	HlHeader host = {"Host", "example.com"};
	HlSigv4Request request = {
		.method = "POST", .path = "/", .headers = &host, .nheaders = 1};
	HlSigv4Credentials credentials = {"AKIDEXAMPLE", "secret", NULL};
	HlSigv4Scope scope = {"us-east-1", "healthlake", seconds};
	static HlSigv4Keys keys;
	static HlSigv4Signed result;

	return hl_sigv4_sign(&keys, &request, &credentials, &scope, &result) ==
		   HL_SIGV4_OK;
}

/* Checks the signing time after a reply of that date, immediately and later. */
static bool
heals(const char *date, int64_t now)
{
	static const int64_t later[] = {0, 1, 86400, INT64_C(86400) * 36525};
	int64_t second = 1000000;
	HlClockReading reading = {.code = "InvalidSignatureException",
							  .date = date,
							  .age = "",
							  .sent_at = now * second,
							  .received_at = now * second};
	int64_t offset = 0;

	if (hl_clock_skewed(&reading, &offset) &&
		!is_signable((now * second + offset) / second))
		return false;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
	{
		int64_t then = (now + later[i]) * second;

		if (!is_signable((then + hl_clock_usable(then, offset)) / second))
			return false;
	}
	return true;
}

/*
 * No date in a reply prevents signing the next request: every day of
 * four-digit years, and any offset.
 */
static void
test_every_date(void)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
										 "May", "Jun", "Jul", "Aug",
										 "Sep", "Oct", "Nov", "Dec"};
	int64_t now = INT64_C(1795000000);
	char date[40], bad[40] = "";
	int tried = 0;

	for (int year = 0; year <= 9999; year++)
		for (int day = 0; day < 372; day += year % 100 == 0 ? 1 : 30, tried++)
		{
			snprintf(date, sizeof(date), "Mon, %02d %s %04d %s GMT",
					 day % 31 + 1, months[day / 31], year,
					 tried % 2 ? "23:59:59" : "00:00:00");
			if (!heals(date, now) && bad[0] == '\0')
				strcpy(bad, date);
		}
	ok(bad[0] == '\0', "after each of %d dates a request can be signed %s",
	   tried, bad);
	for (int64_t offset = INT64_MAX; offset != 0; offset /= 2)
		if (!is_signable(
				(now * 1000000 + hl_clock_usable(now * 1000000, offset)) /
				1000000) ||
			!is_signable(
				(now * 1000000 + hl_clock_usable(now * 1000000, -offset)) /
				1000000))
			bad[0] = 'x';
	ok(bad[0] == '\0', "so it can with every offset");
	ok(heals("Mon, 01 Jan 0001 00:00:00 GMT", now), "the year 1");
	ok(heals("Fri, 31 Dec 9999 23:59:60 GMT", now), "the end of the year 9999");
}

int
main(void)
{
	test_replies();
	test_transports();
	test_delays();
	test_hints();
	test_quota();
	test_dates();
	test_clock();
	test_every_date();
	return tap_end();
}
