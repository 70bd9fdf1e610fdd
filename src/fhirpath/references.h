/*
 * references.h
 *	  Verifies what a created view refers to.
 */
#ifndef HL_FHIRPATH_REFERENCES_H
#define HL_FHIRPATH_REFERENCES_H

#include "postgres.h"

/*
 * Throws if a view, whose creation is visible, refers to anything but a table,
 * members of an extension and PostgreSQL's own objects.
 */
extern void hl_references_check(Oid view, Oid table, Oid extension);

#endif
