/*
 * path.c
 *	  search_path of the extension's statements.
 */
#include "postgres.h"

#include "server/path.h"
#include "server/pinned.h"

int
hl_path_pin(void)
{
	return hl_pinned_set("search_path", "pg_catalog, pg_temp");
}

void
hl_path_release(int nest_level)
{
	hl_pinned_release(nest_level);
}
