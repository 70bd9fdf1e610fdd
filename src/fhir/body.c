/*
 * body.c
 *	  The limits of the bodies that are sent to the data plane.
 */
#include "postgres.h"

#include "fhir/body.h"
#include "server/jsonb_text.h"

/* The levels of a Bundle around a resource. */
#define BUNDLE_LEVELS 3

char *
hl_body_json(const HlOperation *operation, Jsonb *json, size_t most)
{
	char *text = hl_jsonb_text(json, most);

	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("body of %s is too large", operation->name),
						errdetail("It has more than %zu bytes; HealthLake "
								  "accepts %d.",
								  most, HL_BODY_MAX_BYTES)));
	return text;
}

int
hl_body_levels(const char *json)
{
	bool quoted = false;
	int levels = 0;
	int most = 0;

	for (; *json != '\0'; json++)
		if (quoted && *json == '\\' && json[1] != '\0')
			json++;
		else if (*json == '"')
			quoted = !quoted;
		else if (!quoted && (*json == '{' || *json == '['))
		{
			levels++;
			most = Max(most, levels);
		}
		else if (!quoted && (*json == '}' || *json == ']'))
			levels--;
	return most;
}

void
hl_body_check_size(const HlOperation *operation, size_t len)
{
	if (len > HL_BODY_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("body of %s is too large", operation->name),
						errdetail("It has %zu bytes; HealthLake accepts %d.",
								  len, HL_BODY_MAX_BYTES)));
}

/* No reply with such a resource could be read, after it was stored. */
void
hl_body_check(const HlOperation *operation, const char *json, bool bundle)
{
	int levels = hl_body_levels(json) - (bundle ? BUNDLE_LEVELS : 0);

	hl_body_check_size(operation, strlen(json));
	if (levels > HL_BODY_MAX_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("body of %s is nested too deeply", operation->name),
				 errdetail("It has %d levels of objects and arrays; a resource "
						   "can have %d.",
						   levels, HL_BODY_MAX_LEVELS),
				 errhint("A FHIR resource has few levels: look for a loop in "
						 "what builds it.")));
}
