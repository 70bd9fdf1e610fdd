/*
 * guard.h
 *	  The guard rails of the operator: rules that every request must meet,
 *	  whichever role and function makes it.
 */
#ifndef HL_MODEL_GUARD_H
#define HL_MODEL_GUARD_H

#include "postgres.h"

#include "base/json.h"
#include "model/model.h"

/*
 * Refuses (42501) a request without a customer's key where
 * healthlake.require_customer_key is on, without a tag of
 * healthlake.required_tags, or one that takes such a tag away.
 */
extern void hl_guard_request(const HlOperation *operation,
							 const HlJson *request);

#endif
