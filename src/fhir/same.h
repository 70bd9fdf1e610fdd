/*
 * same.h
 *	  Whether a stored resource is the one that was written: determined by a
 *	  read when the reply to a write was lost.
 */
#ifndef HL_FHIR_SAME_H
#define HL_FHIR_SAME_H

#include "postgres.h"

#include "base/json.h"

/*
 * Whether a stored resource has what was written, and nothing else: its meta
 * may say more, and its version and time are the server's.
 */
extern bool hl_fhir_is_stored(const HlJson *stored, const HlJson *written);

#endif
