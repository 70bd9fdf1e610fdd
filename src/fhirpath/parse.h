/*
 * parse.h
 *	  Parses a FHIRPath expression into a tree. The tree is palloc'd in the
 *	  current memory context and points into the text, which must live as long.
 */
#ifndef HL_FHIRPATH_PARSE_H
#define HL_FHIRPATH_PARSE_H

#include "postgres.h"

#include "fhirpath/item.h"
#include "fhirpath/lexer.h"
#include "fhirpath/type.h"

/* The longest path, in bytes. */
#define HL_PATH_MAX 65536

typedef enum HlNodeKind
{
	HL_NODE_LITERAL,
	HL_NODE_EMPTY,    /* {} */
	HL_NODE_THIS,     /* $this */
	HL_NODE_INDEX,    /* $index */
	HL_NODE_CONTEXT,  /* %context */
	HL_NODE_RESOURCE, /* %resource */
	HL_NODE_ROOT_RESOURCE,
	HL_NODE_ROW_INDEX,
	HL_NODE_CONSTANT,
	HL_NODE_MEMBER,
	HL_NODE_CALL,
	HL_NODE_INDEXER,
	HL_NODE_NEGATE,
	HL_NODE_PLUS, /* + before an operand */
	HL_NODE_IS,
	HL_NODE_AS,
	HL_NODE_BINARY
} HlNodeKind;

typedef enum HlOperator
{
	HL_OPERATOR_NONE,
	HL_OPERATOR_IMPLIES,
	HL_OPERATOR_OR,
	HL_OPERATOR_XOR,
	HL_OPERATOR_AND,
	HL_OPERATOR_IN,
	HL_OPERATOR_CONTAINS,
	HL_OPERATOR_EQUAL,
	HL_OPERATOR_UNEQUAL,
	HL_OPERATOR_EQUIVALENT,
	HL_OPERATOR_INEQUIVALENT,
	HL_OPERATOR_LESS,
	HL_OPERATOR_GREATER,
	HL_OPERATOR_LESS_EQUAL,
	HL_OPERATOR_GREATER_EQUAL,
	HL_OPERATOR_UNION,
	HL_OPERATOR_ADD,
	HL_OPERATOR_SUBTRACT,
	HL_OPERATOR_CONCATENATE,
	HL_OPERATOR_MULTIPLY,
	HL_OPERATOR_DIVIDE,
	HL_OPERATOR_DIV,
	HL_OPERATOR_MOD
} HlOperator;

typedef struct HlNode
{
	HlNodeKind kind;
	HlOperator operator;
	const struct HlCall *call; /* the function */
	const char *name;          /* of a member or constant */
	int len;
	int begin; /* its token: byte offsets in the path */
	int end;
	bool is_first; /* may be the name of the context's type */
	int slot;      /* of a view's kept value, from 1; else 0 */
	uint32 hash;   /* of the subtree, if a view shares values */
	HlTypeName type;
	HlItem literal;
	struct HlNode *input; /* its operand; NULL: the context */
	struct HlNode **arguments;
	int narguments;
	struct HlNode *next; /* in the list of a path's constants */
} HlNode;

typedef struct HlPath
{
	const char *text;
	int len;
	HlNode *root;
	HlNode *constants; /* list of the nodes with constants */
	bool uses_row_index;
} HlPath;

/* Parses a path; NULL: see the fault. The other one throws it. */
extern HlPath *hl_parse(const char *text, int len, HlFault *fault);
extern HlPath *hl_parse_or_throw(const char *text, int len);

#endif
