/*
 * settings.h
 *	  The healthlake.* parameters, which are read at each call. PostgreSQL owns
 *	  the strings; an empty one is not set. Do not copy secrets beyond a call.
 */
#ifndef HL_SERVER_SETTINGS_H
#define HL_SERVER_SETTINGS_H

#include "postgres.h"

/* What to do with members that the model does not have. */
typedef enum HlUnknownMembers
{
	HL_UNKNOWN_ERROR,
	HL_UNKNOWN_SEND
} HlUnknownMembers;

/* How a session's own calls are recorded. */
typedef enum HlAudit
{
	HL_AUDIT_OFF,
	HL_AUDIT_LOG, /* only of reads */
	HL_AUDIT_ON,
	HL_AUDIT_DURABLE
} HlAudit;

typedef struct HlSettings
{
	char *access_key_id;
	char *secret_access_key;
	char *session_token;
	char *profile;
	char *credentials_file;
	char *config_file;
	char *credential_sources; /* a list, separated by commas */
	bool allow_credential_process;
	char *role_arn;
	char *role_external_id;
	char *role_session_name;
	char *sts_endpoint_url;
	char *region;
	char *datastore_id;
	char *bearer_token;
	bool require_bearer_token;
	char *allowed_datastores; /* a list */
	char *allowed_regions;    /* a list, separated by commas */
	bool require_customer_key;
	char *required_tags; /* keys, separated by commas */
	int unknown_members; /* HlUnknownMembers */
	char *endpoint_url;
	bool use_fips_endpoint;
	bool use_dualstack_endpoint;
	char *ca_bundle;
	char *proxy;
	int connect_timeout;    /* milliseconds */
	int request_timeout;    /* milliseconds, one attempt */
	int max_attempts;       /* 1 to 10, including the first */
	int max_response_size;  /* kilobytes */
	int max_request_size;   /* kilobytes */
	int max_concurrency;    /* calls in flight, of a statement or worker */
	char *worker_databases; /* a list */
	int worker_count;       /* of each of them */
	bool autostart_worker;
	char *fence; /* "": none */
	bool tag_requests;
	int audit;             /* HlAudit */
	int audit_reads;       /* HlAudit */
	char *audit_retention; /* an interval */
} HlSettings;

extern HlSettings hl_settings;
/* Incremented with settings of credentials: wipe what was derived from them. */
extern uint64 hl_settings_generation;

extern void hl_settings_init(void);

/* Whether any role can read a secret; warns of that, once in a session. */
extern bool hl_settings_are_exposed(void);
extern void hl_settings_warn_exposed(void);
/* A regular expression for secrets and their values; whether one is set. */
extern char *hl_settings_secret_pattern(const char *between, const char *value);
extern bool hl_settings_is_secret(const char *name);
/* Wipes the session's own secrets before a reset; false: there were none. */
extern bool hl_settings_wipe(void);

/*
 * A setting of credentials or endpoint (the second: of guard rails or timeouts)
 * with another value in a worker; NULL: none. is_owner: the worker's role.
 */
extern const char *hl_settings_of_session(bool is_owner);
extern const char *hl_settings_deciding(bool is_owner);
extern const char *hl_settings_place(const char *name); /* for a HINT */

/* Whether a list is empty or holds the word. */
extern bool hl_settings_list_allows(const char *list, const char *word);
#define HL_SETTINGS_ARN_HINT "Give the id, which is the last part of the ARN."
/* Whether a text is the id of a data store: 32 digits of lower-case hex. */
extern bool hl_settings_is_datastore_id(const char *text);

#endif
