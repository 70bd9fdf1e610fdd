/*
 * constant.h
 *	  Constants of paths, from a view or a function's argument. They point into
 *	  the document that they were read from.
 */
#ifndef HL_FHIRPATH_CONSTANT_H
#define HL_FHIRPATH_CONSTANT_H

#include "postgres.h"

#include "fhirpath/evaluate.h"

/* Whether a text is a name in SQL on FHIR: [A-Za-z][A-Za-z0-9_]* */
extern bool hl_constant_is_name(const char *name, int len);

/*
 * Reads one constant of a view: {"name": …, "valueString": …}. Returns NULL,
 * or its fault.
 */
extern const char *hl_constant_read(const HlItem *item, HlConstant *constant);

/*
 * Reads a function's constants: an object of names and values, or an array of
 * a view's constants. Throws 22023.
 */
extern HlConstants *hl_constants_read(Jsonb *document);

#endif
