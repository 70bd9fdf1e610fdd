/*
 * utf8.h
 *	  Characters as UTF-8 has them (The Unicode Standard, table 3-7): no
 *	  overlong forms, no surrogates, nothing beyond U+10FFFF.
 */
#ifndef HL_BASE_UTF8_H
#define HL_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes the character at the start has; 0 if that is not UTF-8. */
extern int hl_utf8_length(const char *text, size_t len);

/*
 * Writes a code point, which must be none of a surrogate, in one to four
 * bytes; gives their number.
 */
extern int hl_utf8_put(char *text, uint32_t point);

#endif
