/*
 * form.h
 *	  The parameters of a FHIR search as a form: a JSON object whose members
 *	  are strings, numbers, booleans, or arrays of them. The elements of an
 *	  array are conditions that must all hold (FHIR R4, 3.1.1.3.1, repeated
 *	  parameters). The text can be a body (application/x-www-form-urlencoded)
 *	  or a URL's query.
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
	HL_FORM_OURS,        /* _count and page, which paging sets */
	HL_FORM_NULL,        /* a null value */
	HL_FORM_NESTED,      /* an object, or an array in an array */
	HL_FORM_EMPTY_ARRAY, /* would be no condition */
	HL_FORM_EMPTY_VALUE, /* servers ignore it */
	HL_FORM_NO_MEMORY
} HlFormFault;

/*
 * Appends name=value pairs, percent-encoded, separated by ampersands. paged:
 * the extension sets _count and page, so that they cannot be given. On a fault
 * *name is the name of the parameter (it belongs to the node), and the form is
 * unusable.
 */
extern HlFormFault hl_form_write(HlBytes *form, const HlJson *parameters,
								 bool paged, const char **name);

/* Appends one pair, with an ampersand before it unless it is the first. */
extern void hl_form_add(HlBytes *form, const char *name, const char *value);

/*
 * Whether a parameter selects resources. Result parameters (FHIR R4, 3.1.1.5),
 * which sort or include, do not.
 */
extern bool hl_form_is_criterion(const char *name);

/* Whether at least one of the parameters is a criterion. */
extern bool hl_form_has_criterion(const HlJson *parameters);

/*
 * The name of a criterion that has an empty value between the commas of
 * alternatives, which servers may ignore; NULL: there is none.
 */
extern const char *hl_form_unselective(const HlJson *parameters);

/*
 * Whether a query, percent-encoded, has a criterion, and no criterion has an
 * empty alternative. False for a malformed one, and if memory is short.
 */
extern bool hl_form_query_selects(const char *query);

/*
 * Appends a search value with a backslash before \ $ , and | (FHIR R4,
 * "Escaping Search Parameters").
 */
extern void hl_form_escape(HlBytes *bytes, const char *value);

#endif
