/*
 * plan.h
 *	  Plans where the credentials of a call come from, without any request: the
 *	  first configured source in a table, and the roles that are assumed with
 *	  its keys. A plan is palloc'd with everything that it points to, except
 *	  for strings of the environment, which last; secrets are wiped with the
 *	  memory context.
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
	char *source; /* in words, with what it is configured by */
	const struct HlProviderKind *kind; /* NULL: the keys are in the plan */
	HlSigv4Credentials keys;
	bool lasting;     /* the keys outlive every call: nothing is to be kept */
	char *expiration; /* of the keys, as the environment has it */
	char *file;       /* of the web identity's, sign-on's, container's token */
	const char *command;       /* of a program */
	const char *authorization; /* a container's token */
	HlMetadataUrl url;         /* of a container, of instance metadata */
	bool optional; /* that nobody is there only means: no credentials */
	char *sso_region;
	char *sso_role;
	char *sso_account;
	HlEndpoint *sts;      /* where the roles are assumed; see places.h */
	const char *sts_from; /* who says so; NULL: AWS's rules */
	char *sts_reason;     /* why it cannot be asked; NULL: it can be */
	HlEndpoint *portal;   /* of single sign-on, likewise */
	char *portal_reason;
	const char *session_name; /* of a role, where nothing gives another */
	HlStsRole roles[HL_PROFILE_CHAIN_ROLES + 2]; /* in order of assuming */
	int nroles;
	char *reason; /* why it is none */
	char *hint;   /* NULL: nothing better than that */
} HlPlan;

/* What became of a source: for healthlake_check(). */
typedef struct HlSourceNote
{
	const char *name;
	const char *text; /* why it was passed over; NULL: it was not */
} HlSourceNote;

/* Makes a plan; false: see the reason. notes: NULL, or a List to add to. */
extern bool hl_plan_make(HlPlan *plan, const char *session_name, List **notes);

/* For the table's functions: what a source answers. */
typedef enum HlPlanAnswer
{
	HL_PLAN_EMPTY, /* not configured: ask the next one; see the reason */
	HL_PLAN_FOUND,
	HL_PLAN_BROKEN /* configured, and of no use: ask nobody else */
} HlPlanAnswer;

/* Plans by a profile; by: who chose it, NULL: nobody. */
extern HlPlanAnswer hl_plan_profile(HlPlan *plan, const char *name,
									const char *by);

/* Plans by what credential_source can name; also the table's functions. */
extern HlPlanAnswer hl_plan_environment(HlPlan *plan);
extern HlPlanAnswer hl_plan_container(HlPlan *plan);
extern HlPlanAnswer hl_plan_metadata(HlPlan *plan);

extern HlPlanAnswer hl_plan_refuse(HlPlan *plan, HlPlanAnswer answer,
								   char *reason);

/* Says why a source is of no use, and what to mend. */
extern HlPlanAnswer hl_plan_break(HlPlan *plan, char *reason, char *hint);

/* The hint where no source is configured at all. */
extern const char hl_plan_nothing_hint[];

/*
 * The name of a role's session where no profile gives one, by the settings or
 * the session's user; palloc'd. Looks at a catalog.
 */
extern char *hl_plan_session_name(void);

#endif
