/*
 * names.c
 *	  Lists of distinct names.
 */
#include "postgres.h"

#include "audit/names.h"

#define WORD 64 /* the maximum length of a type or an id */

/* The length of an id at this place; 0 if there is none, or it is too long. */
static size_t
id_len(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
							  "wxyz0123456789.-");

	return len > WORD ? 0 : len;
}

bool
hl_names_is_id(const char *text)
{
	size_t len = id_len(text);

	return len > 0 && text[len] == '\0';
}

bool
hl_names_is_type(const char *text)
{
	return text[0] >= 'A' && text[0] <= 'Z' && hl_names_is_id(text) &&
		   strpbrk(text, ".-0123456789") == NULL;
}

/* Names contain neither quotes nor backslashes. */
void
hl_names_add(HlNames *names, const char *id)
{
	bool found;

	if (names->known == NULL)
	{
		HASHCTL control = {.keysize = 2 * WORD + 2,
						   .entrysize = 2 * WORD + 2,
						   .hcxt = CurrentMemoryContext};

		names->known = hash_create("healthlake names", 128, &control,
								   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
		initStringInfo(&names->array);
	}
	if (names->count == HL_NAMES_MOST)
	{
		names->overflow |=
			hash_search(names->known, id, HASH_FIND, NULL) == NULL;
		return;
	}
	(void) hash_search(names->known, id, HASH_ENTER, &found);
	if (found)
		return;
	appendStringInfo(&names->array, "%s\"%s\"", names->count == 0 ? "{" : ",",
					 id);
	names->count++;
}

void
hl_names_add_resource(HlNames *names, const char *type, const char *id)
{
	char name[2 * WORD + 2];

	snprintf(name, sizeof(name), "%s/%s", type, id);
	hl_names_add(names, name);
}

bool
hl_names_add_referred(HlNames *patients, const char *reference)
{
	const char *at = reference;
	char id[WORD + 1];
	size_t len;

	while ((at = strstr(at, "Patient/")) != NULL && at != reference &&
		   at[-1] != '/')
		at++;
	if (at == NULL)
		return false;
	at += strlen("Patient/");
	len = id_len(at);
	if (len == 0 || strchr("/?#|", at[len]) == NULL)
		return false;
	memcpy(id, at, len);
	id[len] = '\0';
	hl_names_add(patients, id);
	return true;
}

const char *
hl_names_finish(HlNames *names)
{
	if (names->count == 0)
		return NULL;
	hash_destroy(names->known);
	appendStringInfoChar(&names->array, '}');
	return names->array.data;
}
