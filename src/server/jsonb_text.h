/*
 * jsonb_text.h
 *	  jsonb as JSON in UTF-8. A number of ten bytes in jsonb may have a hundred
 *	  thousand digits, so the length is determined before anything is written:
 *	  two kilobytes may be a gigabyte of JSON.
 */
#ifndef HL_SERVER_JSONB_TEXT_H
#define HL_SERVER_JSONB_TEXT_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * Whether jsonb has more bytes as JSON in UTF-8, even without blanks and
 * separators. Takes no more memory than the longest number. Can be cancelled.
 */
extern bool hl_jsonb_is_longer(Jsonb *json, size_t most);

/*
 * The JSON, palloc'd; NULL if it is longer. The separators and blanks do not
 * count, so it may have more bytes. Throws what hl_text_to_utf8() throws.
 */
extern char *hl_jsonb_text(Jsonb *json, size_t most);

#endif
