/*
 * endpoints.h
 *	  The endpoints of STS and of the single sign-on portal, determined by
 *	  settings, environment and AWS's files when credentials are planned.
 */
#ifndef HL_CREDENTIALS_ENDPOINTS_H
#define HL_CREDENTIALS_ENDPOINTS_H

#include "credentials/plan.h"

/*
 * Sets an endpoint of the plan, or the reason why it cannot be used. Throws
 * 55000 if the configuration is ambiguous.
 */
extern void hl_endpoints_find_sts(HlPlan *plan, const char *region);
extern void hl_endpoints_find_portal(HlPlan *plan);

#endif
