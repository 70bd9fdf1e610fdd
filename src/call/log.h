/*
 * log.h
 *	  Lines of key=value for the server's log. Values are quoted as JSON
 *	  strings, so that every event is one line.
 */
#ifndef HL_CALL_LOG_H
#define HL_CALL_LOG_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Whether the server's log contains such lines with the current settings. */
extern bool hl_log_is_on(void);

/* Appends key="value", the value in the database's encoding; NULL: nothing. */
extern void hl_log_append(StringInfo line, const char *key, const char *value);

/* Writes a line to the server's log only. */
extern void hl_log_write(const char *line);

#endif
