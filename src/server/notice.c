/*
 * notice.c
 *	  Notices that are kept from the server's log.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "server/notice.h"

static emit_log_hook_type next_hook = NULL;

/* Whether what is being reported is for the client alone. */
static bool for_client_alone = false;

/* Runs before a report is logged; other hooks have their own logs. */
static void
keep_from_log(ErrorData *report)
{
	if (for_client_alone && report->elevel == NOTICE)
		report->output_to_server = false;
	else if (next_hook != NULL)
		next_hook(report);
}

void
hl_notice_init(void)
{
	next_hook = emit_log_hook;
	emit_log_hook = keep_from_log;
}

void
hl_notice_tell(const char *text)
{
	HOLD_INTERRUPTS();
	for_client_alone = true;
	PG_TRY();
	{
		ereport(NOTICE, (errmsg_internal("%s", text), errhidestmt(true)));
	}
	PG_FINALLY();
	{
		for_client_alone = false;
	}
	PG_END_TRY();
	RESUME_INTERRUPTS();
}
