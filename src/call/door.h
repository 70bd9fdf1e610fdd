/*
 * door.h
 *	  Functions that take the name of an operation, such as healthlake_call().
 *	  They also require EXECUTE on the operation's own function, so that
 *	  EXECUTE on them alone permits nothing.
 */
#ifndef HL_CALL_DOOR_H
#define HL_CALL_DOOR_H

#include "postgres.h"

#include "fmgr.h"

#include "model/model.h"
#include "model/request.h"

/*
 * Finds the operation that the argument "operation" names, for the current
 * user. Throws 22023 for an unknown name, 42501 without EXECUTE on its
 * function, which is searched for in the schema of the called function.
 */
extern const HlOperation *hl_door_enter(FunctionCallInfo fcinfo);

/*
 * Refuses (42501) an operation if the current user lacks EXECUTE on that
 * function, which is searched for in the schema of the called function.
 */
extern void hl_door_need(FunctionCallInfo fcinfo, const HlOperation *operation,
						 const char *function);

/* Whether the current user has EXECUTE on that function, found likewise. */
extern bool hl_door_has(FunctionCallInfo fcinfo, const char *function);

/*
 * Whether a role may execute one of the extension's functions of a name. Other
 * functions of that name do not count.
 */
extern bool hl_door_lets(Oid extension, Oid schema, const char *function,
						 Oid role);

/* The request in the argument "request"; NULL is an empty one. */
extern HlRequest *hl_door_request(FunctionCallInfo fcinfo,
								  const HlOperation *operation);

/*
 * Performs the operation and returns its reply as jsonb; null, with a warning,
 * if something was changed and the database cannot store the reply.
 */
extern Datum hl_door_call(FunctionCallInfo fcinfo,
						  const HlOperation *operation);

/* The operation's function with the most arguments; InvalidOid: none. */
extern Oid hl_door_function(FunctionCallInfo fcinfo,
							const HlOperation *operation);

#endif
