/*
 * fuzz_reply.c
 *	  Arbitrary bytes as a reply, passed to libcurl's callbacks like libcurl
 *	  does: line by line, then the body in pieces. What is kept must be within
 *	  its limits, and a complete reply must have the length it announces.
 */
#include <curl/curl.h>

#undef curl_easy_getinfo
#define curl_easy_getinfo(easy, info, value) reply_field(easy, info, value)

static long given_status;

#include <stdarg.h>

/* Replaces curl_easy_getinfo(): the status in the input. */
static CURLcode
reply_field(CURL *easy, CURLINFO info, ...)
{
	va_list arguments;

	va_start(arguments, info);
	if (info == CURLINFO_RESPONSE_CODE)
		*va_arg(arguments, long *) = given_status;
	va_end(arguments);
	return CURLE_OK;
}

#include "http/reply.c"

#include <stdint.h>
#include <stdlib.h>

#include "fuzz.h"

#define MAX_BODY 64

/* A stopped clock. */
static int64_t
stopped(void *context)
{
	return 1;
}

/* The input, and the position. */
typedef struct Input
{
	const uint8_t *data;
	size_t left;
} Input;

/* The next byte; 0 at the end. */
static uint8_t
next_byte(Input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

/* Passes a part of the input in a block of its size; false: refused. */
static bool
hand_on(HlHttpTransfer *transfer, Input *input, size_t len, bool header)
{
	char *copy = malloc(len);
	size_t taken;

	if (len > 0)
		memcpy(copy, input->data, len);
	input->data += len;
	input->left -= len;
	taken = header ? on_header(copy, 1, len, transfer)
				   : on_body(copy, 1, len, transfer);
	free(copy);
	must(taken == len || taken == 0);
	must(taken == len || transfer->fault != HL_TRANSPORT_OK);
	return taken == len;
}

/* Passes the lines of a head, to the empty one; false: refused. */
static bool
hand_on_head(HlHttpTransfer *transfer, Input *input)
{
	while (input->left > 0)
	{
		const uint8_t *end = memchr(input->data, '\n', input->left);
		size_t len =
			end == NULL ? input->left : (size_t) (end - input->data) + 1;
		bool blank = input->data[0] == '\r' || input->data[0] == '\n';

		if (!hand_on(transfer, input, len, true))
			return false;
		if (blank && !transfer->before_status)
			return true;
	}
	return true;
}

/* Invariants of every reply. */
static void
check(const HlHttpTransfer *transfer)
{
	const HlHttpReply *reply = &transfer->reply;

	for (size_t i = 0; i < sizeof(wanted_headers) / sizeof(wanted_headers[0]);
		 i++)
		must(memchr((const char *) reply + wanted_headers[i].offset, '\0',
					wanted_headers[i].size) != NULL);
	must(reply->body.len <= MAX_BODY && transfer->ended);
	must((reply->transport == HL_TRANSPORT_OK) == (reply->error[0] == '\0'));
	for (const char *c = reply->error; *c != '\0'; c++)
		must(*c >= ' ' && *c <= '~');
	if (reply->transport == HL_TRANSPORT_OK && reply->status != 204 &&
		reply->status != 304 && transfer->content_length >= 0)
		must(reply->framed &&
			 (uint64_t) transfer->content_length == reply->body.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static HlHttp http = {.clock = stopped};
	HlHttpTransfer transfer = {.http = &http, .max_body = MAX_BODY};
	Input input = {data, size};
	CURLcode code = (CURLcode) next_byte(&input);
	bool went_on;

	hl_reply_forget(&transfer);
	given_status = 100 + next_byte(&input) * 2;
	transfer.reply.sent = next_byte(&input) % 2 == 0;
	went_on = hand_on_head(&transfer, &input);
	given_status = 100 + next_byte(&input) * 2;
	while (went_on && input.left > 0)
	{
		size_t len = next_byte(&input) % 40;

		went_on = hand_on(&transfer, &input,
						  len < input.left ? len : input.left, false);
	}
	hl_reply_end(&transfer, went_on ? code : CURLE_WRITE_ERROR);
	check(&transfer);
	hl_bytes_free(&transfer.reply.body);
	return 0;
}
