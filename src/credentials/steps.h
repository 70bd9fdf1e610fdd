/*
 * steps.h
 *	  What the providers share, a file each: their steps, and how they say
 *	  what they want. For nobody else.
 */
#ifndef HL_CREDENTIALS_STEPS_H
#define HL_CREDENTIALS_STEPS_H

#include "credentials/provider.h"

/* Asks a source, or assumes a role: one step, given the last reply. */
typedef HlProviderAnswer (*HlProviderStep)(HlProvider *provider,
										   const HlReply *reply);

extern HlProviderAnswer hl_instance_step(HlProvider *provider,
										 const HlReply *reply);
extern HlProviderAnswer hl_container_step(HlProvider *provider,
										  const HlReply *reply);
extern HlProviderAnswer hl_sso_step(HlProvider *provider, const HlReply *reply);
extern HlProviderAnswer hl_process_step(HlProvider *provider,
										const HlReply *reply);

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
