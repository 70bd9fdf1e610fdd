/*
 * process.c
 *	  Credentials that a program prints (credential_process). It is run to its
 *	  end, for as long as one attempt of the call may take: the one provider
 *	  that holds up the calls beside it.
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
