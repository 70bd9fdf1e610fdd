/*
 * fuzz_sigv4.c
 *	  Arbitrary bytes as a request, its keys and its scope: signing again gives
 *	  the same signature, and no header value to be sent can begin a new line.
 */
#include "aws/sigv4.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define FIELDS 20

/* Whether a value can be sent in a header. */
static bool
is_sendable(const char *value)
{
	for (; *value != '\0'; value++)
		if (((unsigned char) *value < ' ' && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

/* Signs once; the caller wipes the result. */
static HlSigv4Outcome
sign(char **fields, int flags, int64_t time, HlSigv4Signed *result)
{
	HlHeader headers[6];
	HlSigv4Keys keys = {0};
	HlSigv4Request request = {.method = fields[0],
							  .path = fields[1],
							  .query = fields[2][0] == '-' ? NULL : fields[2],
							  .headers = headers,
							  .nheaders = 6,
							  .body = fields[3],
							  .body_len = strlen(fields[3]),
							  .flags = flags};
	HlSigv4Credentials credentials = {fields[4], fields[5], fields[6]};
	HlSigv4Scope scope = {fields[7], fields[8], time};
	HlSigv4Outcome outcome;

	headers[0] = (HlHeader){"Host", "example.com"};
	for (int i = 1; i < 6; i++)
		headers[i] = (HlHeader){fields[7 + 2 * i], fields[8 + 2 * i]};
	outcome = hl_sigv4_sign(&keys, &request, &credentials, &scope, result);
	hl_sigv4_wipe_keys(&keys);
	return outcome;
}

/* Invariants of every signature. */
static void
check(char **fields, const HlSigv4Signed *result, const HlSigv4Signed *again)
{
	must(is_sendable(hl_bytes_string(&result->authorization)));
	must(strlen(result->amz_date) == 16 &&
		 strspn(result->amz_date, "0123456789TZ") == 16);
	must(strlen(result->signature) == 64 &&
		 strspn(result->signature, "0123456789abcdef") == 64);
	must(strcmp(result->signature, again->signature) == 0);
	must(strcmp(hl_bytes_string(&result->canonical_request),
				hl_bytes_string(&again->canonical_request)) == 0);
	must(is_sendable(fields[6]));
	for (int i = 1; i < 6; i++)
		must(is_sendable(fields[7 + 2 * i]) && is_sendable(fields[8 + 2 * i]));
}

/* The input: a time, flags, and texts that end in a zero or a newline. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char standing[] =
		"POST\0/\0\0{}\0AKID\0secret\0\0us-east-1\0healthlake";
	static char standing_name[] = "x";
	char *texts, *fields[FIELDS];
	HlSigv4Signed result = {0}, again = {0};
	HlSigv4Outcome outcome;
	int64_t time = 0;
	char *text = standing;

	if (size < 10)
		return 0;
	memcpy(&time, data, 8);
	if (data[8] % 4 != 0)
		time &= INT64_C(0x3FFFFFFFFF);
	texts = malloc(size - 9);
	memcpy(texts, data + 10, size - 10);
	texts[size - 10] = '\0';
	for (int i = 0; i < FIELDS; i++)
	{
		fields[i] = i < 9 ? text : standing_name;
		text += i < 9 ? strlen(text) + 1 : 0;
	}
	text = texts;
	for (int i = 0; i < FIELDS && text < texts + (size - 10); i++)
	{
		size_t len = strcspn(text, "\x01");
		bool last = text + len >= texts + (size - 10);

		text[len] = '\0';
		/* an empty field keeps the default */
		if (len > 0 || i >= 9)
			fields[i] = text;
		text += len + (last ? 0 : 1);
		if (last)
			break;
	}
	outcome = sign(fields, data[9], time, &result);
	must(outcome == sign(fields, data[9], time, &again));
	if (outcome == HL_SIGV4_OK)
		check(fields, &result, &again);
	else
		must(hl_sigv4_reason(outcome)[0] != '\0');
	hl_sigv4_wipe_signed(&result);
	hl_sigv4_wipe_signed(&again);
	free(texts);
	return 0;
}
