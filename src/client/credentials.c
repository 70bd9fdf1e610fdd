/*
 * credentials.c
 *	  Credentials found, kept and renewed.
 *
 * What is kept is kept under a digest of all that it came from: the plan with
 * its keys and roles, AWS's files as they were, the SQL roles, the place and
 * the trust of STS. Whoever has other settings, or is somebody else, plans
 * something else and finds nothing there.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "client/credentials.h"
#include "client/issue.h"
#include "client/keychain.h"
#include "client/plan.h"
#include "client/profiles.h"
#include "client/settings.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define EPOCH_SHIFT                                                            \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Microseconds since 1970. */
static int64
now(void)
{
	return GetCurrentTimestamp() + EPOCH_SHIFT;
}

/* A random number from 0 to 1. */
static double
jitter(void)
{
	uint32 number = 0;

	(void) pg_strong_random(&number, sizeof(number));
	return number / (double) PG_UINT32_MAX;
}

/* Lets go of what is kept: the memory context goes. */
static void
let_go(void *argument)
{
	HlCredentials *credentials = argument;

	if (credentials->held != NULL)
		hl_keychain_release(credentials->held);
	credentials->held = NULL;
}

/* Credentials that are yet to be found. */
HlCredentials *
hl_credentials_create(const HlClientConfig *limits, const char *region)
{
	HlCredentials *credentials = palloc0(sizeof(HlCredentials));

	credentials->limits = limits;
	credentials->region = region;
	credentials->callback.func = let_go;
	credentials->callback.arg = credentials;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &credentials->callback);
	return credentials;
}

/* Says why there are none. */
static bool
refuse(HlCredentials *credentials, const char *reason, const char *hint)
{
	credentials->reason = reason;
	credentials->hint = hint;
	return false;
}

/* Points the keys into what is held from now on. */
static void
point_into(HlCredentials *credentials, HlHeld *held)
{
	const char *token = hl_bytes_string(&held->issued.session_token);

	credentials->held = held;
	credentials->keys.access_key_id =
		hl_bytes_string(&held->issued.access_key_id);
	credentials->keys.secret_access_key =
		hl_bytes_string(&held->issued.secret_access_key);
	credentials->keys.session_token = token[0] != '\0' ? token : NULL;
}

/* Uses keys that lie where they always are; a copy, since that may change. */
static bool
use_lasting(HlCredentials *credentials, const HlPlan *plan)
{
	HlIssued issued = {0};
	HlIssuedParts parts = {plan->keys.access_key_id,
						   plan->keys.secret_access_key,
						   plan->keys.session_token, plan->expiration};
	HlHeld *held = NULL;

	credentials->source = plan->source;
	if (!hl_issued_set(&issued, &parts))
		refuse(credentials, psprintf("%s: %s", plan->source, issued.reason),
			   NULL);
	else if (issued.expires && issued.expires_at <= now())
		refuse(credentials,
			   psprintf("credentials of %s expired at %s", plan->source,
						hl_issue_time(issued.expires_at)),
			   "Renew them, and start the server with the new ones.");
	else if ((held = hl_keychain_lend(&issued)) == NULL)
		refuse(credentials, "out of memory", NULL);
	hl_issued_wipe(&issued);
	if (held == NULL)
		return false;
	point_into(credentials, held);
	credentials->lasting = true;
	credentials->expires = held->issued.expires;
	credentials->expires_at = held->issued.expires_at;
	return true;
}

/* Uses what is kept. */
static bool
use_held(HlCredentials *credentials, HlHeld *held, const HlPlan *plan)
{
	hl_keychain_hold(held);
	let_go(credentials);
	point_into(credentials, held);
	credentials->lasting = false;
	credentials->source = plan->source;
	credentials->expires = held->lease.expires;
	credentials->expires_at = held->lease.expires_at;
	return true;
}

/* Adds a text to what is digested, so that no two lists look the same. */
static void
mark(HlBytes *bytes, const char *text)
{
	if (text == NULL)
		text = "";
	hl_bytes_format(bytes, "%zu:", strlen(text));
	hl_bytes_append_string(bytes, text);
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

/* Digests all that credentials come from; false: that cannot be done. */
static bool
digest(const HlCredentials *credentials, const HlPlan *plan,
	   unsigned char key[EVP_MAX_MD_SIZE])
{
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
								 credentials->region,
								 credentials->limits->ca_bundle,
								 credentials->limits->proxy,
								 hl_settings.sts_endpoint_url};
	HlBytes bytes = {.secret = true};
	bool done;

	for (size_t i = 0; i < lengthof(texts); i++)
		mark(&bytes, texts[i]);
	mark_roles(&bytes, plan);
	hl_profiles_mark(&bytes);
	hl_bytes_format(&bytes, "%u:%u:%d:%d:%d", GetUserId(), GetSessionUserId(),
					plan->kind, hl_settings.use_fips_endpoint,
					hl_settings.use_dualstack_endpoint);
	done = !bytes.failed && EVP_Digest(bytes.data, bytes.len, key, NULL,
									   EVP_sha256(), NULL) == 1;
	hl_bytes_wipe(&bytes);
	return done;
}

/*
 * Spares a source that gives what should be renewed at once: instance metadata
 * has nothing else until shortly before the end.
 */
static void
spare_source(HlLease *lease)
{
	if (hl_refresh_need(lease, lease->fetched_at) != HL_REFRESH_NONE)
		lease->retry_at =
			lease->fetched_at + (lease->expires_at - lease->fetched_at) / 2;
}

/* Keeps what was issued, and uses it. */
static bool
keep_issued(HlCredentials *credentials, HlIssue *issue,
			const unsigned char *key)
{
	const HlPlan *plan = issue->plan;
	HlHeld *held = hl_keychain_add(key, &issue->issued);

	if (held == NULL)
		return refuse(credentials, "out of memory", NULL);
	held->lease =
		(HlLease){.expires = held->issued.expires,
				  .expires_at = held->issued.expires_at,
				  .fetched_at = now(),
				  .stable = plan->kind != HL_PLAN_PROCESS || plan->nroles > 0};
	spare_source(&held->lease);
	return use_held(credentials, held, plan);
}

/* Why credentials that were kept are of no use any more. */
static const char *
expiry_reason(const HlHeld *held, const HlPlan *plan, const char *failure)
{
	if (held == NULL || held->issued.access_key_id.len == 0)
		return failure;
	if (held->lease.expires && held->lease.expires_at <= now())
		return psprintf("credentials of %s expired at %s and could not be "
						"renewed: %s",
						plan->source, hl_issue_time(held->lease.expires_at),
						failure);
	if (held->lease.refused)
		return psprintf(
			"AWS says that the credentials of %s have expired%s%s, "
			"and they could not be renewed: %s",
			plan->source,
			held->lease.expires ? ", although they are valid until " : "",
			held->lease.expires ? hl_issue_time(held->lease.expires_at) : "",
			failure);
	return failure;
}

/*
 * What is left where nothing was issued: the old ones, for five to ten minutes
 * without another attempt; or nothing, which is remembered for a few seconds
 * if it is final.
 */
static bool
do_without(HlCredentials *credentials, const HlIssue *issue, HlHeld *held,
		   const unsigned char *key)
{
	HlIssued none = {0};
	int64 time = now();
	const char *reason;

	if (held != NULL && held->issued.access_key_id.len > 0 && !issue->final &&
		hl_refresh_may_serve(&held->lease, time))
	{
		held->lease.retry_at = hl_refresh_retry_at(time, jitter());
		return use_held(credentials, held, issue->plan);
	}
	reason = issue->nobody ? "no AWS credentials found"
						   : expiry_reason(held, issue->plan, issue->reason);
	if (held == NULL && issue->final)
		held = hl_keychain_add(key, &none);
	if (held != NULL)
	{
		strlcpy(held->failure, reason, sizeof(held->failure));
		held->forget_at = hl_refresh_forget_at(time, jitter());
	}
	return refuse(credentials, reason, issue->hint);
}

/* Has credentials issued, in memory of its own. */
static bool
issue_anew(HlCredentials *credentials, const HlPlan *plan, HlHeld *held,
		   const unsigned char *key)
{
	HlIssue *issue = hl_issue_create();

	issue->plan = plan;
	issue->limits = credentials->limits;
	issue->region = credentials->region;
	issue->hasty = held != NULL && held->issued.access_key_id.len > 0 &&
				   hl_refresh_need(&held->lease, now()) == HL_REFRESH_ADVISED;
	if (hl_issue_run(issue))
		return keep_issued(credentials, issue, key);
	return do_without(credentials, issue, held, key);
}

/* Finds credentials that somebody issues: kept ones, or new ones. */
static bool
find_issued(HlCredentials *credentials, const HlPlan *plan)
{
	unsigned char key[EVP_MAX_MD_SIZE];
	HlHeld *held;

	if (!digest(credentials, plan, key))
		return refuse(credentials, "OpenSSL has no SHA-256 for us", NULL);
	held = hl_keychain_find(key);
	if (held != NULL && now() < held->forget_at)
		return refuse(credentials, pstrdup(held->failure), NULL);
	if (held != NULL && held->issued.access_key_id.len > 0 &&
		hl_refresh_need(&held->lease, now()) == HL_REFRESH_NONE)
		return use_held(credentials, held, plan);
	return issue_anew(credentials, plan, held, key);
}

/* Finds credentials. */
bool
hl_credentials_find(HlCredentials *credentials, List **notes)
{
	HlPlan *plan = palloc(sizeof(HlPlan));

	if (!hl_plan_make(plan, notes))
		return refuse(credentials, plan->reason, plan->hint);
	if (plan->lasting && plan->nroles == 0)
	{
		let_go(credentials);
		return use_lasting(credentials, plan);
	}
	return find_issued(credentials, plan);
}

/* Finds others, once AWS has said that those with this key id have expired. */
bool
hl_credentials_renew(void *holder, const char *key_id, const char **why)
{
	HlCredentials *credentials = holder;

	if (strcmp(credentials->keys.access_key_id, key_id) != 0)
		return true; /* another call was here before */
	if (credentials->held != NULL)
		credentials->held->lease.refused = true;
	hl_profiles_read();
	if (!hl_credentials_find(credentials, NULL))
	{
		*why = credentials->reason;
		return false;
	}
	if (strcmp(credentials->keys.access_key_id, key_id) != 0)
		return true;
	if (!credentials->lasting)
		*why = psprintf("credentials of %s have expired, and it gave the same "
						"again",
						credentials->source);
	return false;
}

/* Wipes all that is kept. */
bool
hl_credentials_forget(void)
{
	bool kept = hl_keychain_forget();

	hl_profiles_forget();
	return kept;
}
