/*
 * operations.c
 *	  The model as rows.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "call/door.h"
#include "call/operations.h"
#include "model/model.h"
#include "model/rows.h"

/* A member with an SQL name, or one that has none and nothing below it. */
typedef struct Leaf
{
	const HlOperation *operation;
	const HlMember *member;
	const char *path; /* SseConfiguration.KmsEncryptionConfig.KmsKeyId */
	const char *top;  /* SseConfiguration */
	bool required;    /* including all enclosing structures */
	bool sensitive;   /* or an enclosing or contained value is */
} Leaf;

/* Whether the members below are separate arguments. */
static bool
is_flattened(const HlMember *member)
{
	return member->sql_name == NULL &&
		   (member->shape->kind == HL_KIND_STRUCTURE ||
			member->shape->kind == HL_KIND_UNION);
}

/* Whether the value of a shape, or an element of it, must not be shown. */
static bool
is_sensitive(const HlShape *shape)
{
	return shape->sensitive ||
		   (shape->element != NULL && is_sensitive(shape->element));
}

static List *
leaves_of(List *leaves, const Leaf *above, const HlShape *shape)
{
	for (int i = 0; i < shape->nmembers; i++)
	{
		Leaf *leaf = palloc(sizeof(Leaf));

		*leaf = *above;
		leaf->member = &shape->members[i];
		leaf->required = above->required && leaf->member->required &&
						 shape->kind != HL_KIND_UNION;
		leaf->sensitive = above->sensitive || is_sensitive(leaf->member->shape);
		leaf->path = above->path == NULL
						 ? leaf->member->name
						 : psprintf("%s.%s", above->path, leaf->member->name);
		leaf->top = above->top == NULL ? leaf->member->name : above->top;
		if (is_flattened(leaf->member))
			leaves = leaves_of(leaves, leaf, leaf->member->shape);
		else
			leaves = lappend(leaves, leaf);
	}
	return leaves;
}

/*
 * The AWS CLI's option for a member: its words in lower case, joined by
 * hyphens. A word begins at a capital after a lower-case letter, and at the
 * last capital of a run before a lower-case letter.
 */
static char *
cli_option(const char *name)
{
	StringInfoData option;

	initStringInfo(&option);
	appendStringInfoString(&option, "--");
	for (const char *c = name; *c != '\0'; c++)
	{
		bool capital = isupper((unsigned char) *c);

		if (c > name && capital &&
			(!isupper((unsigned char) c[-1]) || islower((unsigned char) c[1])))
			appendStringInfoChar(&option, '-');
		appendStringInfoChar(&option, (char) tolower((unsigned char) *c));
	}
	return option.data;
}

/*
 * Collects the leaves of all operations; an operation without any has an empty
 * one.
 */
static List *
all_leaves(FunctionCallInfo fcinfo)
{
	List *leaves = NIL;

	for (int i = 0; i < hl_operations_count; i++)
	{
		Leaf root = {.operation = &hl_operations[i], .required = true};

		leaves = leaves_of(leaves, &root, root.operation->input);
	}
	return leaves;
}

static Datum
leaf_row(FunctionCallInfo fcinfo, TupleDesc desc, const void *thing)
{
	const Leaf *leaf = thing;
	Oid function = hl_door_function(fcinfo, leaf->operation);
	const char *argument = leaf->member->sql_name;
	Datum values[] = {CStringGetTextDatum(leaf->operation->name),
					  ObjectIdGetDatum(function),
					  argument ? CStringGetTextDatum(argument) : (Datum) 0,
					  CStringGetTextDatum(leaf->path),
					  CStringGetTextDatum(cli_option(leaf->top)),
					  BoolGetDatum(leaf->required),
					  BoolGetDatum(leaf->operation->changes_something),
					  BoolGetDatum(leaf->operation->idempotent),
					  BoolGetDatum(leaf->sensitive)};
	bool nulls[lengthof(values)] = {false};

	nulls[1] = !OidIsValid(function);
	nulls[2] = argument == NULL;
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
hl_operations_next(FunctionCallInfo fcinfo)
{
	return hl_rows_next(fcinfo, all_leaves, leaf_row);
}
