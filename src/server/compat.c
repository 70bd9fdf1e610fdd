/*
 * compat.c
 *	  Differences between PostgreSQL 15 and 19 that need a function.
 */
#include "postgres.h"

#include "utils/guc_tables.h"

#include "server/compat.h"

#if PG_VERSION_NUM >= 160000

/* The source of a setting's value. */
GucSource
hl_compat_setting_source(const char *name)
{
	return find_option(name, false, false, ERROR)->source;
}

#else

GucSource
hl_compat_setting_source(const char *name)
{
	struct config_generic **all = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions(); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i]->source;
	elog(ERROR, "setting %s does not exist", name);
}

#endif
