/*
 * plan.h
 *	  Plans the source of a call's credentials, without any request: the first
 *	  configured source of a table, and the roles to assume with its keys. A
 *	  plan is palloc'd with everything that it points to, except strings of the
 *	  environment, which are permanent; secrets are wiped with the memory
 *	  context.
 */
#ifndef HL_CREDENTIALS_PLAN_H
#define HL_CREDENTIALS_PLAN_H

#include "postgres.h"

#include "aws/metadata.h"
#include "aws/profile_chain.h"
#include "aws/sigv4.h"
#include "aws/sts.h"
#include "nodes/pg_list.h"

typedef struct HlPlan
{
	char *source; /* description, with the setting that configures it */
	const struct HlProviderKind *kind; /* NULL: the keys are in the plan */
	HlSigv4Credentials keys;
	bool lasting;        /* the keys do not expire, and are not kept */
	char *expiration;    /* of the keys, as in the environment */
	char *file;          /* with the token (web identity, SSO, container) */
	const char *command; /* of credential_process */
	const char *authorization; /* of a container's endpoint */
	HlMetadataUrl url; /* of a container's endpoint or instance metadata */
	bool optional;     /* if it does not respond, there are no credentials */
	char *sso_region;
	char *sso_role;
	char *sso_account;
	HlEndpoint *sts;      /* where roles are assumed; see endpoints.h */
	const char *sts_from; /* the setting it comes from; NULL: AWS's rules */
	char *sts_reason;     /* why it cannot be used; or NULL */
	HlEndpoint *portal;   /* of single sign-on */
	char *portal_reason;
	const char *session_name; /* default session name of roles */
	HlStsRole roles[HL_PROFILE_CHAIN_ROLES + 2]; /* in the order of assuming */
	int nroles;
	char *reason; /* why there is no plan */
	char *hint;   /* or NULL */
} HlPlan;

/* The result of a source, for healthlake_check(). */
typedef struct HlSourceNote
{
	const char *name;
	const char *text; /* why it was not used; NULL: it was */
} HlSourceNote;

/* Makes a plan; false: see the reason. notes: a List to append to, or NULL. */
extern bool hl_plan_make(HlPlan *plan, const char *session_name, List **notes);

/* The result of a function of the table of sources. */
typedef enum HlPlanAnswer
{
	HL_PLAN_EMPTY, /* not configured: try the next one; see the reason */
	HL_PLAN_FOUND,
	HL_PLAN_BROKEN /* configured, but invalid: the plan fails */
} HlPlanAnswer;

/* Plans by a profile. by: the setting or variable that names it, or NULL. */
extern HlPlanAnswer hl_plan_profile(HlPlan *plan, const char *name,
									const char *by);

/* The sources that credential_source can name; also in the table. */
extern HlPlanAnswer hl_plan_environment(HlPlan *plan);
extern HlPlanAnswer hl_plan_container(HlPlan *plan);
extern HlPlanAnswer hl_plan_metadata(HlPlan *plan);

extern HlPlanAnswer hl_plan_refuse(HlPlan *plan, HlPlanAnswer answer,
								   char *reason);

/* Sets reason and hint of a source that is BROKEN, and returns that. */
extern HlPlanAnswer hl_plan_break(HlPlan *plan, char *reason, char *hint);

/* The hint if no source is configured. */
extern const char hl_plan_nothing_hint[];

/*
 * The default session name of roles, from the settings or the session's user;
 * palloc'd. Reads a catalog.
 */
extern char *hl_plan_session_name(void);

#endif
