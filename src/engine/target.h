/*
 * target.h
 *	  The target of a call: region, endpoint and credentials, determined by the
 *	  current settings, environment and AWS files. Results live in
 *	  CurrentMemoryContext.
 */
#ifndef HL_ENGINE_TARGET_H
#define HL_ENGINE_TARGET_H

#include "engine/engine.h"
#include "nodes/pg_list.h"

/*
 * Fills in limits, target, credentials, region and service of a call whose
 * operation and host prefix are set. region NULL: that of the settings, else
 * the environment, else AWS's profile. Throws 22023 for a malformed region,
 * 42501 for one outside healthlake.allowed_regions, 55000 if there is no
 * region or settings exclude each other. Sends nothing: the engine gets the
 * keys. With a bearer token credentials are not planned. False if no source of
 * credentials is configured, or an invalid one; then the reply has the reason.
 * notes: a List of HlSourceNote, or NULL.
 */
extern bool hl_target_settle(HlCall *call, const char *region, List **notes);

/* Fills in region and endpoint only, for a call that another process sends. */
extern void hl_target_address(HlCall *call, const char *region);

/* The URL of a call with a target, in CurrentMemoryContext. */
extern char *hl_target_url(const HlCall *call);

#endif
