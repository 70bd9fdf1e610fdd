/*
 * command.h
 *	  Splits a command line into words as a shell does, without a shell:
 *	  blanks, single and double quotes, backslashes; nothing is expanded. An
 *	  HlCommand starts zeroed, owns its words and ends in hl_command_free().
 */
#ifndef HL_AWS_COMMAND_H
#define HL_AWS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define HL_COMMAND_MAX_WORDS 128

typedef struct HlCommand
{
	char *words[HL_COMMAND_MAX_WORDS + 1]; /* with NULL after the last */
	int count;
	char *text; /* holds the words */
	size_t size;
	const char *reason; /* why the line is invalid, without quoting it */
} HlCommand;

extern bool hl_command_split(HlCommand *command, const char *line);
extern void hl_command_free(HlCommand *command);

#endif
