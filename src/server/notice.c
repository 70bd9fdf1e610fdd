/*
 * notice.c
 *	  Notices that are not written to the server's log.
 */
#include "postgres.h"

#include "server/notice.h"

static emit_log_hook_type next_hook = NULL;

/*
 * Set while a notice for the client only is reported. A report of an interrupt
 * may come in between, but that is no notice.
 */
static bool for_client_alone = false;

/*
 * emit_log_hook; other hooks are still called, since they may write other
 * logs.
 */
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
}
