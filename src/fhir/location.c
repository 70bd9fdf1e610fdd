/*
 * location.c
 *	  Type, id and version off the end of a Location.
 */
#include "postgres.h"

#include "fhir/location.h"
#include "fhir/types.h"

/* Cuts the last segment of a path off; NULL: there is none. */
static char *
cut_segment(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		return NULL;
	*slash = '\0';
	return slash + 1;
}

bool
hl_fhir_location(const char *location, HlFhirLocation *named)
{
	char *rest = psprintf("/%s", location);
	char *last = cut_segment(rest);
	char *before = cut_segment(rest);

	*named = (HlFhirLocation){.type = before, .id = last};
	if (before != NULL && strcmp(before, "_history") == 0)
	{
		named->version = last;
		named->id = cut_segment(rest);
		named->type = named->id != NULL ? cut_segment(rest) : NULL;
	}
	return named->type != NULL && hl_fhir_is_type(named->type) &&
		   hl_fhir_is_id(named->id) &&
		   (named->version == NULL || hl_fhir_is_id(named->version));
}
