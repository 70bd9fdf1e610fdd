/*
 * fuzz_json.c
 *	  Arbitrary bytes as JSON: accepted text is written as JSON that is read
 *	  and written as the same text; no iteration leaves the document.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#include "fuzz.h"

/* Visits a value and all values within it. */
static size_t
walk(const HlJson *node)
{
	HlJsonEach each = hl_json_each(node);
	const HlJson *child;
	size_t count = 1;
	int64_t integer;
	double number;

	hl_json_int64(node, &integer);
	hl_json_double(node, &number);
	if (strlen(hl_json_string(node)) > hl_json_len(node))
		abort();
	while ((child = hl_json_step(&each)) != NULL)
		count += walk(child);
	return count;
}

/* Reads, writes, reads again and compares. */
static void
round_trip(const HlJsonDocument *document)
{
	HlJsonDocument again = {0};
	HlBytes first = {0};
	HlBytes second = {0};

	hl_json_append_node(&first, document->root);
	if (!hl_json_read(&again, first.data, first.len) ||
		walk(again.root) != walk(document->root))
		abort();
	hl_json_append_node(&second, again.root);
	if (strcmp(first.data, second.data) != 0)
		abort();
	hl_json_free(&again);
	hl_bytes_free(&first);
	hl_bytes_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HlJsonDocument strict = {.secret = true, .max_depth = 20};
	HlJsonDocument lenient = {.lenient = true, .max_depth = 20};
	bool read = hl_json_read(&strict, (const char *) data, size);

	if (read)
		round_trip(&strict);
	else if (strict.reason[0] == '\0' || strict.offset > size)
		abort();
	if (hl_json_read(&lenient, (const char *) data, size))
		round_trip(&lenient);
	else if (read)
		abort();
	hl_json_free(&strict);
	hl_json_free(&lenient);
	return 0;
}
