/*
 * portal.c
 *	  Portals that must not run their query again.
 *
 *	  PersistHoldablePortal (portalcmds.c) rewinds a portal with
 *	  CURSOR_OPT_SCROLL at COMMIT and runs it from its beginning; so does a
 *	  fetch that goes back (DoPortalRewind and PortalRunSelect, pquery.c). A
 *	  plain DECLARE, a cursor of PL/pgSQL and its FOR loop have that option
 *	  wherever the plan can run backwards. Both places look at the option when
 *	  they are about to go back, so taking it away in time is enough: COMMIT
 *	  then computes the remaining rows alone, and going back is an error.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/portal.h"

#include "call/portal.h"

/*
 * Whether a portal runs its query now. What has a tuplestore has computed its
 * rows for good, or is just doing so, and goes back in the tuplestore; its
 * position there depends on the option.
 */
static bool
is_running(Portal portal)
{
	return PortalIsValid(portal) && portal->status == PORTAL_ACTIVE &&
		   portal->holdStore == NULL;
}

static void
forbid_scrolling(Portal portal)
{
	portal->cursorOptions &= ~CURSOR_OPT_SCROLL;
	portal->cursorOptions |= CURSOR_OPT_NO_SCROLL;
}

/*
 * A function that is called in a cursor's query may run cursors itself, and
 * ActivePortal is the innermost of them only. There is no other way to the
 * rest of them than their names.
 */
static void
forbid_outer(void)
{
	static SPIPlanPtr names = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (names == NULL)
	{
		names = SPI_prepare("SELECT c.name FROM pg_catalog.pg_cursor() AS c", 0,
							NULL);
		if (names == NULL || SPI_keepplan(names) != 0)
			elog(ERROR, "could not prepare the list of cursors");
	}
	if (SPI_execute_plan(names, NULL, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the list of cursors");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char *name =
			SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		Portal portal = GetPortalByName(name);

		if (is_running(portal))
			forbid_scrolling(portal);
	}
	SPI_finish();
}

void
hl_portal_forbid_rerun(const char *function)
{
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s() cannot be called within a security-restricted "
						"operation",
						function),
				 errdetail("PostgreSQL computes the queries of REFRESH "
						   "MATERIALIZED VIEW and similar commands again.")));
	if (is_running(ActivePortal))
		forbid_scrolling(ActivePortal);
	/* the protocol's unnamed portal is always the outermost */
	if (!PortalIsValid(ActivePortal) || ActivePortal->name[0] != '\0')
		forbid_outer();
}
