/*
 * analysis.c
 *	  What a path tells before it is evaluated.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "fhirpath/analysis.h"
#include "fhirpath/call.h"
#include "fhirpath/repeating.h"

/* Beyond so many nodes, equal ones are not looked for. */
#define SHARED_MAX 1000

/* Whether an operator returns a boolean. */
static bool
is_boolean_operator(HlOperator operator)
{
	return operator<HL_OPERATOR_UNION;
}

/* Whether a path returns a boolean or nothing for every document. */
bool
hl_analysis_is_boolean(const HlNode *node)
{
	switch (node->kind)
	{
		case HL_NODE_LITERAL:
			return node->literal.kind == HL_KIND_BOOLEAN;
		case HL_NODE_IS:
			return true;
		case HL_NODE_BINARY:
			return is_boolean_operator(node->operator);
		case HL_NODE_CALL:
			return node->call->gives == HL_GIVES_BOOLEAN;
		default:
			return false;
	}
}

/* The type of a literal. */
static const char *
type_of_literal(const HlItem *literal)
{
	static const char *const names[] = {
		[HL_KIND_BOOLEAN] = "boolean", [HL_KIND_STRING] = "string",
		[HL_KIND_DATE] = "date",       [HL_KIND_DATETIME] = "dateTime",
		[HL_KIND_TIME] = "time",
	};

	return literal->kind == HL_KIND_NUMBER ? NULL : names[literal->kind];
}

/* The type that a call returns, if its name tells it. */
static const char *
type_of_call(const HlNode *node, int *len)
{
	static const char *const strings[] = {
		"join",  "toString",  "getReferenceKey", "getResourceKey", "upper",
		"lower", "substring", "replace",         "trim",           "split"};
	static const char *const integers[] = {"count", "length", "indexOf",
										   "toInteger"};
	const HlCall *call = node->call;

	if (strcmp(call->name, "ofType") == 0 || strcmp(call->name, "as") == 0)
	{
		*len = node->type.len;
		return node->type.name;
	}
	for (int i = 0; i < (int) lengthof(strings); i++)
		if (strcmp(call->name, strings[i]) == 0)
			return "string";
	for (int i = 0; i < (int) lengthof(integers); i++)
		if (strcmp(call->name, integers[i]) == 0)
			return "integer";
	if (strcmp(call->name, "first") == 0 || strcmp(call->name, "last") == 0 ||
		strcmp(call->name, "single") == 0 ||
		(call->gives == HL_GIVES_SAME && !call->takes_type))
		return node->input ? hl_analysis_type(node->input, len) : NULL;
	return NULL;
}

/* The type that a node returns; *len is set if it is not the whole string. */
static const char *
find_type(const HlNode *node, int *len)
{
	check_stack_depth();
	if (hl_analysis_is_boolean(node))
		return "boolean";
	switch (node->kind)
	{
		case HL_NODE_LITERAL:
			return type_of_literal(&node->literal);
		case HL_NODE_ROW_INDEX:
			return "integer";
		case HL_NODE_CALL:
			return type_of_call(node, len);
		case HL_NODE_INDEXER:
			return find_type(node->input, len);
		case HL_NODE_AS:
			*len = node->type.len;
			return node->type.name;
		default:
			return NULL;
	}
}

/* The FHIR type that a path always returns, or NULL. */
const char *
hl_analysis_type(const HlNode *node, int *len)
{
	const char *type;

	*len = 0;
	type = find_type(node, len);
	if (type != NULL && *len == 0)
		*len = (int) strlen(type);
	return type;
}

/* The member whose values a node returns; NULL for the resource itself. */
static const HlNode *
find_member(const HlNode *node)
{
	while (node != NULL && node->kind != HL_NODE_MEMBER)
		node = node->input;
	return node;
}

/* Whether a member has at most one value for each item that it belongs to. */
static bool
is_single_member(const HlNode *node, const char *resource, int len)
{
	const HlNode *parent = find_member(node->input);

	if (parent == NULL ||
		(parent->is_first && parent->input == NULL && parent->len == len &&
		 memcmp(parent->name, resource, len) == 0))
		return !hl_repeating_has(resource, len, node->name, node->len);
	return !hl_repeating_has(parent->name, parent->len, node->name, node->len);
}

/* Whether a path returns at most one item, as far as FHIR tells. */
bool
hl_analysis_is_single(const HlNode *node, const char *resource, int len)
{
	check_stack_depth();
	if (node == NULL)
		return true;
	switch (node->kind)
	{
		case HL_NODE_MEMBER:
			return is_single_member(node, resource, len) &&
				   hl_analysis_is_single(node->input, resource, len);
		case HL_NODE_CALL:
			if (node->call->gives == HL_GIVES_ITEMS)
				return false;
			return node->call->gives != HL_GIVES_SAME ||
				   hl_analysis_is_single(node->input, resource, len);
		case HL_NODE_BINARY:
			return node->operator!= HL_OPERATOR_UNION;
		case HL_NODE_CONSTANT:
		default:
			return true;
	}
}

static bool
same_word(const char *one, int len, const char *other, int otherlen)
{
	return len == otherlen && (len == 0 || memcmp(one, other, len) == 0);
}

/* Whether two literals are spelled the same; numbers are not compared. */
static bool
same_literal(const HlItem *one, const HlItem *other)
{
	if (one->kind != other->kind)
		return false;
	if (one->kind == HL_KIND_BOOLEAN)
		return one->value.val.boolean == other->value.val.boolean;
	if (one->kind == HL_KIND_NUMBER)
		return VARSIZE_ANY(one->value.val.numeric) ==
				   VARSIZE_ANY(other->value.val.numeric) &&
			   memcmp(one->value.val.numeric, other->value.val.numeric,
					  VARSIZE_ANY(one->value.val.numeric)) == 0;
	return same_word(one->value.val.string.val, one->value.val.string.len,
					 other->value.val.string.val, other->value.val.string.len);
}

/* Whether two trees are equal. */
static bool
same_node(const HlNode *one, const HlNode *other)
{
	if (one == NULL || other == NULL)
		return one == other;
	check_stack_depth();
	if (one->hash != other->hash || one->kind != other->kind ||
		one->operator!= other->operator|| one->call != other->call ||
		one->narguments != other->narguments || one->is_first !=
		other->is_first || !same_word(one->name, one->len, other->name,
									  other->len) ||
		!same_word(one->type.name, one->type.len, other->type.name,
				   other->type.len) ||
		one->type.is_fhir != other->type.is_fhir ||
		one->type.is_system != other->type.is_system)
		return false;
	if (one->kind == HL_NODE_LITERAL &&
		!same_literal(&one->literal, &other->literal))
		return false;
	for (int i = 0; one->arguments && i < one->narguments; i++)
		if (!same_node(one->arguments[i], other->arguments[i]))
			return false;
	return same_node(one->input, other->input);
}

/*
 * Gives a tree and its subtrees hashes, which are the same for equal ones.
 * Without them, long paths that differ at their ends would be compared
 * completely, each part with each.
 */
static void
hash_tree(HlNode *node)
{
	uint32 hash;

	check_stack_depth();
	hash = hash_combine(murmurhash32(node->kind * 64 + node->operator),
						hash_bytes((unsigned char *) node->name, node->len));
	if (node->kind == HL_NODE_LITERAL && hl_item_is_text(&node->literal))
		hash = hash_combine(
			hash,
			hash_bytes((unsigned char *) node->literal.value.val.string.val,
					   node->literal.value.val.string.len));
	for (int i = 0; node->arguments && i < node->narguments; i++)
	{
		hash_tree(node->arguments[i]);
		hash = hash_combine(hash, node->arguments[i]->hash);
	}
	if (node->input != NULL)
	{
		hash_tree(node->input);
		hash = hash_combine(hash, node->input->hash);
	}
	node->hash = hash;
}

/*
 * Gives equal nodes of paths the same slot, if they depend only on the context;
 * counts from *nslots.
 */
void
hl_analysis_share(HlPath **paths, int npaths, int *nslots)
{
	HlNode **seen = palloc(SHARED_MAX * sizeof(HlNode *));
	int nseen = 0;

	for (int i = 0; i < npaths; i++)
	{
		hash_tree(paths[i]->root);
		for (HlNode *node = paths[i]->root; node; node = node->input)
		{
			int j = 0;

			/* a member of the context alone is found as fast as its slot */
			if (node->input == NULL && node->kind != HL_NODE_CALL)
				break;
			CHECK_FOR_INTERRUPTS();
			while (j < nseen && !same_node(seen[j], node))
				j++;
			if (j == nseen && nseen < SHARED_MAX)
				seen[nseen++] = node;
			else if (j < nseen)
			{
				if (seen[j]->slot == 0)
					seen[j]->slot = ++*nslots;
				node->slot = seen[j]->slot;
				break; /* what is below is not evaluated again */
			}
		}
	}
	pfree(seen);
}
