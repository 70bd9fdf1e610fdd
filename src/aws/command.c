/*
 * command.c
 *	  Splits command lines without a shell.
 */
#include "aws/command.h"

#include <stdlib.h>
#include <string.h>

/*
 * Copies one word without its quotes; returns the rest, or NULL if a quote is
 * not closed.
 */
static const char *
copy_word(const char *line, char **out)
{
	char quote = '\0';

	for (; *line != '\0'; line++)
	{
		if (quote == '\0' && strchr(" \t\r\n", *line) != NULL)
			break;
		if (quote == '\0' && (*line == '\'' || *line == '"'))
			quote = *line;
		else if (*line == quote)
			quote = '\0';
		else if (*line == '\\' &&
				 (quote == '\0' || (quote == '"' && line[1] != '\0' &&
									strchr("\"\\", line[1]) != NULL)))
		{
			if (line[1] == '\0')
				return NULL;
			*(*out)++ = *++line;
		}
		else
			*(*out)++ = *line;
	}
	*(*out)++ = '\0';
	return quote == '\0' ? line : NULL;
}

bool
hl_command_split(HlCommand *command, const char *line)
{
	char *out;

	*command = (HlCommand){0};
	command->size = strlen(line) + 1;
	out = command->text = malloc(command->size);
	if (out == NULL)
		command->reason = "out of memory";
	while (command->reason == NULL)
	{
		line += strspn(line, " \t\r\n");
		if (*line == '\0')
			break;
		if (command->count == HL_COMMAND_MAX_WORDS)
			command->reason = "the command has too many words";
		else
		{
			command->words[command->count++] = out;
			line = copy_word(line, &out);
			if (line == NULL)
				command->reason = "the command ends within quotes";
		}
	}
	if (command->reason == NULL &&
		(command->count == 0 || command->words[0][0] == '\0'))
		command->reason = "the command is empty";
	return command->reason == NULL;
}

void
hl_command_free(HlCommand *command)
{
	if (command->text != NULL)
		explicit_bzero(command->text, command->size);
	free(command->text);
	*command = (HlCommand){0};
}
