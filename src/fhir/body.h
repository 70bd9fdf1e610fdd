/*
 * body.h
 *	  The limits of the bodies that are sent to the data plane.
 */
#ifndef HL_FHIR_BODY_H
#define HL_FHIR_BODY_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "model/model.h"

/* AWS's limit, in bytes. */
#define HL_BODY_MAX_BYTES (5 * 1024 * 1024)

/*
 * The most levels of objects and arrays of a resource. A reply may have
 * HL_JSON_DEFAULT_DEPTH: it has a resource in a Bundle, which in the reply to a
 * batch is in another one.
 */
#define HL_BODY_MAX_LEVELS 128

/*
 * jsonb as JSON in UTF-8. Throws 54000 before it is written if it has more
 * bytes than that, not counting blanks and separators.
 */
extern char *hl_body_json(const HlOperation *operation, Jsonb *json,
						  size_t most);

/* The levels of objects and arrays in JSON. */
extern int hl_body_levels(const char *json);

/* Throws 54000 if a body has too many bytes. */
extern void hl_body_check_size(const HlOperation *operation, size_t len);

/*
 * The same for JSON, and 54001 if it has too many levels; bundle: not counting
 * those around the resources of a Bundle.
 */
extern void hl_body_check(const HlOperation *operation, const char *json,
						  bool bundle);

#endif
