/*
 * credentials.c
 *	  Finds, keeps and renews credentials.
 *
 * Kept credentials are found by a digest of all their inputs: the plan with
 * its keys and roles, the contents of AWS's files, the SQL roles, and the
 * endpoint and CA bundle of STS. So a caller with other settings, or another
 * user, has another digest and finds nothing.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include "miscadmin.h"

#include "base/line.h"
#include "credentials/credentials.h"
#include "credentials/endpoints.h"
#include "credentials/profiles.h"
#include "credentials/steps.h"
#include "server/clock.h"
#include "server/owned.h"
#include "server/random.h"
#include "server/settings.h"
#include "server/text.h"
#include "utils/memutils.h"

/* Called with the memory context, and before others are used. */
static void
let_go(void *argument)
{
	HlCredentials *credentials = argument;

	if (credentials->held != NULL)
		hl_keychain_release(credentials->held);
	credentials->held = NULL;
}

HlCredentials *
hl_credentials_create(const char *region, const char *ca_bundle,
					  const char *proxy)
{
	HlCredentials *credentials = hl_owned_create(sizeof(HlCredentials), let_go);

	credentials->region = region;
	credentials->ca_bundle = ca_bundle;
	credentials->proxy = proxy;
	credentials->session_name = hl_plan_session_name();
	credentials->user = GetUserId();
	credentials->session_user = GetSessionUserId();
	credentials->memory = CurrentMemoryContext;
	return credentials;
}

/* A copy that lives as long as the credentials; NULL for NULL. */
static const char *
copy(const HlCredentials *credentials, const char *text)
{
	return text != NULL ? MemoryContextStrdup(credentials->memory, text) : NULL;
}

static HlCredentialsState
refuse(HlCredentials *credentials, const char *reason, const char *hint)
{
	credentials->reason = copy(credentials, reason);
	credentials->hint = copy(credentials, hint);
	return HL_CREDENTIALS_MISSING;
}

/* Points the keys into the held credentials. */
static HlCredentialsState
use(HlCredentials *credentials, HlHeld *held)
{
	const HlIssued *issued = &held->issued;
	const char *token = hl_bytes_string(&issued->session_token);

	let_go(credentials);
	credentials->held = held;
	credentials->keys =
		(HlSigv4Credentials){hl_bytes_string(&issued->access_key_id),
							 hl_bytes_string(&issued->secret_access_key),
							 token[0] != '\0' ? token : NULL};
	credentials->expires = issued->expires;
	credentials->expires_at = issued->expires_at;
	return HL_CREDENTIALS_FOUND;
}

HlCredentialsState
hl_credentials_use(HlCredentials *credentials, HlHeld *held)
{
	hl_keychain_hold(held);
	return use(credentials, held);
}

/* ------------------------------------------------------------------- plan */

/*
 * Uses keys of the plan itself. They are copied, since a setting or a file may
 * change.
 */
static HlCredentialsState
use_lasting(HlCredentials *credentials)
{
	const HlPlan *plan = credentials->plan;
	HlIssued issued = {0};
	HlIssuedParts parts = {plan->keys.access_key_id,
						   plan->keys.secret_access_key,
						   plan->keys.session_token, plan->expiration};
	HlHeld *held = NULL;
	bool set = hl_issued_set(&issued, &parts);
	bool short_of_memory = issued.no_memory;

	if (short_of_memory)
		;
	else if (!set)
		refuse(credentials, psprintf("%s: %s", plan->source, issued.reason),
			   psprintf("Correct the credentials of %s.", plan->source));
	else if (issued.expires && issued.expires_at <= hl_clock_unix())
		refuse(credentials,
			   psprintf("credentials of %s expired at %s", plan->source,
						hl_provider_time(issued.expires_at)),
			   "Renew them, and start the server with the new ones.");
	else
	{
		held = hl_keychain_lend(&issued);
		short_of_memory = held == NULL;
	}
	hl_issued_wipe(&issued);
	hl_text_refuse_memory(short_of_memory);
	return held == NULL ? HL_CREDENTIALS_MISSING : use(credentials, held);
}

/* Adds a text to the digest with its length, so that different lists differ. */
static void
mark(HlBytes *bytes, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);

	hl_bytes_append(bytes, &len, sizeof(len));
	hl_bytes_append(bytes, text, len);
}

/* Adds the roles of a plan. */
static void
mark_roles(HlBytes *bytes, const HlPlan *plan)
{
	for (int i = 0; i < plan->nroles; i++)
	{
		mark(bytes, plan->roles[i].role_arn);
		mark(bytes, plan->roles[i].session_name);
		mark(bytes, plan->roles[i].external_id);
		mark(bytes, plan->roles[i].duration);
	}
}

/*
 * Digests everything that the keys come from. OpenSSL can only fail for lack of
 * memory.
 */
static void
digest(HlCredentials *credentials)
{
	const HlPlan *plan = credentials->plan;
	const char *const texts[] = {plan->source,
								 plan->keys.access_key_id,
								 plan->keys.secret_access_key,
								 plan->keys.session_token,
								 plan->expiration,
								 plan->file,
								 plan->command,
								 plan->authorization,
								 plan->url.authority,
								 plan->url.path,
								 plan->sso_region,
								 plan->sso_role,
								 plan->sso_account,
								 plan->sts != NULL ? plan->sts->url : NULL,
								 plan->sts_reason,
								 plan->portal != NULL ? plan->portal->url
													  : NULL,
								 plan->portal_reason,
								 credentials->region,
								 credentials->ca_bundle,
								 credentials->proxy};
	unsigned char whole[EVP_MAX_MD_SIZE];
	HlBytes bytes = {.secret = true};
	bool done;

	for (size_t i = 0; i < lengthof(texts); i++)
		mark(&bytes, texts[i]);
	mark_roles(&bytes, plan);
	hl_profiles_mark(&bytes);
	hl_bytes_append(&bytes, &credentials->user, sizeof(Oid));
	hl_bytes_append(&bytes, &credentials->session_user, sizeof(Oid));
	hl_bytes_append(&bytes, &plan->kind, sizeof(plan->kind));
	hl_bytes_append(&bytes, &plan->optional, sizeof(bool));
	hl_bytes_append(&bytes, &plan->url.tls, sizeof(bool));
	done = !bytes.failed && EVP_Digest(bytes.data, bytes.len, whole, NULL,
									   EVP_sha256(), NULL) == 1;
	hl_bytes_wipe(&bytes);
	hl_text_refuse_memory(!done);
	memcpy(credentials->key, whole, HL_KEYCHAIN_KEY);
}

/* Makes the plan in its own memory context, which a provider may take over. */
static bool
make_plan(HlCredentials *credentials, List **notes)
{
	if (credentials->plan_memory != NULL)
		MemoryContextDelete(credentials->plan_memory);
	credentials->plan = NULL;
	credentials->plan_memory = AllocSetContextCreate(
		credentials->memory, "healthlake plan", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(credentials->plan_memory);
	credentials->plan = palloc(sizeof(HlPlan));
	if (!hl_plan_make(credentials->plan, credentials->session_name, notes))
		return false;
	if (credentials->plan->kind == &hl_sso_provider)
		hl_endpoints_find_portal(credentials->plan);
	if (credentials->plan->nroles > 0)
		hl_endpoints_find_sts(credentials->plan, credentials->region);
	return true;
}

bool
hl_credentials_plan(HlCredentials *credentials, List **notes)
{
	MemoryContext caller = CurrentMemoryContext;
	bool made = make_plan(credentials, notes);
	const HlPlan *plan = credentials->plan;

	MemoryContextSwitchTo(caller);
	if (!made)
	{
		refuse(credentials, plan->reason, plan->hint);
		return false;
	}
	credentials->source =
		MemoryContextStrdup(credentials->memory, plan->source);
	credentials->lasting = plan->lasting && plan->nroles == 0;
	if (credentials->lasting)
		return use_lasting(credentials) == HL_CREDENTIALS_FOUND;
	digest(credentials);
	return true;
}

/* ------------------------------------------------------------------- look */

static HlRefreshNeed
renewal_need(const HlHeld *held)
{
	return hl_refresh_need(&held->lease, hl_clock_unix(), hl_clock_steady());
}

/* Whether keys can be used and need no renewal yet. */
static bool
is_fresh(const HlHeld *held)
{
	return held->issued.access_key_id.len > 0 &&
		   renewal_need(held) == HL_REFRESH_NONE;
}

HlCredentialsState
hl_credentials_look(HlCredentials *credentials)
{
	HlHeld *kept;

	if (credentials->lasting ||
		(credentials->held != NULL && is_fresh(credentials->held)))
		return HL_CREDENTIALS_FOUND;
	kept = hl_keychain_find(credentials->key);
	if (kept != NULL && hl_clock_steady() < kept->forget_at)
		return refuse(credentials, kept->failure,
					  kept->hint[0] != '\0' ? kept->hint : NULL);
	if (kept != NULL && is_fresh(kept))
		return hl_credentials_use(credentials, kept);
	credentials->hasty = kept != NULL && kept->issued.access_key_id.len > 0 &&
						 renewal_need(kept) == HL_REFRESH_ADVISED;
	return HL_CREDENTIALS_WANTED;
}

/*
 * Makes a new plan during a call. Errors of settings, environment or AWS's
 * files become a reason, since the call decides how to report them.
 */
static bool
plan_anew(HlCredentials *credentials)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool made = false;

	PG_TRY();
	{
		hl_profiles_read();
		made = hl_credentials_plan(credentials, NULL);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) ==
			ERRCODE_OPERATOR_INTERVENTION)
			PG_RE_THROW();
		FlushErrorState();
		refuse(credentials, error->message, error->hint);
	}
	PG_END_TRY();
	return made;
}

/*
 * The reason if the same keys were returned again; NULL if no provider issues
 * them.
 */
static const char *
given_again(const HlCredentials *credentials)
{
	return credentials->lasting ? NULL
								: psprintf("credentials of %s have expired, "
										   "and it returned the same again",
										   credentials->source);
}

HlCredentialsState
hl_credentials_reject(HlCredentials *credentials, const char *key_id)
{
	HlCredentialsState state;

	if (credentials->held != NULL &&
		strcmp(credentials->keys.access_key_id, key_id) == 0)
		credentials->held->lease.refused = true;
	if (!plan_anew(credentials))
		return HL_CREDENTIALS_MISSING;
	state = hl_credentials_look(credentials);
	if (state == HL_CREDENTIALS_FOUND &&
		strcmp(credentials->keys.access_key_id, key_id) == 0)
		return refuse(credentials, given_again(credentials), NULL);
	return state;
}

/* -------------------------------------------------------------- providers */

HlProvider *
hl_credentials_ask(HlCredentials *credentials)
{
	HlProvider *provider = hl_provider_create();

	Assert(credentials->plan != NULL);
	MemoryContextSetParent(credentials->plan_memory, CurrentMemoryContext);
	provider->plan = credentials->plan;
	provider->region = pstrdup(credentials->region);
	provider->hasty = credentials->hasty;
	credentials->plan = NULL;
	credentials->plan_memory = NULL;
	return provider;
}

/*
 * Delays the next renewal if a source returns keys that should be renewed
 * already: instance metadata has no others until shortly before their end.
 */
static void
spare_source(HlLease *lease)
{
	int64 steady = hl_clock_steady();

	if (hl_refresh_need(lease, lease->fetched_at, steady) != HL_REFRESH_NONE)
		lease->retry_at = steady + (lease->expires_at - lease->fetched_at) / 2;
}

HlHeld *
hl_credentials_keep(HlProvider *provider, const unsigned char *key)
{
	const HlPlan *plan = provider->plan;
	HlHeld *held = hl_keychain_add(key, &provider->issued);

	if (held == NULL)
	{
		provider->issued.no_memory = true;
		provider->reason = pstrdup("out of memory");
		return NULL;
	}
	held->lease = (HlLease){.expires = held->issued.expires,
							.expires_at = held->issued.expires_at,
							.fetched_at = hl_clock_unix(),
							.stable = plan->kind != &hl_process_provider ||
									  plan->nroles > 0};
	spare_source(&held->lease);
	hl_keychain_hold(held);
	return held;
}

/* The reason why kept credentials cannot be used any longer. */
static char *
expiry_reason(const HlHeld *kept, const HlPlan *plan, char *failure)
{
	const HlLease *lease = kept != NULL ? &kept->lease : NULL;

	if (kept == NULL || kept->issued.access_key_id.len == 0)
		return failure;
	if (lease->expires && lease->expires_at <= hl_clock_unix())
		return psprintf("credentials of %s expired at %s and could not be "
						"renewed: %s",
						plan->source, hl_provider_time(lease->expires_at),
						failure);
	if (lease->refused)
		return psprintf(
			"AWS reports that the credentials of %s have expired%s%s, and they "
			"could not be renewed: %s",
			plan->source,
			lease->expires ? ", although they are valid until " : "",
			lease->expires ? hl_provider_time(lease->expires_at) : "", failure);
	return failure;
}

/* Copies a text; "" for NULL. */
static void
keep_words(char *kept, size_t size, const char *text)
{
	hl_line_copy(kept, size, text, text != NULL ? strlen(text) : 0);
}

/*
 * After a failed renewal: the old keys, for five to ten minutes without
 * another attempt; else none. A permanent failure is cached for a few seconds.
 */
HlHeld *
hl_credentials_do_without(HlProvider *provider, const unsigned char *key)
{
	HlHeld *kept = hl_keychain_find(key);
	HlIssued none = {0};
	int64 steady = hl_clock_steady();

	if (kept != NULL && kept->issued.access_key_id.len > 0 &&
		!provider->final && hl_refresh_may_serve(&kept->lease, hl_clock_unix()))
	{
		kept->lease.retry_at =
			hl_refresh_retry_at(steady, hl_random_fraction());
		hl_keychain_hold(kept);
		return kept;
	}
	provider->passed_over = provider->nobody ? provider->reason : NULL;
	provider->reason = provider->nobody ? pstrdup("no AWS credentials found")
										: expiry_reason(kept, provider->plan,
														provider->reason);
	if (kept == NULL && provider->final)
		kept = hl_keychain_add(key, &none);
	if (kept != NULL)
	{
		keep_words(kept->failure, sizeof(kept->failure), provider->reason);
		keep_words(kept->hint, sizeof(kept->hint), provider->hint);
		kept->forget_at = hl_refresh_forget_at(steady, hl_random_fraction());
	}
	return NULL;
}

bool
hl_credentials_forget(void)
{
	bool kept = hl_keychain_forget();

	hl_profiles_forget();
	return kept;
}
