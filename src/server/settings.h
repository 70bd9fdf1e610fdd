/*
 * settings.h
 *	  The healthlake.* parameters, which are read at each call. PostgreSQL owns
 *	  the strings; an empty one is not set. Credentials and the bearer token are
 *	  masked wherever settings are shown; do not copy them beyond a call.
 */
#ifndef HL_SERVER_SETTINGS_H
#define HL_SERVER_SETTINGS_H

#include "postgres.h"

/* What to do with members that this version's model does not know. */
typedef enum HlUnknownMembers
{
	HL_UNKNOWN_ERROR,
	HL_UNKNOWN_SEND
} HlUnknownMembers;

/* What is kept of a session's own calls that change, or read, something. */
typedef enum HlAudit
{
	HL_AUDIT_OFF,
	HL_AUDIT_LOG, /* of what reads alone; so is a line beside a row */
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
	char *credential_sources; /* a list, as allowed_regions is */
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
	int max_attempts;       /* 1 to 10, the first one included */
	int max_response_size;  /* kilobytes */
	int max_request_size;   /* kilobytes */
	int max_concurrency;    /* calls in flight of one statement or worker */
	char *worker_databases; /* a list */
	int worker_count;       /* of each of them */
	bool autostart_worker;
	char *fence; /* "": none */
	bool tag_requests;
	int audit;             /* HlAudit */
	int audit_reads;       /* likewise */
	char *audit_retention; /* as interval takes it */
} HlSettings;

extern HlSettings hl_settings;

/* Changes with settings of credentials: wipe what was derived from them. */
extern uint64 hl_settings_generation;

extern void hl_settings_init(void);

/* Whether every role can read a secret; the second warns once a session. */
extern bool hl_settings_are_exposed(void);
extern void hl_settings_warn_exposed(void);

/* Wipes the session's own secrets before a reset; false: there were none. */
extern bool hl_settings_wipe(void);

/*
 * A setting of this session alone that decides on credentials or endpoint, for
 * which a worker has another value; NULL: none. The second: one that permits
 * requests or limits their time.
 */
extern const char *hl_settings_of_session(bool is_owner);
extern const char *hl_settings_deciding(bool is_owner);

/* Whether a comma-separated list is empty or holds the word. */
extern bool hl_settings_list_allows(const char *list, const char *word);
/* Whether a text is the id of a data store: 32 hexadecimal digits. */
extern bool hl_settings_is_datastore_id(const char *text);

#endif
