/*
 * parse.c
 *	  FHIRPath's grammar, by recursive descent: one function for operands, and
 *	  one for all binary operators by their precedence.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "fhirpath/call.h"
#include "fhirpath/parse.h"

/* The maximum number of digits of a number in a path. */
#define DIGITS_MAX 100

typedef struct Parser
{
	HlLexer lexer;
	HlPath *path;
	HlNode **last; /* the link for the next constant */
} Parser;

/* Operators by precedence, lowest first; all are left-associative. */
static const struct
{
	const char *text;
	HlOperator operator;
	int precedence;
} operators[] = {
	{"implies", HL_OPERATOR_IMPLIES, 1},
	{"or", HL_OPERATOR_OR, 2},
	{"xor", HL_OPERATOR_XOR, 2},
	{"and", HL_OPERATOR_AND, 3},
	{"in", HL_OPERATOR_IN, 4},
	{"contains", HL_OPERATOR_CONTAINS, 4},
	{"=", HL_OPERATOR_EQUAL, 5},
	{"!=", HL_OPERATOR_UNEQUAL, 5},
	{"~", HL_OPERATOR_EQUIVALENT, 5},
	{"!~", HL_OPERATOR_INEQUIVALENT, 5},
	{"<", HL_OPERATOR_LESS, 6},
	{">", HL_OPERATOR_GREATER, 6},
	{"<=", HL_OPERATOR_LESS_EQUAL, 6},
	{">=", HL_OPERATOR_GREATER_EQUAL, 6},
	{"|", HL_OPERATOR_UNION, 7},
	/* 8: is, as */
	{"+", HL_OPERATOR_ADD, 9},
	{"-", HL_OPERATOR_SUBTRACT, 9},
	{"&", HL_OPERATOR_CONCATENATE, 9},
	{"*", HL_OPERATOR_MULTIPLY, 10},
	{"/", HL_OPERATOR_DIVIDE, 10},
	{"div", HL_OPERATOR_DIV, 10},
	{"mod", HL_OPERATOR_MOD, 10},
};

#define PRECEDENCE_TYPE 8

static HlNode *parse_expression(Parser *parser, int weakest);

/* Makes a node for the current token. */
static HlNode *
make_node(Parser *parser, HlNodeKind kind)
{
	HlNode *node = palloc0(sizeof(HlNode));

	node->kind = kind;
	node->begin = parser->lexer.token.begin;
	node->end = parser->lexer.token.end;
	return node;
}

/* Reads the next token, and returns the node unless there is a fault. */
static HlNode *
advance(Parser *parser, HlNode *node)
{
	return hl_lexer_next(&parser->lexer) ? node : NULL;
}

/* How much of a word is shown in a message, in whole characters. */
static int
shown_length(const char *text, int len)
{
	return pg_mbcliplen(text, len, Min(len, 60));
}

/* Sets a fault at the current token. */
static HlNode *
fail(Parser *parser, int sqlstate, const char *message)
{
	const HlToken *token = &parser->lexer.token;

	if (token->kind == HL_TOKEN_END)
		hl_fault_set(&parser->lexer, sqlstate, token->begin,
					 "%s at end of path", message);
	else
		hl_fault_set(&parser->lexer, sqlstate, token->begin,
					 "%s at or near \"%.*s\"", message,
					 shown_length(parser->lexer.text + token->begin,
								  token->end - token->begin),
					 parser->lexer.text + token->begin);
	return NULL;
}

/* Consumes a symbol that must come next. */
static bool
expect(Parser *parser, const char *symbol)
{
	if (!hl_lexer_is(&parser->lexer, symbol))
	{
		fail(parser, ERRCODE_SYNTAX_ERROR, "syntax error");
		return false;
	}
	return hl_lexer_next(&parser->lexer);
}

/* Whether a quantity's unit follows a number. */
static bool
is_unit(const HlLexer *lexer)
{
	static const char *const units[] = {
		"year",   "years",   "month",       "months",      "week",   "weeks",
		"day",    "days",    "hour",        "hours",       "minute", "minutes",
		"second", "seconds", "millisecond", "milliseconds"};

	if (lexer->token.kind == HL_TOKEN_STRING)
		return true;
	for (int i = 0; i < (int) lengthof(units); i++)
		if (hl_lexer_is(lexer, units[i]))
			return true;
	return false;
}

/* A number; a quantity is not supported. */
static HlNode *
parse_number(Parser *parser)
{
	HlNode *node = make_node(parser, HL_NODE_LITERAL);
	const HlToken *token = &parser->lexer.token;

	if (token->len > DIGITS_MAX)
		return fail(parser, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
					"number with too many digits");
	hl_item_set_number(
		&node->literal,
		DatumGetNumeric(DirectFunctionCall3(
			numeric_in, CStringGetDatum(pnstrdup(token->text, token->len)),
			ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))),
		token->kind == HL_TOKEN_DECIMAL);
	if (!advance(parser, node))
		return NULL;
	if (is_unit(&parser->lexer))
		return fail(parser, ERRCODE_FEATURE_NOT_SUPPORTED,
					"quantities are not supported");
	return node;
}

/* A date, a DateTime (with a T in it) or a time. */
static HlNode *
parse_moment(Parser *parser, bool is_time)
{
	HlNode *node = make_node(parser, HL_NODE_LITERAL);
	const HlToken *token = &parser->lexer.token;
	bool has_clock = memchr(token->text, 'T', token->len) != NULL;
	HlMoment moment;
	int len = token->len;

	if (!(is_time ? hl_moment_read_time : hl_moment_read_date)(token->text, len,
															   &moment))
		return fail(parser, ERRCODE_SYNTAX_ERROR, "invalid date or time");
	if (has_clock && !moment.has_clock)
		len--; /* without the T of 2014T */
	hl_item_set_string(&node->literal, token->text, len);
	node->literal.kind = is_time     ? HL_KIND_TIME
						 : has_clock ? HL_KIND_DATETIME
									 : HL_KIND_DATE;
	return advance(parser, node);
}

/* A string or a boolean. */
static HlNode *
parse_word(Parser *parser)
{
	HlNode *node = make_node(parser, HL_NODE_LITERAL);
	const HlToken *token = &parser->lexer.token;

	if (token->kind == HL_TOKEN_STRING)
		hl_item_set_string(&node->literal, token->text, token->len);
	else
		hl_item_set_boolean(&node->literal, token->text[0] == 't');
	return advance(parser, node);
}

/* %name: a constant of FHIRPath or of the caller. */
static HlNode *
parse_constant(Parser *parser)
{
	static const struct
	{
		const char *name;
		HlNodeKind kind;
	} known[] = {
		{"context", HL_NODE_CONTEXT},
		{"resource", HL_NODE_RESOURCE},
		{"rootResource", HL_NODE_ROOT_RESOURCE},
	};
	HlNode *node = make_node(parser, HL_NODE_CONSTANT);
	const HlToken *token = &parser->lexer.token;

	node->name = token->text;
	node->len = token->len;
	for (int i = 0; i < (int) lengthof(known); i++)
		if (node->len == (int) strlen(known[i].name) &&
			memcmp(node->name, known[i].name, node->len) == 0)
			node->kind = known[i].kind;
	if (node->len == 8 && memcmp(node->name, "rowIndex", 8) == 0)
	{
		node->kind = HL_NODE_ROW_INDEX;
		parser->path->uses_row_index = true;
	}
	if (node->kind == HL_NODE_CONSTANT || node->kind == HL_NODE_ROW_INDEX)
	{
		*parser->last = node;
		parser->last = &node->next;
	}
	return advance(parser, node);
}

/* $this or $index. */
static HlNode *
parse_variable(Parser *parser)
{
	const HlToken *token = &parser->lexer.token;

	if (token->len == 4 && memcmp(token->text, "this", 4) == 0)
		return advance(parser, make_node(parser, HL_NODE_THIS));
	if (token->len == 5 && memcmp(token->text, "index", 5) == 0)
		return advance(parser, make_node(parser, HL_NODE_INDEX));
	if (token->len == 5 && memcmp(token->text, "total", 5) == 0)
		return fail(parser, ERRCODE_FEATURE_NOT_SUPPORTED,
					"variable is not supported");
	return fail(parser, ERRCODE_SYNTAX_ERROR, "syntax error");
}

/* A type name with its namespace; also a string, for getReferenceKey. */
static bool
parse_type(Parser *parser, HlTypeName *type)
{
	HlToken *token = &parser->lexer.token;

	if (token->kind != HL_TOKEN_IDENTIFIER &&
		token->kind != HL_TOKEN_DELIMITED && token->kind != HL_TOKEN_STRING)
		return fail(parser, ERRCODE_SYNTAX_ERROR, "syntax error") != NULL;
	type->is_fhir = hl_lexer_is(&parser->lexer, "FHIR");
	type->is_system = hl_lexer_is(&parser->lexer, "System");
	type->name = token->text;
	type->len = token->len;
	if (!hl_lexer_next(&parser->lexer))
		return false;
	if (!(type->is_fhir || type->is_system) ||
		!hl_lexer_is(&parser->lexer, "."))
	{
		type->is_fhir = type->is_system = false;
		return true;
	}
	if (!hl_lexer_next(&parser->lexer))
		return false;
	if (token->kind != HL_TOKEN_IDENTIFIER && token->kind != HL_TOKEN_DELIMITED)
		return fail(parser, ERRCODE_SYNTAX_ERROR, "syntax error") != NULL;
	type->name = token->text;
	type->len = token->len;
	return hl_lexer_next(&parser->lexer);
}

/* Appends an argument to a call. */
static bool
add_argument(Parser *parser, HlNode *node, HlNode *argument)
{
	int n = node->narguments;

	if (argument == NULL)
		return false;
	if (n == 0)
		node->arguments = palloc(4 * sizeof(HlNode *));
	else if (n >= 4 && (n & (n - 1)) == 0)
		node->arguments = repalloc(node->arguments, 2 * n * sizeof(HlNode *));
	node->arguments[node->narguments++] = argument;
	return true;
}

/* The arguments of a call, with both parentheses. */
static bool
parse_arguments(Parser *parser, HlNode *node)
{
	if (!expect(parser, "("))
		return false;
	if (hl_lexer_is(&parser->lexer, ")"))
		return hl_lexer_next(&parser->lexer);
	if (node->call->takes_type)
	{
		node->narguments = 1;
		return parse_type(parser, &node->type) && expect(parser, ")");
	}
	while (add_argument(parser, node, parse_expression(parser, 1)))
	{
		if (!hl_lexer_is(&parser->lexer, ","))
			return expect(parser, ")");
		if (!hl_lexer_next(&parser->lexer))
			return false;
	}
	return false;
}

/*
 * A function call; its name was read, and its parenthesis is the current
 * token.
 */
static HlNode *
parse_call(Parser *parser, HlNode *node)
{
	node->kind = HL_NODE_CALL;
	node->call = hl_call_find(node->name, node->len);
	if (node->call == NULL || node->call->body == NULL)
	{
		hl_fault_set(&parser->lexer, ERRCODE_FEATURE_NOT_SUPPORTED, node->begin,
					 "function %.*s() is not supported",
					 shown_length(node->name, node->len), node->name);
		return NULL;
	}
	if (!parse_arguments(parser, node))
		return NULL;
	if (node->narguments < node->call->least ||
		node->narguments > node->call->most)
	{
		hl_fault_set(&parser->lexer, ERRCODE_SYNTAX_ERROR, node->begin,
					 "wrong number of arguments of function %s()",
					 node->call->name);
		return NULL;
	}
	return node;
}

/* Whether a word is a binary operator, which cannot begin an operand. */
static bool
is_infix(const HlLexer *lexer)
{
	static const char *const words[] = {"and",     "or",  "xor",
										"implies", "div", "mod"};

	for (int i = 0; i < (int) lengthof(words); i++)
		if (hl_lexer_is(lexer, words[i]))
			return true;
	return false;
}

/* A member or a call, applied to an input. */
static HlNode *
parse_invocation(Parser *parser, HlNode *input)
{
	HlNode *node = make_node(parser, HL_NODE_MEMBER);
	const HlToken *token = &parser->lexer.token;
	HlTokenKind kind = token->kind;

	if (kind == HL_TOKEN_VARIABLE)
		return parse_variable(parser); /* a.$this is $this */
	if ((kind != HL_TOKEN_IDENTIFIER && kind != HL_TOKEN_DELIMITED) ||
		(input == NULL && is_infix(&parser->lexer)))
		return fail(parser, ERRCODE_SYNTAX_ERROR, "syntax error");
	node->input = input;
	node->name = token->text;
	node->len = token->len;
	node->is_first = input == NULL && kind == HL_TOKEN_IDENTIFIER;
	if (!advance(parser, node))
		return NULL;
	return hl_lexer_is(&parser->lexer, "(") ? parse_call(parser, node) : node;
}

/* ( expression ) or {}. */
static HlNode *
parse_group(Parser *parser)
{
	HlNode *node;

	if (hl_lexer_is(&parser->lexer, "{"))
	{
		node = make_node(parser, HL_NODE_EMPTY);
		return advance(parser, node) && expect(parser, "}") ? node : NULL;
	}
	if (!expect(parser, "("))
		return NULL;
	node = parse_expression(parser, 1);
	return node != NULL && expect(parser, ")") ? node : NULL;
}

/* The first part of an operand. */
static HlNode *
parse_term(Parser *parser)
{
	switch (parser->lexer.token.kind)
	{
		case HL_TOKEN_INTEGER:
		case HL_TOKEN_DECIMAL:
			return parse_number(parser);
		case HL_TOKEN_DATE:
			return parse_moment(parser, false);
		case HL_TOKEN_TIME:
			return parse_moment(parser, true);
		case HL_TOKEN_STRING:
			return parse_word(parser);
		case HL_TOKEN_CONSTANT:
			return parse_constant(parser);
		case HL_TOKEN_VARIABLE:
			return parse_variable(parser);
		case HL_TOKEN_SYMBOL:
			return parse_group(parser);
		default:
			if (hl_lexer_is(&parser->lexer, "true") ||
				hl_lexer_is(&parser->lexer, "false"))
				return parse_word(parser);
			return parse_invocation(parser, NULL);
	}
}

/* input [ index ]. */
static HlNode *
parse_indexer(Parser *parser, HlNode *input)
{
	HlNode *node = make_node(parser, HL_NODE_INDEXER);

	node->input = input;
	return expect(parser, "[") &&
				   add_argument(parser, node, parse_expression(parser, 1)) &&
				   expect(parser, "]")
			   ? node
			   : NULL;
}

/* A term with everything that is applied to it. */
static HlNode *
parse_operand(Parser *parser)
{
	HlNode *node;

	if (hl_lexer_is(&parser->lexer, "-") || hl_lexer_is(&parser->lexer, "+"))
	{
		node =
			make_node(parser, hl_lexer_is(&parser->lexer, "-") ? HL_NODE_NEGATE
															   : HL_NODE_PLUS);
		check_stack_depth();
		if (!advance(parser, node))
			return NULL;
		node->input = parse_operand(parser);
		return node->input ? node : NULL;
	}
	node = parse_term(parser);
	while (node != NULL)
	{
		if (hl_lexer_is(&parser->lexer, "["))
			node = parse_indexer(parser, node);
		else if (!hl_lexer_is(&parser->lexer, "."))
			return node;
		else if (hl_lexer_next(&parser->lexer))
			node = parse_invocation(parser, node);
		else
			return NULL;
	}
	return NULL;
}

/* The index of the current token in the table of operators, or -1. */
static int
find_operator(const HlLexer *lexer)
{
	for (int i = 0; i < (int) lengthof(operators); i++)
		if (hl_lexer_is(lexer, operators[i].text))
			return i;
	return -1;
}

/* left is Type, left as Type. */
static HlNode *
parse_type_operator(Parser *parser, HlNode *left)
{
	HlNode *node = make_node(
		parser, hl_lexer_is(&parser->lexer, "is") ? HL_NODE_IS : HL_NODE_AS);

	node->input = left;
	return hl_lexer_next(&parser->lexer) && parse_type(parser, &node->type)
			   ? node
			   : NULL;
}

/* Operands and operators of at least this precedence. */
static HlNode *
parse_expression(Parser *parser, int weakest)
{
	HlNode *left;

	check_stack_depth();
	left = parse_operand(parser);
	while (left != NULL)
	{
		HlNode *node;
		int at;

		if (weakest <= PRECEDENCE_TYPE && (hl_lexer_is(&parser->lexer, "is") ||
										   hl_lexer_is(&parser->lexer, "as")))
		{
			left = parse_type_operator(parser, left);
			continue;
		}
		at = find_operator(&parser->lexer);
		if (at < 0 || operators[at].precedence < weakest)
			break;
		node = make_node(parser, HL_NODE_BINARY);
		node->operator= operators[at].operator;
		node->input = left;
		if (!advance(parser, node) ||
			!add_argument(
				parser, node,
				parse_expression(parser, operators[at].precedence + 1)))
			return NULL;
		left = node;
	}
	return left;
}

HlPath *
hl_parse(const char *text, int len, HlFault *fault)
{
	HlPath *path = palloc0(sizeof(HlPath));
	Parser parser = {{text, len, 0}, path, &path->constants};

	memset(fault, 0, sizeof(*fault));
	parser.lexer.fault = fault;
	path->text = text;
	path->len = len;
	if (len > HL_PATH_MAX)
	{
		hl_fault_set(&parser.lexer, ERRCODE_PROGRAM_LIMIT_EXCEEDED, 0,
					 "path is longer than %d bytes", HL_PATH_MAX);
		return NULL;
	}
	if (!hl_lexer_next(&parser.lexer))
		return NULL;
	path->root = parse_expression(&parser, 1);
	if (path->root == NULL)
		return NULL;
	if (parser.lexer.token.kind != HL_TOKEN_END)
	{
		fail(&parser, ERRCODE_SYNTAX_ERROR, "syntax error");
		return NULL;
	}
	return path;
}

HlPath *
hl_parse_or_throw(const char *text, int len)
{
	HlFault fault;
	HlPath *path = hl_parse(text, len, &fault);

	if (path == NULL)
		ereport(ERROR,
				(errcode(fault.sqlstate),
				 errmsg("invalid FHIRPath expression: %s", fault.message),
				 errdetail("The fault is at character %d of the path.",
						   fault.position)));
	return path;
}
