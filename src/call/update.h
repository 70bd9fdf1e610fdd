/*
 * update.h
 *	  Updates that change what was given and nothing else. AWS replaces a
 *	  structure of an update as a whole, so what the arguments leave out of it
 *	  is read first and sent along. AWS has no condition for an update: a change
 *	  that somebody else makes in between is overwritten.
 */
#ifndef HL_CALL_UPDATE_H
#define HL_CALL_UPDATE_H

#include "postgres.h"

#include "model/arguments.h"
#include "model/model.h"
#include "model/request.h"

/*
 * Makes the request of an update from its arguments. Asks AWS only where a
 * structure is given in part; throws what a failing description throws, and
 * 55000 where a member that is not known here would be lost.
 */
extern HlRequest *hl_update_make(const HlArguments *arguments,
								 const HlOperation *operation);

#endif
