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
 * Whether a stored resource has the written contents, and no others: its meta
 * may have more, and version and time are the server's.
 */
extern bool hl_fhir_is_stored(const HlJson *stored, const HlJson *written);

#endif
