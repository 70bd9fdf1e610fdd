/*
 * steps.h
 *	  The kinds of providers, each in a file of its own, and the functions that
 *	  they share. A plan names one of the kinds.
 */
#ifndef HL_CREDENTIALS_STEPS_H
#define HL_CREDENTIALS_STEPS_H

#include "credentials/provider.h"

/* Asks a source, or assumes a role: one step, given the last reply. */
typedef HlProviderAnswer (*HlProviderStep)(HlProvider *provider,
										   const HlReply *reply);

typedef struct HlProviderKind
{
	HlProviderStep step;
	const char *hint; /* what to correct if the source returns no keys */
} HlProviderKind;

extern const HlProviderKind hl_web_identity_provider;
extern const HlProviderKind hl_sso_provider;
extern const HlProviderKind hl_process_provider;
extern const HlProviderKind hl_container_provider;
extern const HlProviderKind hl_instance_provider;

/* Says why there are no keys; the second with the source in front. */
extern HlProviderAnswer hl_provider_refuse(HlProvider *provider, char *reason);
extern HlProviderAnswer hl_provider_blame(HlProvider *provider,
										  const char *reason);

/* What went wrong with a request, as far as it may be told. */
extern const char *hl_provider_failure(const HlReply *reply);

/* Takes keys over that a reply has as JSON. */
extern HlProviderAnswer hl_provider_take_json(HlProvider *provider,
											  HlIssuedForm form,
											  const HlBytes *json);

/* A new fetch from where the plan says, path and all; palloc'd. */
extern HlProviderRequest *hl_provider_fetch(HlProvider *provider,
											const char *path);
extern void hl_provider_add_header(HlProviderRequest *request, const char *name,
								   const char *value);

/* Reads a token out of the file that the plan names; NULL, or why not. */
extern const char *hl_provider_read_token(HlProvider *provider);

/* Whether a header can hold a token. */
extern bool hl_provider_is_sendable(const HlBytes *token);

#endif
