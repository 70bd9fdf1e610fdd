/*
 * repeat.c
 *	  Looks up which elements may be there several times.
 */
#include "postgres.h"

#include "fhirpath/repeating.h"

/* Lists that elements of any name may have, for they have FHIR's data types. */
static const char always[] =
	" additionalInstruction coding compartment contained doseAndRate event "
	"extension given line modifierExtension prefix profile security suffix "
	"tag telecom ";

/* Whether a list of names, each between blanks, contains one. */
static bool
has_name(const char *names, const char *name, int len)
{
	for (const char *at = names; (at = strchr(at, ' ')) != NULL; at++)
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == ' ')
			return true;
	return false;
}

/* Whether an element of a resource, or of an element, may be a list. */
bool
hl_repeating_has(const char *parent, int parentlen, const char *name, int len)
{
	int low = 0, high = hl_repeating_count - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		const HlRepeating *row = &hl_repeating[middle];
		int order = strncmp(row->parent, parent, parentlen);

		if (order == 0 && row->parent[parentlen] != '\0')
			order = 1;
		if (order == 0)
			return has_name(row->children, name, len) ||
				   has_name(always, name, len);
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return has_name(always, name, len);
}
