/*
 * datastore.h
 *	  Functions on data stores that do more than one operation: a deletion that
 *	  is confirmed by name, a restore that warns of what is not copied, and
 *	  get-or-create by name.
 */
#ifndef HL_CALL_DATASTORE_H
#define HL_CALL_DATASTORE_H

#include "postgres.h"

#include "base/json.h"
#include "model/arguments.h"
#include "model/model.h"

/*
 * The properties of a data store by its id (UTF-8), in the region of the
 * arguments. Throws what a failing description throws.
 */
extern const HlJson *hl_datastore_properties(const HlArguments *arguments,
											 const char *id);

/* Refuses (22023) unless the argument confirm_name is the current name. */
extern void hl_datastore_confirm(const HlArguments *arguments,
								 const HlRequest *request);

/* Warns if a restored data store will have another key or authorization. */
extern void hl_datastore_compare_source(const HlArguments *arguments,
										const HlRequest *request);

/*
 * Returns the row of healthlake_ensure_datastore(). Throws 55000 if the live
 * data store of that name is not as requested, 21000 if there are several, and
 * 55006 or 38M01 if AWS does not know yet whether there is one.
 */
extern Datum hl_datastore_ensure(FunctionCallInfo fcinfo,
								 const HlOperation *create);

#endif
