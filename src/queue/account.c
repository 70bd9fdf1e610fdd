/*
 * account.c
 *	  Who asks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

#include "queue/account.h"

/* The client's address as inet_client_addr() gives it; NULL: it has none. */
static char *
client_address(void)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum address;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	if (fcinfo->isnull)
		return NULL;
	return DatumGetCString(DirectFunctionCall1(inet_out, address));
}

/* Adds what is known of this session. */
void
hl_account_add_client(HlParameters *row)
{
	hl_store_add_text(row, GetUserNameFromId(GetSessionUserId(), false));
	hl_store_add_text(row, client_address());
	hl_store_add_text(row, application_name);
}

/* Gives the fifth part of an ARN, which has twelve digits. */
char *
hl_account_of_arn(const char *arn)
{
	for (int part = 0; arn != NULL && part < 4; part++)
	{
		arn = strchr(arn, ':');
		if (arn != NULL)
			arn++;
	}
	if (arn == NULL || strspn(arn, "0123456789") != 12 || arn[12] != ':')
		return NULL;
	return pnstrdup(arn, 12);
}
