/*
 * tap.h
 *	  What a test program says, in the Test Anything Protocol: one line a
 *	  check, and the plan at the end. For one main() a program.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count = 0;
static int tap_failed = 0;

/* Reports a check. */
__attribute__((format(printf, 2, 3))) static inline int
ok(int held, const char *format, ...)
{
	va_list arguments;

	/* output before a crash is not lost */
	if (tap_count == 0)
		setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	printf("%sok %d - ", held ? "" : "not ", ++tap_count);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	if (!held)
		tap_failed++;
	return held;
}

/* Checks that two strings are equal, and prints both if not. */
static inline int
is(const char *got, const char *expected, const char *name)
{
	int equal = got == NULL || expected == NULL ? got == expected
												: strcmp(got, expected) == 0;

	ok(equal, "%s", name);
	if (!equal)
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)",
			   expected ? expected : "(null)");
	return equal;
}

/* Writes the plan; main() returns what this returns. */
static inline int
tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
