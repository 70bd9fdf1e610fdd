/*
 * once.c
 *	  One call for each row of (f(...)).*.
 *
 * The parser copies the expression of a row for each of its columns, so a copy
 * is recognized by what the parser copied: the function, the argument
 * expressions, and the location in the query's text. Comparing argument values
 * would fail for 'x' || gen_random_uuid(), which differs in each copy.
 * Comparing only locations would fail for two assignments of PL/pgSQL, which
 * have the same. Copies are distinguished from repeated evaluations by memory:
 * copies are in one plan, and the executor evaluates them in the memory that
 * it resets for each row.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "nodes/primnodes.h"
#include "utils/memutils.h"

#include "call/once.h"
#include "server/owned.h"

/* The result of a call, in the memory of its row. */
typedef struct Kept
{
	dlist_node node;
	MemoryContext row;
	MemoryContext plan;
	const FuncExpr *call;
	List *copies; /* the FmgrInfo of copies that have returned it */
	Datum result;
	bool isnull;
} Kept;

/* All kept results, the newest first. */
static dlist_head kept_replies = DLIST_STATIC_INIT(kept_replies);

/*
 * The expression of the call; NULL if it can have no copies: in FROM, unless
 * it returns a set, and in calls from C code without an expression.
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

/* Whether two expressions are the parser's copies of one call. */
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

/* Memory context callback of the row. */
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
