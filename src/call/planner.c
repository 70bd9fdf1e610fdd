/*
 * planner.c
 *	  Refuses plans that separate the copies of a call.
 *
 * A column that ORDER BY, GROUP BY, DISTINCT or a window uses is computed
 * below the sort or the aggregate, every other volatile column above it
 * (make_sort_input_target() and similar functions in PostgreSQL's planner.c):
 * two nodes, two rows, two calls. And a subquery in the copied expression is
 * planned once for each copy. The planner calls the support function when it
 * simplifies a call; then the query still has its calls as the parser made
 * them.
 *
 * Rows are locked (LockRows) and WHEN MATCHED is tried again (ExecMerge())
 * above the node that computes their columns, so a call may be made for a row
 * that is dropped then, or twice for one. And the actions of a rule have
 * copies of what the statement computes.
 *
 * The nodes of OFFSET, DISTINCT and the like are above it as well, and so is
 * ModifyTable of UPDATE ... FROM, which takes the first of the joined rows of a
 * row: what is called for the others is paid for and lost.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "call/planner.h"

typedef enum Side
{
	SIDE_ABOVE = 0,
	SIDE_BELOW_SORT = 1,
	SIDE_BELOW_WINDOW = 2,
	SIDE_BELOW_GROUP = 4
} Side;

/* A call in a target list, and the part of the plan that computes it. */
typedef struct Placed
{
	const FuncExpr *call;
	int sides;
} Placed;

/* The state of a walk over the target list of a query. */
typedef struct Search
{
	List *sought; /* functions, by OID */
	int sides;    /* of the current target */
	bool beside;  /* the list has a set-returning function */
	List *placed;
} Search;

/* Refuses a call that would be made several times for a row. */
static void
refuse_copies(Oid function, const char *detail)
{
	const char *name = get_func_name(function);

	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("function %s would be called more than once for a row", name),
		 errdetail("%s", detail),
		 errhint("Call the function in FROM: SELECT r.* FROM %s(...) AS r; "
				 "for the rows of a table, FROM t, LATERAL %s(...) AS r.",
				 name, name)));
}

/*
 * Refuses a call beside a set-returning function, which would be evaluated
 * once more after its last row.
 */
static void
refuse_beside(Oid function)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("function %s would be called once more than there are rows",
				get_func_name(function)),
		 errdetail("PostgreSQL computes the columns beside a set-returning "
				   "function once more when that function has no more rows."),
		 errhint("Call the set-returning function in FROM.")));
}

/*
 * Refuses a call under SELECT FOR UPDATE, which may skip the row afterwards, or
 * compute it again when another transaction has updated it.
 */
static void
refuse_locking(Oid function)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("function %s would be called before the row is locked",
				get_func_name(function)),
		 errdetail("PostgreSQL locks the rows of SELECT ... FOR UPDATE or "
				   "SHARE last, and may then skip a row or compute it "
				   "again."),
		 errhint("Lock the rows in a materialized CTE and call the function "
				 "for its rows, or lock them in a statement before.")));
}

/* Refuses a call in an action of MERGE that may be tried again. */
static void
refuse_matched(Oid function)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("function %s cannot be called in WHEN MATCHED",
				get_func_name(function)),
		 errdetail("MERGE computes the new row again when another transaction "
				   "has updated the row."),
		 errhint("Lock the rows in a statement before and call the function "
				 "in the data source, or use UPDATE.")));
}

/* Refuses a call in a statement that a rule has made. */
static void
refuse_rule(Oid function)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("function %s cannot be called in a statement that a rule "
				"rewrites",
				get_func_name(function)),
		 errdetail("Each action of the rule would call it again."),
		 errhint("Use a trigger instead of the rule, or call the function in "
				 "a statement before.")));
}

/* Refuses a call for rows that are dropped afterwards. */
static void
refuse_dropped(Oid function, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("function %s would be called for rows that are dropped",
					get_func_name(function)),
			 errdetail("%s", detail), errhint("%s", hint)));
}

/* Whether a list of SortGroupClauses contains that reference. */
static bool
has_reference(const List *clauses, Index reference)
{
	ListCell *cell;

	foreach (cell, clauses)
		if (lfirst_node(SortGroupClause, cell)->tleSortGroupRef == reference)
			return true;
	return false;
}

/* In which part of the plan a target will be computed. */
static int
sides_of(const Query *query, const TargetEntry *target)
{
	Index reference = target->ressortgroupref;
	int sides = SIDE_ABOVE;
	ListCell *cell;

	if (reference == 0)
		return sides;
	if (query->sortClause != NIL)
		sides |= SIDE_BELOW_SORT;
	if (has_reference(query->groupClause, reference))
		sides |= SIDE_BELOW_GROUP;
	foreach (cell, query->windowClause)
	{
		WindowClause *window = lfirst_node(WindowClause, cell);

		if (has_reference(window->partitionClause, reference) ||
			has_reference(window->orderClause, reference))
			sides |= SIDE_BELOW_WINDOW;
	}
	return sides;
}

/* Whether PostgreSQL may inline a function. */
static bool
may_be_inlined(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc row;
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	row = (Form_pg_proc) GETSTRUCT(tuple);
	/* one that is not volatile cannot be inlined with a call in it */
	result = row->prolang == SQLlanguageId && !row->proretset &&
			 row->provolatile == PROVOLATILE_VOLATILE;
	ReleaseSysCache(tuple);
	return result;
}

/* Collects the functions in a query that may be inlined, without its queries. */
static bool
inlined_walker(Node *node, void *functions)
{
	List **found = functions;

	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, FuncExpr) && may_be_inlined(((FuncExpr *) node)->funcid))
		*found = list_append_unique_oid(*found, ((FuncExpr *) node)->funcid);
	return expression_tree_walker(node, inlined_walker, functions);
}

/* Compares a call in the target list with those before it. */
static void
place(Search *search, const FuncExpr *call)
{
	Placed *placed = palloc(sizeof(Placed));
	ListCell *cell;

	if (search->beside)
		refuse_beside(call->funcid);
	foreach (cell, search->placed)
	{
		const Placed *other = lfirst(cell);

		if (other->sides != search->sides && equal(other->call, call))
			refuse_copies(
				call->funcid,
				"PostgreSQL computes the columns that ORDER BY, GROUP BY, "
				"DISTINCT or a window names apart from the other columns.");
	}
	placed->call = call;
	placed->sides = search->sides;
	search->placed = lappend(search->placed, placed);
}

/* Visits the calls in a target, without descending into queries. */
static bool
target_walker(Node *node, void *context)
{
	Search *search = context;

	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, FuncExpr) &&
		list_member_oid(search->sought, ((FuncExpr *) node)->funcid))
		place(search, (FuncExpr *) node);
	return expression_tree_walker(node, target_walker, context);
}

/*
 * The target list. Since PostgreSQL 18 expressions of GROUP BY are elsewhere
 * and are put back.
 */
static List *
targets_of(Query *query)
{
#if PG_VERSION_NUM >= 180000
	if (query->hasGroupRTE)
		return (List *) flatten_group_exprs(NULL, query,
											(Node *) query->targetList);
#endif
	return query->targetList;
}

/* Whether a target is a set-returning function. */
static bool
has_set_target(const List *targets)
{
	ListCell *cell;

	foreach (cell, targets)
	{
		Node *node = (Node *) lfirst_node(TargetEntry, cell)->expr;

		if ((IsA(node, FuncExpr) && ((FuncExpr *) node)->funcretset) ||
			(IsA(node, OpExpr) && ((OpExpr *) node)->opretset))
			return true;
	}
	return false;
}

/*
 * Searches for copies of a call that would be computed in different parts of
 * the plan.
 */
static void
search_targets(Query *query, List *sought)
{
	Search search = {.sought = sought};
	List *targets = targets_of(query);
	bool has_set = has_set_target(targets);
	ListCell *cell;

	if (!has_set && query->sortClause == NIL && query->groupClause == NIL &&
		query->windowClause == NIL)
		return;
	foreach (cell, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		search.sides = sides_of(query, target);
		search.beside =
			has_set && !expression_returns_set((Node *) target->expr);
		target_walker((Node *) target->expr, &search);
	}
}

/* The state of a walk over all expressions of a query. */
typedef struct Repeats
{
	List *sought; /* functions, by OID */
	bool found;   /* the query contains a call */
	List *calls;  /* calls with a subquery in their arguments */
} Repeats;

/* Refuses a copy of a call whose arguments contain a subquery. */
static void
refuse_repeat(const Repeats *repeats, const FuncExpr *call)
{
	ListCell *cell;

	foreach (cell, repeats->calls)
	{
		const FuncExpr *other = lfirst(cell);

		if (other->location == call->location && equal(other, call))
			refuse_copies(call->funcid,
						  "PostgreSQL repeats a subquery among the arguments "
						  "for each column of the result.");
	}
}

/* Visits the calls in a query, without descending into queries. */
static bool
query_walker(Node *node, void *context)
{
	Repeats *repeats = context;

	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, FuncExpr) &&
		list_member_oid(repeats->sought, ((FuncExpr *) node)->funcid))
	{
		repeats->found = true;
		if (checkExprHasSubLink(node))
		{
			refuse_repeat(repeats, (FuncExpr *) node);
			repeats->calls = lappend(repeats->calls, node);
		}
	}
	return expression_tree_walker(node, query_walker, context);
}

/* Searches a query; returns whether it contains a call. */
static bool
search_query(Query *query, List *sought)
{
	Repeats repeats = {.sought = sought};

	search_targets(query, sought);
	query_tree_walker(query, query_walker, &repeats, 0);
	return repeats.found;
}

/* Searches a tree for a call, including subqueries. */
static bool
contains_walker(Node *node, void *sought)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) &&
		list_member_oid((List *) sought, ((FuncExpr *) node)->funcid))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, contains_walker, sought, 0);
	return expression_tree_walker(node, contains_walker, sought);
}

static bool
sublink_walker(Node *node, void *sublinks)
{
	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, SubLink))
		*(List **) sublinks = lappend(*(List **) sublinks, node);
	return expression_tree_walker(node, sublink_walker, sublinks);
}

/* Refuses (SELECT f(...)).*, where PostgreSQL copies the subquery. */
static void
search_sublinks(Query *query, Oid function, List *sought)
{
	List *sublinks = NIL;
	ListCell *cell;
	ListCell *rest;

	query_tree_walker(query, sublink_walker, &sublinks, 0);
	foreach (cell, sublinks)
	{
		SubLink *one = lfirst(cell);

		for_each_cell(rest, sublinks, lnext(sublinks, cell))
		{
			SubLink *other = lfirst(rest);

			if (one->location == other->location && equal(one, other) &&
				contains_walker(one->subselect, sought))
				refuse_copies(function,
							  "PostgreSQL repeats a subquery for each column "
							  "of its row.");
		}
	}
}

/* Whether an action of MERGE is for a row of the target. */
#if PG_VERSION_NUM >= 170000
#define IS_MATCHED(action)                                                     \
	((action)->matchKind != MERGE_WHEN_NOT_MATCHED_BY_TARGET)
#else
#define IS_MATCHED(action) ((action)->matched)
#endif

/* Searches for a call in the actions of MERGE that may be tried again. */
static void
search_merge(Query *query, Oid function, List *sought)
{
#if PG_VERSION_NUM >= 150000
	ListCell *cell;

	foreach (cell, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, cell);

		if (IS_MATCHED(action) && contains_walker((Node *) action, sought))
			refuse_matched(function);
	}
#endif
}

/* Whether a row of the target may be joined with several rows. */
static bool
joins_others(const Query *query, const Node *node)
{
	ListCell *cell;

	if (IsA(node, JoinExpr))
	{
		const JoinExpr *join = (const JoinExpr *) node;

		if (joins_others(query, join->larg))
			return true;
		/* WHERE EXISTS and IN */
		return join->jointype != JOIN_SEMI && join->jointype != JOIN_ANTI &&
			   joins_others(query, join->rarg);
	}
	if (IsA(node, FromExpr))
	{
		foreach (cell, ((const FromExpr *) node)->fromlist)
			if (joins_others(query, lfirst(cell)))
				return true;
		return false;
	}
	/* RTE_RESULT is one row */
	return ((const RangeTblRef *) node)->rtindex != query->resultRelation &&
		   rt_fetch(((const RangeTblRef *) node)->rtindex, query->rtable)
				   ->rtekind != RTE_RESULT;
}

/* Whether the target is a view, whose trigger gets each row of its query. */
static bool
is_of_view(const Query *query)
{
	return rt_fetch(query->resultRelation, query->rtable)->relkind ==
		   RELKIND_VIEW;
}

/*
 * Whether LIMIT or OFFSET has an effect; 0 is none for OFFSET. A parameter has
 * a value only in a plan that is made for it.
 */
static bool
is_in_effect(PlannerInfo *root, const Node *clause, bool zero_is)
{
	const Const *constant;

	if (clause == NULL)
		return false;
	constant = (const Const *) eval_const_expressions(
		root, (Node *) copyObject(clause));
	return !IsA(constant, Const) ||
		   (!constant->constisnull &&
			(zero_is || DatumGetInt64(constant->constvalue) != 0));
}

/* Whether a tree of set operations has others than UNION ALL. */
static bool
compares(const Node *node)
{
	const SetOperationStmt *set = (const SetOperationStmt *) node;

	if (!IsA(node, SetOperationStmt))
		return false;
	return set->op != SETOP_UNION || !set->all || compares(set->larg) ||
		   compares(set->rarg);
}

/* Whether a query is an operand of such set operations. */
static bool
is_compared(const PlannerInfo *root)
{
	const Query *above =
		root->parent_root != NULL ? root->parent_root->parse : NULL;
	ListCell *cell;

	if (above == NULL || above->setOperations == NULL ||
		!compares(above->setOperations))
		return false;
	foreach (cell, above->rtable)
		/* and not a CTE, which is copied before it is planned */
		if (lfirst_node(RangeTblEntry, cell)->subquery == root->parse)
			return true;
	return false;
}

/*
 * Says how rows for which a target was computed are dropped; NULL: they are
 * not. A sort computes volatile targets last, but a subquery only where there
 * is a LIMIT (make_sort_input_target()).
 */
static const char *
dropped_by(PlannerInfo *root, const TargetEntry *target, bool in_subquery)
{
	const Query *query = root->parse;
	Index reference = target->ressortgroupref;

	if (is_in_effect(root, query->limitOffset, false))
		return "PostgreSQL also computes the rows that OFFSET skips.";
	if (query->limitOption == LIMIT_OPTION_WITH_TIES)
		return "WITH TIES computes one row more than it returns.";
	if ((query->distinctClause != NIL &&
		 (reference != 0 || in_subquery || query->sortClause == NIL)) ||
		has_reference(query->groupClause, reference) || is_compared(root))
		return "PostgreSQL computes the columns before DISTINCT, GROUP BY, "
			   "UNION, INTERSECT or EXCEPT drops rows.";
	if (reference != 0 && is_in_effect(root, query->limitCount, true))
		return "PostgreSQL computes the columns that ORDER BY names for all "
			   "rows, before LIMIT.";
	return NULL;
}

static const char hint_for_its_rows[] =
	"Select the rows in a materialized CTE and call the function for its rows, "
	"or call it in the CTE for all of them.";

/* Searches for a call in the targets of a query that drops rows. */
static void
search_dropped(PlannerInfo *root, Oid function, List *sought, bool in_subquery)
{
	Query *query = root->parse;
	ListCell *cell;

	foreach (cell, targets_of(query))
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);
		const char *detail;

		if (!contains_walker((Node *) target->expr, sought))
			continue;
		if (query->commandType == CMD_UPDATE && !is_of_view(query) &&
			joins_others(query, (Node *) query->jointree))
			refuse_dropped(
				function,
				"UPDATE ... FROM computes a new row for each joined row, and "
				"uses one of them.",
				"Call the function in a materialized CTE, for each row that is "
				"to be updated, and name the CTE in FROM.");
		detail = dropped_by(root, target, in_subquery);
		if (detail != NULL)
			refuse_dropped(function, detail, hint_for_its_rows);
	}
}

/*
 * The same for a call in FROM for the rows of a table. All of them are joined
 * before they are sorted or skipped.
 */
static void
search_from(PlannerInfo *root, Oid function)
{
	const Query *query = root->parse;
	bool skips = is_in_effect(root, query->limitOffset, false);
	ListCell *cell;

	if (!skips && (query->sortClause == NIL ||
				   !is_in_effect(root, query->limitCount, true)))
		return;
	foreach (cell, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

		if (entry->rtekind == RTE_FUNCTION &&
			contain_vars_of_level((Node *) entry->functions, 0) &&
			contains_walker((Node *) entry->functions,
							list_make1_oid(function)))
			refuse_dropped(function,
						   "PostgreSQL calls a function in FROM for all rows, "
						   "before ORDER BY, LIMIT and OFFSET.",
						   hint_for_its_rows);
	}
}

/* Refuses a call in or below a query that locks rows or is made by a rule. */
static void
search_above(PlannerInfo *root, Oid function)
{
	for (; root != NULL; root = root->parent_root)
	{
		if (root->parse->rowMarks != NIL)
			refuse_locking(function);
		if (root->parse->querySource != QSRC_ORIGINAL)
			refuse_rule(function);
	}
}

/* Checks the queries in which a call is about to be planned. */
static void
check_call(PlannerInfo *root, Oid function)
{
	List *sought = list_make1_oid(function);

	search_above(root, function);
	if (!search_query(root->parse, sought))
	{
		/* the call is not in the query: it comes from an inlined function */
		sought = NIL;
		query_tree_walker(root->parse, inlined_walker, &sought, 0);
		search_query(root->parse, sought);
	}
	search_merge(root->parse, function, sought);
	search_dropped(root, function, sought, false);
	for (root = root->parent_root; root != NULL; root = root->parent_root)
	{
		search_sublinks(root->parse, function, sought);
		search_merge(root->parse, function, sought);
		search_dropped(root, function, sought, true);
	}
}

/*
 * A call in FROM of a subquery that is pulled up is simplified before, when its
 * parents are not known. Its costs are estimated afterwards.
 */
Node *
hl_planner_support(Node *request)
{
	if (IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;

		if (simplify->root != NULL)
			check_call(simplify->root, simplify->fcall->funcid);
	}
	else if (IsA(request, SupportRequestCost))
	{
		SupportRequestCost *cost = (SupportRequestCost *) request;

		/* of an argument of a function that is inlined, no query is known */
		if (cost->root == NULL)
			return NULL;
		search_above(cost->root, cost->funcid);
		search_from(cost->root, cost->funcid);
	}
	return NULL;
}
