/*
 * issue.h
 *	  Carries a plan out: asks whoever issues credentials, then assumes the
 *	  roles, one after the other. An HlIssue lives in the memory context in
 *	  which it was made, and with that what it holds is wiped.
 */
#ifndef HL_CLIENT_ISSUE_H
#define HL_CLIENT_ISSUE_H

#include "postgres.h"

#include "aws/issued.h"
#include "aws/sts.h"
#include "client/client.h"
#include "client/plan.h"

typedef struct HlIssue
{
	/* filled by the caller */
	const HlPlan *plan;
	const HlClientConfig *limits; /* its credentials are not looked at */
	const char *region;           /* of the call: STS is asked there */
	bool hasty;                   /* one attempt a request will do */

	/* filled here */
	HlIssued issued; /* may be taken over: then zero it */
	char *reason;    /* why there are none */
	char *hint;
	bool nobody; /* is there to be asked, and nobody need be */
	bool final;  /* asking again would not help */

	HlIssued next;
	HlSignOn sign_on;
	HlBytes form;
	HlBytes token;
	MemoryContextCallback callback;
} HlIssue;

extern HlIssue *hl_issue_create(void);

/* Throws what an interrupt throws, and 55000 for settings like those. */
extern bool hl_issue_run(HlIssue *issue);

/* Where STS is, for a region; false: see the reason. from: who says so. */
extern bool hl_issue_sts(HlIssue *issue, HlEndpoint *endpoint,
						 const char **from);

/* Asks STS whose credentials these are; palloc'd, or see the reason. */
extern char *hl_issue_identity(HlIssue *issue,
							   const HlSigv4Credentials *credentials);

/* A point in time, in words; palloc'd. */
extern char *hl_issue_time(int64 micros);

#endif
