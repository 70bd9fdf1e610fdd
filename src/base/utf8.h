/*
 * utf8.h
 *	  UTF-8 (The Unicode Standard, table 3-7): no overlong forms, no
 *	  surrogates, nothing above U+10FFFF.
 */
#ifndef HL_BASE_UTF8_H
#define HL_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length in bytes of the character at the start; 0 if it is not UTF-8. */
extern int hl_utf8_length(const char *text, size_t len);

/*
 * Writes a code point, which must not be a surrogate, in one to four bytes;
 * returns their number.
 */
extern int hl_utf8_put(char *text, uint32_t point);

#endif
