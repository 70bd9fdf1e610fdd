/*
 * definition.c
 *	  Looks up elements in the table of definitions.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "fhirpath/definition.h"

/*
 * A hash table of owners, by their positions in the table from 1, since a
 * search is made for every choice of every resource.
 */
#define PLACES 4096
static uint16 places[PLACES];

/* Lists that elements of any owner may have. */
static const char always[] = " contained extension modifierExtension ";

static bool
has_name(const char *names, const char *name, int len)
{
	for (const char *at = names; (at = strchr(at, ' ')) != NULL; at++)
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == ' ')
			return true;
	return false;
}

/* Fills the hash table of owners. */
static void
fill_places(void)
{
	Assert(hl_definitions_count < PLACES / 2);
	for (int i = 0; i < hl_definitions_count; i++)
	{
		const char *owner = hl_definitions[i].owner;
		uint32 at =
			hash_bytes((const unsigned char *) owner, (int) strlen(owner));

		while (places[at % PLACES] != 0)
			at++;
		places[at % PLACES] = i + 1;
	}
}

/* The definition of an owner, or that for unknown owners. */
static const HlDefinition *
find_definition(const char *owner, int len)
{
	uint32 at = hash_bytes((const unsigned char *) owner, len);
	static bool filled = false;

	if (!filled)
		fill_places();
	filled = true;
	for (; places[at % PLACES] != 0; at++)
	{
		const HlDefinition *row = &hl_definitions[places[at % PLACES] - 1];

		if (strncmp(row->owner, owner, len) == 0 && row->owner[len] == '\0')
			return row;
	}
	return &hl_definitions[0];
}

bool
hl_definition_has_list(const char *owner, int ownerlen, const char *name,
					   int len)
{
	const HlDefinition *definition = find_definition(owner, ownerlen);

	return definition->lists[0] == '*' ||
		   has_name(definition->lists, name, len) ||
		   has_name(always, name, len);
}

bool
hl_definition_has_choice(const char *owner, int ownerlen, const char *name,
						 int len)
{
	return has_name(find_definition(owner, ownerlen)->choices, name, len);
}

bool
hl_definition_has_date(const char *owner, int ownerlen, const char *name,
					   int len)
{
	return has_name(find_definition(owner, ownerlen)->dates, name, len);
}

bool
hl_definition_is_resource(const char *name, int len)
{
	return len > 0 && find_definition(name, len)->is_resource;
}
