/*
 * steps.h
 *	  The kinds of providers, each in its own file, and functions that they
 *	  share. A plan names one of the kinds.
 */
#ifndef HL_CREDENTIALS_STEPS_H
#define HL_CREDENTIALS_STEPS_H

#include "credentials/provider.h"

/* One step of a provider, given the last reply (NULL at first). */
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

/* Sets the reason and returns FAILURE; the second puts the source before it. */
extern HlProviderAnswer hl_provider_refuse(HlProvider *provider, char *reason);
extern HlProviderAnswer hl_provider_blame(HlProvider *provider,
										  const char *reason);

/* The failure of a request in words that contain no secret. */
extern const char *hl_provider_failure(const HlReply *reply);

/* Reads keys from a JSON reply. */
extern HlProviderAnswer hl_provider_take_json(HlProvider *provider,
											  HlIssuedForm form,
											  const HlBytes *json);

/* A new request to the plan's URL, with that path; palloc'd. */
extern HlProviderRequest *hl_provider_fetch(HlProvider *provider,
											const char *path);
extern void hl_provider_add_header(HlProviderRequest *request, const char *name,
								   const char *value);

/*
 * Reads the token of the plan's file. Returns NULL, or the reason of a
 * failure.
 */
extern const char *hl_provider_read_token(HlProvider *provider);

/* Whether a token can be sent in a header. */
extern bool hl_provider_is_sendable(const HlBytes *token);

#endif
