/*
 * fhir_same.h
 *	  Whether a resource that was read is one that was sent. They may differ
 *	  only in what HealthLake adds: the version and its time.
 */
#ifndef HL_QUEUE_FHIR_SAME_H
#define HL_QUEUE_FHIR_SAME_H

#include "postgres.h"

#include "utils/jsonb.h"

/* found: JSON in UTF-8. A value that jsonb cannot store is not the same. */
extern bool hl_fhir_is_same(Jsonb *sent, const char *found);

#endif
