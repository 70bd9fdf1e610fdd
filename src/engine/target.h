/*
 * target.h
 *	  The target of a call: region, endpoint and credentials, determined by the
 *	  current settings, environment and AWS files. What it fills in lives in
 *	  CurrentMemoryContext.
 */
#ifndef HL_ENGINE_TARGET_H
#define HL_ENGINE_TARGET_H

#include "engine/engine.h"
#include "nodes/pg_list.h"

/*
 * Fills in limits, target, credentials, region and service of a call whose
 * operation and host prefix are set. "region" NULL: that of the settings, else
 * of the environment, else of AWS's profile. Throws 22023 for a region that is
 * none, 42501 for one that healthlake.allowed_regions leaves out, 55000 if
 * there is none or where settings exclude each other. Sends nothing: a call
 * waits for its keys in the engine. With a bearer token no credentials are
 * looked for. False if no source of credentials is configured, or a broken one:
 * the reply then says why, and nothing can be sent. notes: NULL, or a List of
 * HlSourceNote.
 */
extern bool hl_target_settle(HlCall *call, const char *region, List **notes);

/*
 * Only region and endpoint, likewise, for a call that this session does not
 * send; needs no credentials.
 */
extern void hl_target_address(HlCall *call, const char *region);

/* The URL of a call that has its target, in CurrentMemoryContext. */
extern char *hl_target_url(const HlCall *call);

#endif
