/*
 * healthlake.c
 *	  The module: calls the initialization of each room.
 */
#include "postgres.h"

#pragma GCC visibility push(default)

#include "fmgr.h"

#include "audit/audit.h"
#include "call/last_call.h"
#include "call/recent.h"
#include "call/statistics.h"
#include "call/transaction.h"
#include "queue/wakeup.h"
#include "server/names.h"
#include "server/notice.h"
#include "server/settings.h"
#include "worker/launcher.h"

PG_MODULE_MAGIC;

void _PG_init(void);

/* Runs when the library is loaded; in the postmaster if it is preloaded. */
void
_PG_init(void)
{
	hl_settings_init();
	hl_names_init();
	hl_notice_init();
	hl_transaction_init();
	hl_last_call_init();
	hl_statistics_init();
	hl_recent_init();
	hl_wakeup_init();
	hl_launcher_init();
	hl_audit_init();
}

#pragma GCC visibility pop
