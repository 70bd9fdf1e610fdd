/*
 * quiet.c
 *	  PostgreSQL's variable that says where messages are sent.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"

#include "server/quiet.h"

static bool is_quiet = false;

void
hl_quiet_begin(void)
{
	if (whereToSendOutput != DestRemote)
		return;
	is_quiet = true;
	whereToSendOutput = DestNone;
}

/*
 * A process that is about to exit stays quiet: a commit that was interrupted
 * while it waited for a standby has not been acknowledged, and PostgreSQL has
 * its client see that (SyncRepWaitForLSN() in replication/syncrep.c).
 */
void
hl_quiet_end(void)
{
	if (is_quiet && !ProcDiePending)
		whereToSendOutput = DestRemote;
	is_quiet = false;
}
