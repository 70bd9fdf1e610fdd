/*
 * settings.c
 *	  The healthlake.* parameters.
 *
 * Credentials, files, endpoints and proxies may be set by superusers only (or
 * by roles with the privilege SET on them): each of them can make the server
 * disclose its credentials. A value that must never be shown has a check hook
 * with its own message, since PostgreSQL's message about an invalid value
 * quotes it.
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "aws/endpoint.h"
#include "aws/sts.h"
#include "base/scan.h"
#include "server/compat.h"
#include "server/dropped.h"
#include "server/settings.h"

#define MASK "****************"

/* The "extra" of a credential: the source of its value. */
typedef struct CredentialOrigin
{
	GucSource source;
} CredentialOrigin;

HlSettings hl_settings;
uint64 hl_settings_generation = 0;

/* The sources of the session's secrets, and whether they were ever exposed. */
static GucSource secret_source = PGC_S_DEFAULT;
static GucSource token_source = PGC_S_DEFAULT;
static GucSource bearer_source = PGC_S_DEFAULT;
static bool session_had_secrets = false;
static bool loaded_first = false;
static bool warned = false;

/* Whether a key contains other characters, such as a line break. */
static bool
is_miscopied(const char *value)
{
	size_t len = strlen(value);

	if (len > 0 && (isspace((unsigned char) value[0]) ||
					isspace((unsigned char) value[len - 1])))
		return true;
	while (*value != '\0' && !iscntrl((unsigned char) *value))
		value++;
	return *value != '\0';
}

/*
 * Refuses a value with a mask, which SHOW returns, since somebody who copies a
 * setting would replace the secret by it.
 */
static bool
refuse_mask(const char *value)
{
	if (value == NULL || strstr(value, MASK) == NULL)
		return true;
	GUC_check_errmsg("a masked value cannot be set as a credential");
	GUC_check_errhint("What SHOW displays of a credential is a mask. "
					  "Set the credential itself.");
	return false;
}

/* Notes the source of a credential. */
static bool
credential_check(char **newval, void **extra, GucSource source)
{
	CredentialOrigin *origin;

	if (!refuse_mask(*newval))
		return false;
	if (*newval != NULL && is_miscopied(*newval))
	{
		GUC_check_errmsg("a credential begins or ends with a blank, or has a "
						 "line break in it");
		GUC_check_errhint("Copy only the credential.");
		return false;
	}
	origin = hl_compat_guc_malloc(sizeof(CredentialOrigin));
	if (origin == NULL)
		return false;
	origin->source = source;
	*extra = origin;
	return true;
}

/*
 * Assign hook of settings that affect credentials: discards all that was
 * derived from them.
 */
static void
forget_on_assign(const char *newval, void *extra)
{
	hl_settings_generation++;
}

/* As above, and notes the source of the secret. */
static void
secret_access_key_assign(const char *newval, void *extra)
{
	if (extra != NULL)
		secret_source = ((CredentialOrigin *) extra)->source;
	session_had_secrets |= secret_source == PGC_S_SESSION;
	forget_on_assign(newval, extra);
}

/* As above, for the session token. */
static void
session_token_assign(const char *newval, void *extra)
{
	if (extra != NULL)
		token_source = ((CredentialOrigin *) extra)->source;
	session_had_secrets |= token_source == PGC_S_SESSION;
	forget_on_assign(newval, extra);
}

/* As above, for the bearer token, which does not affect credentials. */
static void
bearer_token_assign(const char *newval, void *extra)
{
	if (extra != NULL)
		bearer_source = ((CredentialOrigin *) extra)->source;
	session_had_secrets |= bearer_source == PGC_S_SESSION;
}

/*
 * Wipes a secret that the session itself has set. Its string is not shared,
 * since values of a file, a role or a database are kept separately for RESET.
 */
static void
wipe_if_of_session(char *secret, GucSource source)
{
	if (secret != NULL && source == PGC_S_SESSION)
		explicit_bzero(secret, strlen(secret));
}

/* Wipes secrets before PostgreSQL frees them. */
bool
hl_settings_wipe(void)
{
	bool had_secrets = session_had_secrets;

	wipe_if_of_session(hl_settings.secret_access_key, secret_source);
	wipe_if_of_session(hl_settings.session_token, token_source);
	wipe_if_of_session(hl_settings.bearer_token, bearer_source);
	session_had_secrets = false;
	return had_secrets;
}

/* Shows whether it is set, and the last four characters of a key id. */
static const char *
access_key_id_show(void)
{
	static char shown[sizeof(MASK) + 4];
	const char *value = hl_settings.access_key_id;
	size_t len = value == NULL ? 0 : strlen(value);

	if (len == 0)
		return "";
	snprintf(shown, sizeof(shown), "%s%s", MASK,
			 len >= 8 ? value + len - 4 : "");
	return shown;
}

static const char *
mask_of(const char *value)
{
	return value == NULL || value[0] == '\0' ? "" : MASK;
}

/* Shows only that a secret is set. */
static const char *
secret_access_key_show(void)
{
	return mask_of(hl_settings.secret_access_key);
}

/* Shows only that a session token is set. */
static const char *
session_token_show(void)
{
	return mask_of(hl_settings.session_token);
}

/* Shows only that a bearer token is set. */
static const char *
bearer_token_show(void)
{
	return mask_of(hl_settings.bearer_token);
}

/* Shows a proxy without user and password. */
static const char *
proxy_show(void)
{
	static char shown[512];
	const char *value = hl_settings.proxy == NULL ? "" : hl_settings.proxy;
	const char *at = strrchr(value, '@');
	size_t scheme = hl_scan_scheme(value);

	if (at == NULL)
		return value;
	/* without a scheme, :// is part of a password; none is that long */
	snprintf(shown, sizeof(shown), "%.*s%s%s",
			 scheme == 0 || scheme > 32 ? 0 : (int) scheme + 3, value, MASK,
			 at);
	return shown;
}

/* A region becomes part of a host name, so it must be a single label. */
static bool
region_check(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || hl_endpoint_is_region(*newval))
		return true;
	GUC_check_errdetail("A region has lower-case letters, digits and hyphens, "
						"such as us-east-1.");
	return false;
}

/*
 * A token becomes part of a header, so it must have the characters of RFC 6750.
 */
static bool
bearer_token_check(char **newval, void **extra, GucSource source)
{
	const char *c = *newval == NULL ? "" : *newval;
	bool is_empty = *c == '\0';

	if (!credential_check(newval, extra, source))
		return false;
	while (isalnum((unsigned char) *c) || (*c != '\0' && strchr("-._~+/", *c)))
		c++;
	if (is_empty || (c > *newval && c[strspn(c, "=")] == '\0'))
		return true;
	GUC_check_errmsg("invalid value for parameter \"%s\"",
					 "healthlake.bearer_token");
	GUC_check_errdetail("A bearer token has letters, digits and characters of "
						"-._~+/, and may end with =.");
	return false;
}

bool
hl_settings_is_datastore_id(const char *text)
{
	return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

/* An id becomes part of a path. */
static bool
datastore_id_check(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' ||
		hl_settings_is_datastore_id(*newval))
		return true;
	GUC_check_errdetail("The id of a data store has 32 hexadecimal digits in "
						"lower case.");
	if (strncmp(*newval, "arn:", 4) == 0)
		GUC_check_errhint(HL_SETTINGS_ARN_HINT);
	return false;
}

/* An entry of the list that is not an id is refused as a mistake. */
static bool
allowed_datastores_check(char **newval, void **extra, GucSource source)
{
	List *words = NIL;
	char *copy = pstrdup(*newval == NULL ? "" : *newval);
	bool valid = SplitGUCList(copy, ',', &words);
	ListCell *cell;

	foreach (cell, words)
		valid = valid && hl_settings_is_datastore_id(lfirst(cell));
	if (!valid)
		GUC_check_errdetail("Ids of data stores have 32 hexadecimal digits in "
							"lower case and are separated by commas.");
	if (!valid && strstr(*newval, "arn:") != NULL)
		GUC_check_errhint(HL_SETTINGS_ARN_HINT);
	return valid;
}

/* Checks an endpoint: https, or http to a loopback address. */
static bool
check_url(const char *name, const char *value)
{
	HlEndpoint endpoint;
	HlEndpointOutcome outcome;
	bool valid;

	if (value == NULL || *value == '\0')
		return true;
	outcome = hl_endpoint_read_url(value, &endpoint);
	valid = outcome == HL_ENDPOINT_OK;
	if (valid && (endpoint.tls || hl_endpoint_is_loopback(&endpoint)))
		return true;
	if (outcome == HL_ENDPOINT_NO_MEMORY)
		GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
	/* the value is not quoted, since it may contain a password */
	GUC_check_errmsg("invalid value for parameter \"%s\"", name);
	if (valid)
		GUC_check_errdetail("http is allowed only for a loopback address; "
							"anything else requires https.");
	else
		GUC_check_errdetail("The URL cannot be used: %s.", endpoint.reason);
	return false;
}

static bool
endpoint_url_check(char **newval, void **extra, GucSource source)
{
	return check_url("healthlake.endpoint_url", *newval);
}

static bool
sts_endpoint_url_check(char **newval, void **extra, GucSource source)
{
	return check_url("healthlake.sts_endpoint_url", *newval);
}

/* The words of credential_sources, single sign-on last: it is not standard. */
static const char *const source_words[] = {
	"settings",  "environment", "profile", "web_identity",
	"container", "metadata",    "sso"};

#define STANDARD_SOURCES                                                       \
	"settings, environment, profile, web_identity, container, metadata"

static bool
is_source_word(const char *word)
{
	for (size_t i = 0; i < lengthof(source_words); i++)
		if (strcmp(word, source_words[i]) == 0)
			return true;
	return false;
}

/* An unknown source is refused, since it would never be used. */
static bool
credential_sources_check(char **newval, void **extra, GucSource source)
{
	List *words = NIL;
	char *copy = pstrdup(*newval == NULL ? "" : *newval);
	bool valid = SplitIdentifierString(copy, ',', &words) && words != NIL;
	ListCell *cell;

	foreach (cell, words)
		valid = valid && is_source_word(lfirst(cell));
	if (!valid)
		GUC_check_errdetail("The sources are settings, environment, profile, "
							"web_identity, container, metadata and sso.");
	return valid;
}

static bool
role_arn_check(char **newval, void **extra, GucSource source)
{
	const char *c = *newval;

	if (c == NULL || *c == '\0')
		return true;
	while (*c > ' ' && *c <= '~')
		c++;
	if (*c == '\0' && strncmp(*newval, "arn:", 4) == 0 &&
		strlen(*newval) >= 20 && strlen(*newval) <= 2048)
		return true;
	GUC_check_errdetail("A role is named by its ARN, such as "
						"arn:aws:iam::123456789012:role/ward.");
	return false;
}

/* The name must have the characters that STS allows. */
static bool
role_session_name_check(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || hl_sts_is_session_name(*newval))
		return true;
	GUC_check_errdetail("The name has 2 to 64 letters, digits and characters "
						"of _+=,.@-.");
	return false;
}

/* A proxy may contain a password, so an invalid one is not quoted. */
static bool
proxy_check(char **newval, void **extra, GucSource source)
{
	const char *c;

	if (!refuse_mask(*newval))
		return false;
	for (c = *newval; c != NULL && *c != '\0'; c++)
		if ((unsigned char) *c <= ' ' || *c == 0x7f)
		{
			GUC_check_errmsg("invalid value for parameter \"%s\"",
							 "healthlake.proxy");
			GUC_check_errdetail("The address of a proxy has no blanks.");
			return false;
		}
	return true;
}

/* An entry of the list that is not a region is refused as a mistake. */
static bool
allowed_regions_check(char **newval, void **extra, GucSource source)
{
	List *words = NIL;
	char *copy = pstrdup(*newval == NULL ? "" : *newval);
	bool valid = SplitGUCList(copy, ',', &words); /* keeps the case */
	ListCell *cell;

	foreach (cell, words)
		valid = valid && hl_endpoint_is_region(lfirst(cell));
	if (!valid)
		GUC_check_errdetail("Regions are in lower case and separated by "
							"commas, such as us-east-1, us-west-2.");
	return valid;
}

/* A list of tag keys, which keep their case, unlike regions. */
static bool
tags_check(char **newval, void **extra, GucSource source)
{
	List *words = NIL;

	if (SplitGUCList(pstrdup(*newval == NULL ? "" : *newval), ',', &words))
		return true;
	GUC_check_errdetail("Keys of tags are separated by commas; one with a "
						"comma or a blank in it is double-quoted.");
	return false;
}

/* A list of databases, which keep their case if they are quoted. */
static bool
databases_check(char **newval, void **extra, GucSource source)
{
	List *words = NIL;

	if (SplitIdentifierString(pstrdup(*newval == NULL ? "" : *newval), ',',
							  &words))
		return true;
	GUC_check_errdetail("Names of databases are separated by commas.");
	return false;
}

/*
 * A number and a unit of interval, from days on, since audit trails are kept
 * for years.
 */
static bool
retention_check(char **newval, void **extra, GucSource source)
{
	static const char *const units[] = {"day",  "days", "week",  "weeks",
										"mon",  "mons", "month", "months",
										"year", "years"};
	char unit[8];
	int number;
	int end = 0;

	if (*newval != NULL &&
		sscanf(*newval, "%9d %7[a-z] %n", &number, unit, &end) == 2 &&
		number >= 0 && (*newval)[end] == '\0')
		for (size_t i = 0; i < lengthof(units); i++)
			if (strcmp(unit, units[i]) == 0)
				return true;
	GUC_check_errdetail("It is a number of days, weeks, months or years, such "
						"as 6 years.");
	return false;
}

/* One row for each parameter that holds text. */
typedef struct StringSetting
{
	const char *name;
	const char *summary;
	char **value;
	GucContext context;
	int flags;
	GucStringCheckHook check;
	GucStringAssignHook assign;
	GucShowHook show;
	const char *standard; /* NULL: the empty string */
} StringSetting;

/* What is masked: a secret, or an address that may contain one. */
#define SECRET (GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE)

static const StringSetting string_settings[] = {
	{"healthlake.access_key_id", "AWS access key id.",
	 &hl_settings.access_key_id, PGC_SUSET, SECRET, credential_check,
	 forget_on_assign, access_key_id_show},
	{"healthlake.secret_access_key", "AWS secret access key.",
	 &hl_settings.secret_access_key, PGC_SUSET, SECRET, credential_check,
	 secret_access_key_assign, secret_access_key_show},
	{"healthlake.session_token", "AWS session token.",
	 &hl_settings.session_token, PGC_SUSET, SECRET, credential_check,
	 session_token_assign, session_token_show},
	{"healthlake.profile", "Profile of AWS's files to take credentials from.",
	 &hl_settings.profile, PGC_SUSET, 0, NULL, forget_on_assign, NULL},
	{"healthlake.credentials_file",
	 "Credentials file, in place of AWS_SHARED_CREDENTIALS_FILE.",
	 &hl_settings.credentials_file, PGC_SUSET, GUC_SUPERUSER_ONLY, NULL,
	 forget_on_assign, NULL},
	{"healthlake.config_file", "Config file, in place of AWS_CONFIG_FILE.",
	 &hl_settings.config_file, PGC_SUSET, GUC_SUPERUSER_ONLY, NULL,
	 forget_on_assign, NULL},
	{"healthlake.credential_sources", "Sources that credentials may come from.",
	 &hl_settings.credential_sources, PGC_SUSET, 0, credential_sources_check,
	 forget_on_assign, NULL, STANDARD_SOURCES},
	{"healthlake.role_arn",
	 "Role to assume with the credentials that were found.",
	 &hl_settings.role_arn, PGC_SUSET, 0, role_arn_check, forget_on_assign,
	 NULL},
	{"healthlake.role_external_id", "External id to assume that role with.",
	 &hl_settings.role_external_id, PGC_SUSET, GUC_SUPERUSER_ONLY, NULL,
	 forget_on_assign, NULL},
	{"healthlake.role_session_name",
	 "Name of role sessions; if empty, the session's user.",
	 &hl_settings.role_session_name, PGC_SUSET, 0, role_session_name_check,
	 forget_on_assign, NULL},
	{"healthlake.sts_endpoint_url",
	 "URL to assume roles at, in place of AWS's.",
	 &hl_settings.sts_endpoint_url, PGC_SUSET, 0, sts_endpoint_url_check,
	 forget_on_assign, NULL},
	{"healthlake.region", "AWS region of the calls.", &hl_settings.region,
	 PGC_USERSET, 0, region_check, NULL, NULL},
	{"healthlake.datastore_id", "Data store of the FHIR functions.",
	 &hl_settings.datastore_id, PGC_USERSET, 0, datastore_id_check, NULL, NULL},
	{"healthlake.bearer_token",
	 "Token to call FHIR functions with, in place of a signature.",
	 &hl_settings.bearer_token, PGC_USERSET, SECRET, bearer_token_check,
	 bearer_token_assign, bearer_token_show},
	{"healthlake.allowed_datastores",
	 "Data stores that FHIR functions may use; empty allows every one.",
	 &hl_settings.allowed_datastores, PGC_SUSET, 0, allowed_datastores_check,
	 NULL, NULL},
	{"healthlake.allowed_regions",
	 "Regions that calls may go to; empty allows every region.",
	 &hl_settings.allowed_regions, PGC_SUSET, 0, allowed_regions_check, NULL,
	 NULL},
	{"healthlake.required_tags",
	 "Keys of the tags that whatever is created must have.",
	 &hl_settings.required_tags, PGC_SUSET, GUC_LIST_INPUT, tags_check, NULL,
	 NULL},
	{"healthlake.endpoint_url", "URL to send requests to, in place of AWS's.",
	 &hl_settings.endpoint_url, PGC_SUSET, 0, endpoint_url_check, NULL, NULL},
	{"healthlake.ca_bundle",
	 "PEM file, or hashed folder, of the certificate authorities to trust.",
	 &hl_settings.ca_bundle, PGC_SUSET, 0, NULL, NULL, NULL},
	{"healthlake.proxy", "Proxy to send requests through.", &hl_settings.proxy,
	 PGC_SUSET, SECRET, proxy_check, NULL, proxy_show},
	{"healthlake.worker_databases",
	 "Databases whose queues always have workers; for a preloaded library.",
	 &hl_settings.worker_databases, PGC_SIGHUP, GUC_LIST_INPUT, databases_check,
	 NULL, NULL},
	{"healthlake.fence",
	 "Name of this server's turn: requests of another are never sent.",
	 &hl_settings.fence, PGC_SUSET, 0, NULL, NULL, NULL},
	{"healthlake.audit_retention",
	 "How long finished requests are kept from being purged.",
	 &hl_settings.audit_retention, PGC_SUSET, 0, retention_check, NULL, NULL,
	 "6 years"},
};

/* One row for each parameter that holds a number. */
typedef struct IntSetting
{
	const char *name;
	const char *summary;
	int *value;
	int standard;
	int least;
	int most;
	GucContext context;
	int flags;
} IntSetting;

static const IntSetting int_settings[] = {
	{"healthlake.connect_timeout",
	 "Time allowed for connecting, in one attempt.",
	 &hl_settings.connect_timeout, 3100, 1, INT_MAX, PGC_USERSET, GUC_UNIT_MS},
	{"healthlake.request_timeout",
	 "Time allowed for one attempt, or between two events of a stream.",
	 &hl_settings.request_timeout, 30000, 1000, INT_MAX, PGC_USERSET,
	 GUC_UNIT_MS},
	{"healthlake.max_attempts", "Number of attempts, the first one included.",
	 &hl_settings.max_attempts, 3, 1, 10, PGC_USERSET, 0},
	{"healthlake.max_concurrency",
	 "Number of calls that one statement or worker has in flight.",
	 &hl_settings.max_concurrency, 10, 1, 64, PGC_USERSET, 0},
	{"healthlake.worker_count",
	 "Number of workers that each of the worker databases has.",
	 &hl_settings.worker_count, 1, 1, 16, PGC_SIGHUP, 0},
	{"healthlake.max_response_size", "Largest reply that is read.",
	 &hl_settings.max_response_size, 8192, 1, 1024 * 1024, PGC_SUSET,
	 GUC_UNIT_KB},
	{"healthlake.max_request_size",
	 "Largest request of the control plane that is sent or kept in the "
	 "queue; not of FHIR, where AWS's limit is 5 MB.",
	 &hl_settings.max_request_size, 1024, 1, 1024 * 1024, PGC_SUSET,
	 GUC_UNIT_KB},
};

/* One row for each switch. */
typedef struct BoolSetting
{
	const char *name;
	const char *summary;
	bool *value;
	GucContext context;
	int flags;
	bool standard;
} BoolSetting;

static const BoolSetting bool_settings[] = {
	{"healthlake.require_customer_key",
	 "Refuses to create anything without a customer managed key.",
	 &hl_settings.require_customer_key, PGC_SUSET, 0},
	{"healthlake.require_bearer_token",
	 "Refuses to call FHIR functions without a bearer token.",
	 &hl_settings.require_bearer_token, PGC_SUSET, 0},
	{"healthlake.use_fips_endpoint", "Uses AWS's FIPS endpoints.",
	 &hl_settings.use_fips_endpoint, PGC_SUSET, 0},
	{"healthlake.use_dualstack_endpoint",
	 "Uses AWS's endpoints for IPv4 and IPv6.",
	 &hl_settings.use_dualstack_endpoint, PGC_SUSET, 0},
	{"healthlake.allow_credential_process",
	 "Lets a profile run a program that prints credentials.",
	 &hl_settings.allow_credential_process, PGC_SIGHUP,
	 GUC_DISALLOW_IN_AUTO_FILE},
	{"healthlake.autostart_worker",
	 "Starts a worker when a transaction that enqueued commits.",
	 &hl_settings.autostart_worker, PGC_SUSET, 0, true},
	{"healthlake.tag_requests",
	 "Tags what enqueued requests create, so that it is found again.",
	 &hl_settings.tag_requests, PGC_SUSET, 0},
};

static const struct config_enum_entry unknown_members_words[] = {
	{"error", HL_UNKNOWN_ERROR, false},
	{"send", HL_UNKNOWN_SEND, false},
	{NULL, 0, false}};

static const struct config_enum_entry audit_words[] = {
	{"off", HL_AUDIT_OFF, false},
	{"on", HL_AUDIT_ON, false},
	{"durable", HL_AUDIT_DURABLE, false},
	{NULL, 0, false}};

static const struct config_enum_entry audit_reads_words[] = {
	{"off", HL_AUDIT_OFF, false},
	{"log", HL_AUDIT_LOG, false},
	{"on", HL_AUDIT_ON, false},
	{"durable", HL_AUDIT_DURABLE, false},
	{NULL, 0, false}};

void
hl_settings_init(void)
{
	loaded_first = process_shared_preload_libraries_in_progress;
	hl_dropped_note();
	for (size_t i = 0; i < lengthof(string_settings); i++)
	{
		const StringSetting *row = &string_settings[i];

		DefineCustomStringVariable(row->name, row->summary, NULL, row->value,
								   row->standard != NULL ? row->standard : "",
								   row->context, row->flags, row->check,
								   row->assign, row->show);
	}
	for (size_t i = 0; i < lengthof(int_settings); i++)
	{
		const IntSetting *row = &int_settings[i];

		DefineCustomIntVariable(row->name, row->summary, NULL, row->value,
								row->standard, row->least, row->most,
								row->context, row->flags, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(bool_settings); i++)
		DefineCustomBoolVariable(
			bool_settings[i].name, bool_settings[i].summary, NULL,
			bool_settings[i].value, bool_settings[i].standard,
			bool_settings[i].context, bool_settings[i].flags, NULL, NULL, NULL);
	DefineCustomEnumVariable(
		"healthlake.unknown_members",
		"What to do with members of a request that the model does not know.",
		NULL, &hl_settings.unknown_members, HL_UNKNOWN_ERROR,
		unknown_members_words, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable(
		"healthlake.audit",
		"Keeps a row of each call that changes something: off, on (in the "
		"caller's transaction), or durable (whatever becomes of that).",
		NULL, &hl_settings.audit, HL_AUDIT_ON, audit_words, PGC_SUSET, 0, NULL,
		NULL, NULL);
	DefineCustomEnumVariable(
		"healthlake.audit_reads",
		"Accounts for FHIR resources that are read: off, log (a line in the "
		"server's log), on (and a row in the caller's transaction), or durable "
		"(a row, committed before anything is sent).",
		NULL, &hl_settings.audit_reads, HL_AUDIT_OFF, audit_reads_words,
		PGC_SUSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("healthlake");
	hl_dropped_find();
}

/* The row of a setting that is masked; NULL: it is another one. */
static const StringSetting *
find_secret(const char *name)
{
	for (size_t i = 0; i < lengthof(string_settings); i++)
		if (string_settings[i].flags == SECRET &&
			strcmp(string_settings[i].name, name) == 0)
			return &string_settings[i];
	return NULL;
}

/* Whether a setting is an address, of which only the password is secret. */
static bool
is_address(const StringSetting *setting)
{
	return setting->value == &hl_settings.proxy;
}

/*
 * "between" stands between name and value, and "value" for one that is not
 * empty. Of an address only one with a password is meant.
 */
char *
hl_settings_secret_pattern(const char *between, const char *value)
{
	StringInfoData names, pattern;

	initStringInfo(&names);
	initStringInfo(&pattern);
	for (size_t i = 0; i < lengthof(string_settings); i++)
	{
		const StringSetting *row = &string_settings[i];

		if (row->flags == SECRET)
			appendStringInfo(&names, "%s%s%s%s%s", names.len == 0 ? "" : "|",
							 row->name + strlen("healthlake."), between,
							 is_address(row) ? "[^[:space:]]*@" : "",
							 is_address(row) ? "" : value);
	}
	appendStringInfo(&pattern, "healthlake[.](%s)", names.data);
	return pattern.data;
}

bool
hl_settings_is_secret(const char *name)
{
	const StringSetting *row = find_secret(name);
	const char *value = row != NULL ? *row->value : NULL;

	return value != NULL && value[0] != '\0' &&
		   (!is_address(row) || strchr(value, '@') != NULL);
}

/* Whether other roles can read values from that source. */
static bool
source_is_readable(GucSource source)
{
	return source >= PGC_S_ENV_VAR && source <= PGC_S_DATABASE_USER;
}

/* Whether the proxy has a password that other roles can read. */
static bool
proxy_is_readable(void)
{
	return hl_settings.proxy != NULL && strchr(hl_settings.proxy, '@') &&
		   source_is_readable(hl_compat_setting_source("healthlake.proxy"));
}

/*
 * Whether a secret is set where processes without the library show it. With
 * session_preload_libraries such processes exist: background workers do not
 * load those libraries.
 */
bool
hl_settings_are_exposed(void)
{
	return !loaded_first &&
		   (source_is_readable(secret_source) ||
			source_is_readable(token_source) ||
			source_is_readable(bearer_source) || proxy_is_readable());
}

void
hl_settings_warn_exposed(void)
{
	if (warned || !hl_settings_are_exposed())
		return;
	warned = true;
	ereport(WARNING,
			(errmsg("healthlake credentials in a configuration file, role or "
					"database setting can be read by every role"),
			 errdetail("A process that has not loaded the library shows the "
					   "value to every role."),
			 errhint("Add healthlake to shared_preload_libraries, or use "
					 "another source of credentials. With "
					 "session_preload_libraries, background workers still "
					 "show it.")));
}

/* The number of characters that need no quotes. */
static size_t
plain_length(const char *at)
{
	size_t len = 0;

	while ((at[len] >= 'a' && at[len] <= 'z') ||
		   (at[len] >= '0' && at[len] <= '9') || at[len] == '_' ||
		   at[len] == '-')
		len++;
	return len;
}

static const char *
skip_spaces(const char *at)
{
	while (*at == ' ')
		at++;
	return at;
}

/*
 * Whether a list contains the word, if it consists of plain words and can be
 * read without a copy; known: whether it does.
 */
static bool
plain_list_has(const char *list, const char *word, bool *known)
{
	size_t len = strlen(word);
	bool found = false;

	for (const char *at = list;; at++)
	{
		size_t here;

		at = skip_spaces(at);
		here = plain_length(at);
		found |= here == len && strncmp(at, word, len) == 0;
		*known = here > 0;
		at = skip_spaces(at + here);
		if (!*known || *at == '\0')
			return found;
		*known = *at == ',';
		if (!*known)
			return false;
	}
}

bool
hl_settings_list_allows(const char *list, const char *word)
{
	List *words = NIL;
	ListCell *cell;
	bool known, found;

	if (list == NULL || list[0] == '\0')
		return true;
	found = plain_list_has(list, word, &known);
	if (known)
		return found;
	if (!SplitIdentifierString(pstrdup(list), ',', &words))
		return false;
	foreach (cell, words)
		if (strcmp(lfirst(cell), word) == 0)
			return true;
	return false;
}

/* Every role could read a secret in a role's or a database's settings. */
const char *
hl_settings_place(const char *name)
{
	if (find_secret(name) != NULL)
		return "Set it in a configuration file that only the server's user "
			   "can read, with the library in shared_preload_libraries, or "
			   "use another source of credentials; RESET it here. Every "
			   "role can read the settings of roles and databases.";
	return "Set it in the configuration file or by ALTER DATABASE, or RESET it "
		   "here.";
}

/* Settings that determine credentials and endpoint of a request. */
static const char *const servers_settings[] = {
	"healthlake.access_key_id",      "healthlake.secret_access_key",
	"healthlake.session_token",      "healthlake.profile",
	"healthlake.credentials_file",   "healthlake.config_file",
	"healthlake.credential_sources", "healthlake.role_arn",
	"healthlake.role_external_id",   "healthlake.role_session_name",
	"healthlake.sts_endpoint_url",   "healthlake.endpoint_url",
	"healthlake.use_fips_endpoint",  "healthlake.use_dualstack_endpoint",
	"healthlake.ca_bundle",          "healthlake.proxy",
};

/*
 * Settings that determine which requests may be sent, and their timeouts. What
 * is in neither list is in test/lint, which says why.
 */
static const char *const deciding_settings[] = {
	"healthlake.allowed_regions",    "healthlake.require_customer_key",
	"healthlake.allowed_datastores", "healthlake.required_tags",
	"healthlake.unknown_members",    "healthlake.connect_timeout",
	"healthlake.request_timeout",    "healthlake.max_response_size",
	"healthlake.max_request_size",   "healthlake.fence"};

/* Finds a setting that has another value in a worker of this database. */
static const char *
find_of_session(const char *const *names, size_t count, bool is_owner)
{
	for (size_t i = 0; i < count; i++)
	{
		GucSource source = hl_compat_setting_source(names[i]);
		bool role = source == PGC_S_USER || source == PGC_S_DATABASE_USER;

		if (source > PGC_S_DATABASE && !(role && is_owner))
			return names[i];
	}
	return NULL;
}

const char *
hl_settings_of_session(bool is_owner)
{
	return find_of_session(servers_settings, lengthof(servers_settings),
						   is_owner);
}

const char *
hl_settings_deciding(bool is_owner)
{
	return find_of_session(deciding_settings, lengthof(deciding_settings),
						   is_owner);
}
