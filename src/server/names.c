/*
 * names.c
 *	  Checks the relations and functions of a statement after each analysis of
 *	  it, before anything is planned, which may already execute functions.
 *
 * Renaming a schema takes no lock on what is in it, so its owner can give its
 * name to another one at any moment. A statement that runs as the owner of the
 * extension's tables must not read a view in that one.
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "utils/lsyscache.h"

#include "server/names.h"

static const HlNames *current = NULL;
static post_parse_analyze_hook_type earlier = NULL;

static bool
is_expected(const HlNames *names, Oid schema)
{
	return schema == PG_CATALOG_NAMESPACE || schema == names->schema;
}

/* Whether a part of a statement is in another schema. */
static bool
is_elsewhere(Node *node, void *names)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = (const RangeTblEntry *) node;

		return entry->rtekind == RTE_RELATION &&
			   !is_expected(names, get_rel_namespace(entry->relid));
	}
	if (IsA(node, FuncExpr) &&
		!is_expected(names, get_func_namespace(((FuncExpr *) node)->funcid)))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, is_elsewhere, names,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, is_elsewhere, names);
}

/* post_parse_analyze_hook */
static void
#if PG_VERSION_NUM >= 190000
check_names(ParseState *state, Query *query, const JumbleState *jumble)
#else
check_names(ParseState *state, Query *query, JumbleState *jumble)
#endif
{
	if (earlier != NULL)
		earlier(state, query, jumble);
	if (current == NULL || strcmp(state->p_sourcetext, current->sql) != 0)
		return;
	if (is_elsewhere((Node *) query, (void *) current))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the schema of extension \"%s\" was renamed during the "
						"statement",
						"healthlake"),
				 errhint("Repeat the statement.")));
}

void
hl_names_init(void)
{
	earlier = post_parse_analyze_hook;
	post_parse_analyze_hook = check_names;
}

void
hl_names_begin(HlNames *names, const char *sql, Oid schema)
{
	*names = (HlNames){.sql = sql, .schema = schema, .outer = current};
	current = names;
}

void
hl_names_end(const HlNames *names)
{
	current = names->outer;
}
