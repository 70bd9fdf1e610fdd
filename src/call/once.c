/*
 * once.c
 *	  One call for one row of (f(...)).*.
 *
 *	  The parser copies the expression of a row for each of its columns, so a
 *	  copy is known by what the parser copied: the function, the arguments as
 *	  expressions and the place in the text of the query. Values would not do:
 *	  'x' || gen_random_uuid() differs in each copy. Nor would the place: two
 *	  assignments of PL/pgSQL have the same. What tells copies from repetitions
 *	  is memory: copies are in one plan, and the executor evaluates them in the
 *	  memory that it resets from row to row.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "nodes/primnodes.h"
#include "utils/memutils.h"

#include "call/once.h"
#include "server/owned.h"

/* What a call returned, in the memory of its row. */
typedef struct Kept
{
	dlist_node node;
	MemoryContext row;
	MemoryContext plan;
	const FuncExpr *call;
	List *copies; /* FmgrInfo of those that have returned it */
	Datum result;
	bool isnull;
} Kept;

/* Everything that is kept, the newest first. */
static dlist_head kept_replies = DLIST_STATIC_INIT(kept_replies);

/*
 * The call as an expression of a plan; NULL if it has no copies: in FROM,
 * unless it returns a set, and where C code calls without an expression.
 */
static const FuncExpr *
call_of(FunctionCallInfo fcinfo)
{
	Node *expression = fcinfo->flinfo == NULL ? NULL : fcinfo->flinfo->fn_expr;

	if (expression == NULL || !IsA(expression, FuncExpr) ||
		(fcinfo->resultinfo != NULL && !fcinfo->flinfo->fn_retset))
		return NULL;
	return (const FuncExpr *) expression;
}

/* Whether two expressions are copies of one call that the parser made. */
static bool
is_copy(const FuncExpr *one, const FuncExpr *other)
{
	return one->location == other->location && equal(one, other);
}

bool
hl_once_take(FunctionCallInfo fcinfo, Datum *result)
{
	const FuncExpr *call = call_of(fcinfo);
	dlist_iter each;

	if (call == NULL)
		return false;
	dlist_foreach(each, &kept_replies)
	{
		Kept *kept = dlist_container(Kept, node, each.cur);

		if (kept->row != CurrentMemoryContext ||
			kept->plan != GetMemoryChunkContext(unconstify(FuncExpr *, call)) ||
			list_member_ptr(kept->copies, fcinfo->flinfo) ||
			!is_copy(kept->call, call))
			continue;
		kept->copies = lappend(kept->copies, fcinfo->flinfo);
		*result = kept->result;
		fcinfo->isnull = kept->isnull;
		return true;
	}
	return false;
}

/* Called when the memory of the row is reset or deleted. */
static void
forget(void *argument)
{
	dlist_delete(&((Kept *) argument)->node);
}

void
hl_once_keep(FunctionCallInfo fcinfo, Datum result)
{
	const FuncExpr *call = call_of(fcinfo);
	Kept *kept;

	if (call == NULL)
		return;
	kept = hl_owned_create(sizeof(Kept), forget);
	dlist_push_head(&kept_replies, &kept->node);
	kept->row = CurrentMemoryContext;
	kept->plan = GetMemoryChunkContext(unconstify(FuncExpr *, call));
	kept->call = call;
	kept->copies = list_make1(fcinfo->flinfo);
	kept->result = result;
	kept->isnull = fcinfo->isnull;
}
