/*
 * portal.c
 *	  Portals that must not run their query again, and rows that must not be
 *	  computed again.
 *
 * PersistHoldablePortal() (portalcmds.c) rewinds a portal with
 * CURSOR_OPT_SCROLL at COMMIT and runs it from its beginning; so does a
 * backward fetch (DoPortalRewind() and PortalRunSelect(), pquery.c). A plain
 * DECLARE, a cursor of PL/pgSQL and its FOR loop have that option if the plan
 * can run backwards. Both places check the option only when they are about to
 * rewind, so removing it in time is sufficient: COMMIT then computes only the
 * remaining rows, and a backward fetch is an error.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "call/error.h"
#include "call/portal.h"
#include "call/transaction.h"

/*
 * Whether a portal runs its query now. A portal with a tuplestore has computed
 * its rows, or is doing so, and moves backwards in the tuplestore; its
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
 * A function in a cursor's query may run cursors itself, and ActivePortal is
 * only the innermost one. The others can only be found by name.
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

/*
 * Whether a row is being computed again because another transaction has
 * updated it. EvalPlanQualStart() (execMain.c) makes its executor state in the
 * memory of the statement's; any other is made in that of a portal, of SPI or
 * of a function.
 */
static bool
is_recheck(void)
{
	MemoryContext inner = CurrentMemoryContext;
	MemoryContext outer;

	if (IsolationUsesXactSnapshot())
		return false;
	for (; (outer = inner->parent) != NULL; inner = outer)
		if (strcmp(inner->name, "ExecutorState") == 0 &&
			strcmp(outer->name, "ExecutorState") == 0)
			return true;
	return false;
}

/* Drivers repeat 40001 by themselves, and a change of the transaction too. */
static void
refuse_recheck(const char *function)
{
	bool changed = hl_transaction_is_changed();

	ereport(ERROR,
			(errcode(changed ? HL_ERRCODE_UNKNOWN_OUTCOME
							 : ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("%s() cannot be called again for a row that another "
					"transaction has updated",
					function),
			 errhint(changed ? "Before the transaction is run again, check "
							   "what it has changed in AWS. To prevent this, "
							   "lock the row in a statement before: SELECT "
							   "... FOR UPDATE."
							 : "Run the transaction again. To prevent this, "
							   "lock the row in a statement before: SELECT "
							   "... FOR UPDATE.")));
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
	if (is_recheck())
		refuse_recheck(function);
	if (is_running(ActivePortal))
		forbid_scrolling(ActivePortal);
	/* the protocol's unnamed portal is always the outermost */
	if (!PortalIsValid(ActivePortal) || ActivePortal->name[0] != '\0')
		forbid_outer();
}
