/*
 * fuzz_dates.c
 *	  Arbitrary bytes as the headers Date, Age, Retry-After and
 *	  X-Amz-Retry-After. Every delay must be within its limits, and the next
 *	  request must be signable.
 */
#include "aws/retry.h"
#include "base/timestamp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define SECOND INT64_C(1000000)

/* Checks the delays of a text. */
static void
check_waits(const char *amz, const char *text, int64_t now)
{
	int64_t hint = hl_retry_hint(amz, text, now);

	must(hint >= -1);
	for (int attempt = 1; attempt < 12; attempt++)
	{
		int64_t delay = hl_retry_delay(HL_VERDICT_THROTTLING, attempt, 1, hint);

		must(delay >= 0 && delay <= 25000);
	}
}

/* Checks the correction of the clock. */
static void
check_clock(const char *date, const char *age, int64_t now, int64_t offset)
{
	static const char *const codes[] = {"RequestTimeTooSkewed", "Other", NULL};
	int64_t learnt = offset;

	for (int i = 0; i < 3; i++)
	{
		HlClockReading reading = {.code = codes[i],
								  .date = date,
								  .age = age,
								  .sent_at = now * SECOND,
								  .received_at = (now + 2) * SECOND,
								  .offset = offset};

		if (!hl_clock_skewed(&reading, &learnt))
			continue;
		must(i == 0 && age[0] == '\0');
		must(now * SECOND + learnt >= -2 * SECOND &&
			 (now * SECOND + learnt) / SECOND <= HL_SIGV4_LAST_SECOND);
	}
	learnt = hl_clock_usable(now * SECOND, learnt);
	must((now * SECOND + learnt) / SECOND >= 0 &&
		 (now * SECOND + learnt) / SECOND <= HL_SIGV4_LAST_SECOND);
}

/* The input: an offset, and two texts with a newline between them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t now = INT64_C(1795000000), offset, micros, seconds;
	char *text, *second;
	size_t len;

	if (size < 8)
		return 0;
	memcpy(&offset, data, 8);
	offset %= INT64_C(300000000000) * SECOND;
	len = size - 8;
	text = malloc(len + 1);
	memcpy(text, data + 8, len);
	text[len] = '\0';
	second = text + strcspn(text, "\n");
	if (*second != '\0')
		*second++ = '\0';
	if (hl_http_date(text, &seconds))
		must(seconds >= INT64_C(-62167219200) &&
			 seconds <= HL_SIGV4_LAST_SECOND + 1);
	check_waits(text, second, now);
	check_waits(second, text, now);
	check_clock(text, second, now, offset);
	(void) hl_timestamp_from_text(text, strlen(text), &micros);
	(void) hl_timestamp_from_number(text, strlen(text), &micros);
	free(text);
	return 0;
}
