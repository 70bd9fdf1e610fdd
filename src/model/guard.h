/*
 * guard.h
 *	  The operator's guard rails: rules for every request, of any role and
 *	  function.
 */
#ifndef HL_MODEL_GUARD_H
#define HL_MODEL_GUARD_H

#include "postgres.h"

#include "base/json.h"
#include "model/model.h"

/*
 * Throws 42501 for a request without a customer managed key if
 * healthlake.require_customer_key is on, for one without a tag of
 * healthlake.required_tags, and for one that removes such a tag.
 */
extern void hl_guard_request(const HlOperation *operation,
							 const HlJson *request);

#endif
