/*
 * process.c
 *	  Credentials that a program prints (credential_process). The program runs
 *	  to its end, for at most the time of one attempt. Meanwhile other calls of
 *	  the set do not advance; no other provider blocks them.
 */
#include "postgres.h"

#include "credentials/steps.h"
#include "server/process.h"

static HlProviderAnswer
process_step(HlProvider *provider, const HlReply *reply)
{
	char *reason = hl_process_run(provider->plan->command,
								  provider->patience_ms, &provider->token);

	if (reason != NULL)
		return hl_provider_blame(provider, reason);
	return hl_provider_take_json(provider, HL_ISSUED_PROCESS, &provider->token);
}

const HlProviderKind hl_process_provider = {
	process_step,
	"Run the program of credential_process as the server's user, and see what "
	"it prints."};
