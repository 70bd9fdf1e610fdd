/*
 * fetch.c
 *	  The protocol of metadata services and of the single sign-on portal: an
 *	  unsigned request with any reply. Since a reply may contain secrets, only
 *	  the status of an error is reported.
 */
#include "postgres.h"

#include "engine/protocol.h"

static void
write_head(const HlCall *call, HlHead *head)
{
}

static HlOutcome
judge(HlCall *call, const HlHttpReply *http)
{
	return HL_OUTCOME_SUCCESS;
}

static HlOutcome
explain(HlCall *call, const HlHttpReply *http)
{
	return http->status >= 500 ? HL_OUTCOME_FAULT : HL_OUTCOME_REFUSED;
}

const HlProtocol hl_fetch = {
	.secret = true, .write = write_head, .judge = judge, .explain = explain};
