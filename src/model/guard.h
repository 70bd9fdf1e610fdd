/*
 * guard.h
 *	  Guard rails that an operator puts up for every door: what a request
 *	  must have, whoever makes it and by whatever function.
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
