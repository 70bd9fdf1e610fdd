/*
 * cases.h
 *	  For drivers that run files of cases, of the project or of others. A
 *	  driver with arguments runs these cases, names each failure and ends with
 *	  a line "N passed, N failed"; without arguments it runs the project's
 *	  cases and prints TAP. Include it in one file of a program.
 */
#ifndef CASES_H
#define CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "tap.h"

static bool cases_as_tap = false;
static int cases_passed = 0;
static int cases_failed = 0;

/* Counts a case; a failure is printed with the actual and the expected text. */
static inline void
cases_result(bool held, const char *name, const char *got, const char *expected)
{
	if (cases_as_tap)
		ok(held, "%s", name);
	else if (!held)
		printf("FAILED %s\n", name);
	if (!held)
		printf("#      got: %s\n# expected: %s\n", got, expected);
	if (held)
		cases_passed++;
	else
		cases_failed++;
}

/* Ends the program's output; main() returns what this returns. */
static inline int
cases_end(void)
{
	if (cases_passed + cases_failed == 0)
		cases_result(false, "there are cases to run", "none", "some");
	if (cases_as_tap)
		return tap_end();
	printf("%d passed, %d failed\n", cases_passed, cases_failed);
	return cases_failed != 0;
}

/* Reads a whole file; the caller frees the bytes. */
static inline bool
cases_read_file(const char *path, HlBytes *bytes)
{
	FILE *file = fopen(path, "rb");
	char piece[4096];
	size_t len;

	if (file == NULL)
		return false;
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		hl_bytes_append(bytes, piece, len);
	return fclose(file) == 0 && !bytes->failed;
}

/* Reads a JSON file; a malformed one is a failed case. */
static inline bool
cases_read_json(const char *path, HlJsonDocument *document)
{
	HlBytes text = {0};
	bool read = cases_read_file(path, &text) &&
				hl_json_read(document, hl_bytes_string(&text), text.len);

	if (!read)
		cases_result(false, path, "unreadable", "a file of JSON");
	hl_bytes_free(&text);
	return read;
}

/* A string member, or a substitute. */
static inline const char *
cases_string(const HlJson *node, const char *name, const char *substitute)
{
	const HlJson *member = hl_json_member(node, name);

	return hl_json_kind(member) == HL_JSON_STRING ? hl_json_string(member)
												  : substitute;
}

/* Whether a member is true. */
static inline bool
cases_true(const HlJson *node, const char *name)
{
	return hl_json_kind(hl_json_member(node, name)) == HL_JSON_TRUE;
}

/* The path of a file in the program's folder; to be freed. */
static inline char *
cases_beside(const char *program, const char *name)
{
	const char *slash = strrchr(program, '/');
	int len = slash != NULL ? (int) (slash - program) : 1;
	HlBytes path = {0};

	hl_bytes_format(&path, "%.*s/%s", len, slash != NULL ? program : ".", name);
	return path.data;
}

/* The path of published cases, to be freed; NULL: not available. */
static inline char *
cases_published(const char *name)
{
	const char *folder = getenv("HEALTHLAKE_CASES");
	HlBytes path = {0};
	FILE *file;

	if (folder != NULL && *folder != '\0')
		hl_bytes_format(&path, "%s/%s", folder, name);
	file = path.data != NULL ? fopen(path.data, "r") : NULL;
	if (file == NULL)
	{
		hl_bytes_free(&path);
		ok(1, "published cases: %s # SKIP not here", name);
		return NULL;
	}
	fclose(file);
	return path.data;
}

#endif
