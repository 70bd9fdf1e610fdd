/*
 * endpoints.h
 *	  Where STS and the portal of single sign-on are, as settings, environment
 *	  and AWS's files have it when credentials are planned.
 */
#ifndef HL_CREDENTIALS_ENDPOINTS_H
#define HL_CREDENTIALS_ENDPOINTS_H

#include "credentials/plan.h"

/* Fill in the plan's endpoints, or why they cannot be used. May throw 55000. */
extern void hl_endpoints_find_sts(HlPlan *plan, const char *region);
extern void hl_endpoints_find_portal(HlPlan *plan);

#endif
