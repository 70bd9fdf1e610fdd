/*
 * update.h
 *	  Updates that change only what was specified. AWS replaces a structure in
 *	  an update as a whole, so members that the arguments omit are read first
 *	  and sent with it. AWS has no conditional update: a concurrent change is
 *	  overwritten.
 */
#ifndef HL_CALL_UPDATE_H
#define HL_CALL_UPDATE_H

#include "postgres.h"

#include "model/arguments.h"
#include "model/model.h"
#include "model/request.h"

/*
 * Makes the request of an update from its arguments. Describes the data store
 * only if a structure is incomplete; throws the failure of that, and 55000 if
 * a member that this version does not know would be lost.
 */
extern HlRequest *hl_update_make(const HlArguments *arguments,
								 const HlOperation *operation);

#endif
