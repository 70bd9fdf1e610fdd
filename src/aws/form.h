/*
 * form.h
 *	  The parameters of a FHIR search as a form: a JSON object whose members
 *	  are strings, numbers, booleans, or arrays of them, which are all to hold
 *	  (FHIR R4, 3.1.1.3.1: parameters that repeat). The same text serves as a
 *	  body (application/x-www-form-urlencoded) and as a URL's query.
 */
#ifndef HL_AWS_FORM_H
#define HL_AWS_FORM_H

#include "base/bytes.h"
#include "base/json.h"

typedef enum HlFormFault
{
	HL_FORM_OK,
	HL_FORM_NO_OBJECT,
	HL_FORM_EMPTY_NAME,
	HL_FORM_OURS,        /* _count and page: whoever pages sets them */
	HL_FORM_NULL,        /* a value that is null */
	HL_FORM_NESTED,      /* an object, or an array in an array */
	HL_FORM_EMPTY_ARRAY, /* which would be no condition at all */
	HL_FORM_EMPTY_VALUE, /* which servers take for none */
	HL_FORM_NO_MEMORY
} HlFormFault;

/*
 * Appends name=value pairs, percent-encoded, with an ampersand before each but
 * the first of the form. Where something is wrong, *name is the parameter's
 * (it belongs to the node), and what was appended is of no use.
 */
extern HlFormFault hl_form_write(HlBytes *form, const HlJson *parameters,
								 const char **name);

/* Appends one pair. */
extern void hl_form_add(HlBytes *form, const char *name, const char *value);

/*
 * Whether a parameter selects resources; those that only say how they are to
 * be shown or sorted, or what is to come along, do not.
 */
extern bool hl_form_is_criterion(const char *name);

/* Whether some member of the parameters is a criterion. */
extern bool hl_form_has_criterion(const HlJson *parameters);

/* Appends a value of a search with a backslash before \ $ , and |. */
extern void hl_form_escape(HlBytes *bytes, const char *value);

#endif
