/*
 * grant.h
 *	  Grants and revokes the privileges on functions and views by purpose
 *	  instead of by name.
 */
#ifndef HL_CALL_GRANT_H
#define HL_CALL_GRANT_H

#include "postgres.h"

#include "fmgr.h"

/*
 * healthlake_grant(to_role, what, …): grants USAGE on the schema, EXECUTE on
 * functions, SELECT on tables and views, as the current user, who must be
 * allowed to. Throws 22023 for an unknown word in "what".
 */
extern Datum hl_grant(FunctionCallInfo fcinfo);

/*
 * healthlake_revoke(from_role, what, …): revokes all of that, except what also
 * belongs to another word that the role still has.
 */
extern Datum hl_grant_revoke(FunctionCallInfo fcinfo);

#endif
