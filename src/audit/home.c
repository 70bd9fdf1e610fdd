/*
 * home.c
 *	  Names this cluster and database.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "audit/home.h"

const char *
hl_home(void)
{
	static char home[HL_HOME_SIZE];

	if (home[0] == '\0')
		snprintf(home, sizeof(home), UINT64_FORMAT "/%u", GetSystemIdentifier(),
				 MyDatabaseId);
	return home;
}

Datum
hl_home_show(FunctionCallInfo fcinfo)
{
	PG_RETURN_TEXT_P(cstring_to_text(hl_home()));
}
