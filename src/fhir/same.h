/*
 * same.h
 *	  Whether a stored resource is the one that was written. A read determines
 *	  that after the reply to a write was lost. HealthLake adds version and
 *	  time, which are not compared.
 */
#ifndef HL_FHIR_SAME_H
#define HL_FHIR_SAME_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/json.h"

/*
 * Whether a stored resource has exactly the written contents; its meta may
 * have more. For callers that know the version that the write would have
 * created.
 */
extern bool hl_fhir_is_stored(const HlJson *stored, const HlJson *written);

/*
 * The same for callers that know only the contents: its meta must not have
 * more, since a write that removes a label would otherwise count as carried
 * out before it is. JSON in UTF-8; a value that jsonb cannot store is not the
 * same.
 */
extern bool hl_fhir_is_same(Jsonb *written, const char *stored);

#endif
