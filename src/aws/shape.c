/*
 * shape.c
 *	  Looks up members of shapes.
 */
#include "aws/shape.h"

#include <string.h>

const HlMember *
hl_shape_member(const HlShape *shape, const char *name, size_t len)
{
	for (int i = 0; i < shape->nmembers; i++)
	{
		const char *known = shape->members[i].name;

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return &shape->members[i];
	}
	return NULL;
}

bool
hl_shape_is_sensitive(const HlShape *shape)
{
	bool sensitive = shape->sensitive;

	for (int i = 0; !sensitive && i < shape->nmembers; i++)
		sensitive = hl_shape_is_sensitive(shape->members[i].shape);
	if (!sensitive && shape->element != NULL)
		sensitive = hl_shape_is_sensitive(shape->element);
	return sensitive ||
		   (shape->key != NULL && hl_shape_is_sensitive(shape->key));
}
