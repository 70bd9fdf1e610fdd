/*
 * command.h
 *	  A command line taken apart as a shell would, and without one: blanks,
 *	  two kinds of quotes and backslashes; nothing is expanded. An HlCommand
 *	  starts zeroed, owns its words and ends in hl_command_free().
 */
#ifndef HL_AWS_COMMAND_H
#define HL_AWS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define HL_COMMAND_MAX_WORDS 128

typedef struct HlCommand
{
	char *words[HL_COMMAND_MAX_WORDS + 1]; /* NULL after the last */
	int count;
	char *text; /* what the words point into */
	size_t size;
	const char *reason; /* why it is no command; quotes nothing */
} HlCommand;

extern bool hl_command_split(HlCommand *command, const char *line);
extern void hl_command_free(HlCommand *command);

#endif
