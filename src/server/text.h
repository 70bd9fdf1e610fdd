/*
 * text.h
 *	  Converts text between the database's encoding and UTF-8, which AWS uses.
 *	  Results are palloc'd, or the argument itself if nothing had to be
 *	  changed.
 */
#ifndef HL_SERVER_TEXT_H
#define HL_SERVER_TEXT_H

#include "postgres.h"

#include "base/bytes.h"

/*
 * External UTF-8 as text of the database, for messages: a character that the
 * database encoding lacks becomes a question mark. Never throws; NULL stays
 * NULL.
 */
extern const char *hl_text_from_utf8(const char *utf8);

/*
 * The same for values: throws if PostgreSQL's own conversion throws
 * (22P05), since a value with a character replaced would be another value.
 */
extern char *hl_text_value_from_utf8(const char *utf8, int len);

/*
 * External UTF-8 for a log line: at most 256 bytes, truncated between
 * characters and then ending in "...". Not for tokens, ids and ARNs, which
 * must be complete. NULL stays NULL.
 */
extern const char *hl_text_cut(const char *utf8);

/*
 * External UTF-8 as one line of a message, by base/line.h. Throws only 53200.
 * NULL stays NULL.
 */
extern const char *hl_text_line(const char *utf8);

/* hl_text_cut() for a text in the database's encoding, for a message. */
extern const char *hl_text_clip(const char *text);

/* Text of the database as UTF-8; throws 22023 when it is not valid. */
extern char *hl_text_to_utf8(const char *text, int len);

/* The same; NULL if it is not valid, or has no counterpart in UTF-8. */
extern char *hl_text_to_utf8_if_valid(const char *text, int len);

/*
 * Copies what was written to palloc'd memory and frees the bytes. Throws 53200
 * if they have failed, so that no incomplete value is used.
 */
extern char *hl_text_take(HlBytes *bytes);

/* Whether a word is in a NULL-terminated list. */
extern bool hl_text_is_listed(const char *const *list, const char *word);

/* Raises an error if malloc() has failed. */
extern void hl_text_refuse_memory(bool failed);

#endif
