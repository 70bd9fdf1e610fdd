/*
 * path.c
 *	  A path of our own for statements of ours.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "server/path.h"

int
hl_path_pin(void)
{
	int nest_level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

void
hl_path_release(int nest_level)
{
	AtEOXact_GUC(true, nest_level);
}
