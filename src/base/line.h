/*
 * line.h
 *	  External text as part of a message: one line of UTF-8 of limited length.
 *	  Whatever may reach an error, the log or the audit trail passes here.
 */
#ifndef HL_BASE_LINE_H
#define HL_BASE_LINE_H

#include <stddef.h>

#include "base/bytes.h"

/* The most that is told of a message from outside, in bytes. */
#define HL_LINE_LONGEST 8192

/*
 * Appends text: blanks for control characters, question marks for invalid
 * UTF-8, and dots if there are more than "longest" bytes. It is truncated
 * between characters.
 */
extern void hl_line_append(HlBytes *line, const char *text, size_t len,
						   size_t longest);

/* The same into an array of a size above three, terminated, dots included. */
extern void hl_line_copy(char *line, size_t size, const char *text, size_t len);

#endif
