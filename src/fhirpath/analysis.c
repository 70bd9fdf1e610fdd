/*
 * analysis.c
 *	  Properties of a path before it is evaluated.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "fhirpath/analysis.h"
#include "fhirpath/call.h"
#include "fhirpath/definition.h"
#include "fhirpath/number.h"

/* The maximum number of nodes among which equal ones are searched for. */
#define SHARED_MAX 1000

/* Whether an operator returns a boolean. */
static bool
is_boolean_operator(HlOperator operator)
{
	return operator<HL_OPERATOR_UNION;
}

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

/* The type of a number: decimal, unless it is written as an integer and fits. */
static const char *
type_of_number(const HlItem *literal)
{
	Numeric number = literal->value.val.numeric;
	int64 value;

	return strchr(hl_item_to_text(literal), '.') == NULL &&
				   hl_number_to_int64(number, &value) && value <= PG_INT32_MAX
			   ? "integer"
			   : "decimal";
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

	return literal->kind == HL_KIND_NUMBER ? type_of_number(literal)
										   : names[literal->kind];
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
		case HL_NODE_NEGATE:
		case HL_NODE_PLUS:
			return find_type(node->input, len);
		case HL_NODE_AS:
			*len = node->type.len;
			return node->type.name;
		default:
			return NULL;
	}
}

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

/* Whether a call returns items of its input, and takes no type. */
static bool
is_choosing(const HlCall *call)
{
	static const char *const names[] = {
		"where", "first", "last",     "single",  "tail",
		"skip",  "take",  "distinct", "exclude", "intersect"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(call->name, names[i]) == 0)
			return true;
	return false;
}

/* Whether a call or an operator returns the items of its input of one type. */
static bool
is_of_type(const HlNode *node)
{
	return node->kind == HL_NODE_AS ||
		   (node->kind == HL_NODE_CALL &&
			(strcmp(node->call->name, "ofType") == 0 ||
			 strcmp(node->call->name, "as") == 0));
}

/* What the definitions know the items of a node by; "" if nothing. */
static const char *
find_owner(const HlNode *node, const char *resource, int *len)
{
	while (node != NULL)
	{
		if (is_of_type(node))
		{
			*len = node->type.len;
			return node->type.name;
		}
		if (node->kind == HL_NODE_MEMBER)
		{
			/* a type at the beginning is that of the resource, or its base */
			if (node->is_first && node->input == NULL && node->name[0] >= 'A' &&
				node->name[0] <= 'Z')
				return resource;
			*len = node->len;
			return node->name;
		}
		if (node->kind == HL_NODE_CALL &&
			strcmp(node->call->name, "extension") == 0)
		{
			*len = 9;
			return "extension";
		}
		if (node->kind == HL_NODE_THIS || node->kind == HL_NODE_RESOURCE)
			return resource;
		if (node->kind != HL_NODE_INDEXER &&
			!(node->kind == HL_NODE_CALL && is_choosing(node->call)))
		{
			*len = 0;
			return "";
		}
		node = node->input;
	}
	return resource;
}

/* Whether a member has at most one value for each item that it belongs to. */
static bool
is_single_member(const HlNode *node, const char *resource, int len)
{
	const char *owner = find_owner(node->input, resource, &len);

	return !hl_definition_has_list(owner, len, node->name, node->len);
}

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

/* Whether a call may return items that it was given or that it finds. */
static bool
returns_elements(const HlCall *call)
{
	static const char *const names[] = {
		"as",      "children",  "combine", "descendants", "distinct",
		"exclude", "extension", "first",   "iif",         "intersect",
		"last",    "ofType",    "repeat",  "select",      "single",
		"skip",    "tail",      "take",    "union",       "where"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(call->name, names[i]) == 0)
			return true;
	return false;
}

bool
hl_analysis_is_computed(const HlNode *node)
{
	switch (node->kind)
	{
		case HL_NODE_CALL:
			return !returns_elements(node->call);
		case HL_NODE_BINARY:
			return node->operator!= HL_OPERATOR_UNION;
		case HL_NODE_LITERAL:
		case HL_NODE_EMPTY:
		case HL_NODE_INDEX:
		case HL_NODE_ROW_INDEX:
		case HL_NODE_CONSTANT:
		case HL_NODE_NEGATE:
		case HL_NODE_PLUS:
		case HL_NODE_IS:
			return true;
		default:
			return false;
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
 * Computes hashes of a tree and its subtrees. Without them, long paths that
 * differ at their ends would be compared completely, each part with each.
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

			/* finding a member of the context is as fast as a slot */
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
				break; /* nodes below are not evaluated again */
			}
		}
	}
	pfree(seen);
}
