/*
 * create.c
 *	  Creates SQL views for ViewDefinitions. Columns that do not iterate are
 *	  plain expressions on the table's rows, so that expression indexes serve
 *	  conditions on them and unused ones cost nothing. Everything that iterates
 *	  is one lateral call of healthlake_fhir_view(). All names in the text of
 *	  the view are quoted and qualified, and all arguments are exactly of the
 *	  types that the functions declare: where other roles can create functions
 *	  in the extension's schema, one of theirs would be a better match.
 */
#include "postgres.h"

#include "access/attnum.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "fhirpath/analysis.h"
#include "fhirpath/create.h"
#include "fhirpath/references.h"
#include "server/jsonb_builder.h"
#include "server/jsonb_text.h"

/*
 * The maximum length of a ViewDefinition as JSON, in bytes: parts of it are
 * repeated for each column.
 */
#define DOCUMENT_MAX (1024 * 1024)

/* The state of composing the text of a view. */
typedef struct Maker
{
	const HlView *view;
	const char *schema;   /* of the extension, quoted */
	const char *resource; /* the expression of the column of resources */
	StringInfoData text;
	HlSelect **iterating; /* in column order */
	int niterating;
} Maker;

/* The shorthands for types. */
static const struct
{
	Oid type;
	const char *function;
} shorthands[] = {
	{TEXTOID, "healthlake_fhirpath_text"},
	{BOOLOID, "healthlake_fhirpath_boolean"},
	{INT4OID, "healthlake_fhirpath_integer"},
	{NUMERICOID, "healthlake_fhirpath_numeric"},
	{DATEOID, "healthlake_fhirpath_date"},
	{TIMESTAMPTZOID, "healthlake_fhirpath_timestamptz"},
};

static char *
type_of_column(const HlColumn *column, int flags)
{
	return format_type_extended(column->sql_type, column->type.typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | flags);
}

/* The columns of a view as a column definition list. */
static char *
list_columns(HlColumn **columns, int count, int flags)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < count; i++)
		appendStringInfo(&list, "%s%s %s", i > 0 ? ", " : "",
						 quote_identifier(columns[i]->name),
						 type_of_column(columns[i], flags));
	return list.data;
}

char *
hl_create_column_list(const HlView *view)
{
	return list_columns(view->columns, view->ncolumns, 0);
}

/* ------------------------------------------------------- parts of the view */

/* Pushes a member of an object, unchanged. */
static void
push_member(HlJsonbBuilder *builder, const HlItem *object, const char *name)
{
	JsonbValue key, value;

	if (getKeyJsonValueFromContainer(object->value.val.binary.data, name,
									 (int) strlen(name), &value) == NULL)
		return;
	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = (int) strlen(name);
	hl_jsonb_push(builder, WJB_KEY, &key);
	hl_jsonb_push(builder, WJB_VALUE, &value);
}

/* Begins an array under a name. */
static void
push_array(HlJsonbBuilder *builder, const char *name)
{
	JsonbValue key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = (int) strlen(name);
	hl_jsonb_push(builder, WJB_KEY, &key);
	hl_jsonb_push(builder, WJB_BEGIN_ARRAY, NULL);
}

/* Begins a view on the same resources. */
static void
begin_part(const Maker *maker, HlJsonbBuilder *builder)
{
	hl_jsonb_push(builder, WJB_BEGIN_OBJECT, NULL);
	push_member(builder, &maker->view->root, "resource");
	push_member(builder, &maker->view->root, "constant");
	push_array(builder, "select");
}

/* Ends it, its selects and the object; returns an SQL literal. */
static char *
end_part(HlJsonbBuilder *builder)
{
	Jsonb *part;

	hl_jsonb_push(builder, WJB_END_ARRAY, NULL);
	hl_jsonb_push(builder, WJB_END_OBJECT, NULL);
	part = JsonbValueToJsonb(builder->result);
	return psprintf(
		"%s::pg_catalog.jsonb",
		quote_literal_cstr(JsonbToCString(NULL, &part->root, VARSIZE(part))));
}

/* A view with one column. */
static char *
part_of_column(const Maker *maker, const HlColumn *column)
{
	HlJsonbBuilder builder = {0};
	JsonbValue source = column->source.value;

	begin_part(maker, &builder);
	hl_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
	push_array(&builder, "column");
	hl_jsonb_push(&builder, WJB_ELEM, &source);
	hl_jsonb_push(&builder, WJB_END_ARRAY, NULL);
	hl_jsonb_push(&builder, WJB_END_OBJECT, NULL);
	return end_part(&builder);
}

/* A view with the iterating selects, and unions of their own. */
static char *
part_of_iterations(const Maker *maker)
{
	HlJsonbBuilder builder = {0};

	begin_part(maker, &builder);
	for (int i = 0; i < maker->niterating; i++)
	{
		const HlSelect *select = maker->iterating[i];
		JsonbValue source = select->source.value;

		if (!select->is_plain)
		{
			hl_jsonb_push(&builder, WJB_ELEM, &source);
			continue;
		}
		hl_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
		push_member(&builder, &select->source, "unionAll");
		hl_jsonb_push(&builder, WJB_END_OBJECT, NULL);
	}
	return end_part(&builder);
}

/* ------------------------------------------------------------------- paths */

/* Appends a string literal of FHIRPath. */
static void
append_string(StringInfo path, const char *text, int len)
{
	appendStringInfoChar(path, '\'');
	for (int i = 0; i < len; i++)
		if (text[i] == '\'' || text[i] == '\\')
			appendStringInfo(path, "\\%c", text[i]);
		else if ((unsigned char) text[i] < ' ')
			appendStringInfo(path, "\\u%04x", text[i]);
		else
			appendStringInfoChar(path, text[i]);
	appendStringInfoChar(path, '\'');
}

/* Appends a constant's value as a literal. */
static void
append_literal(StringInfo path, const HlItem *item)
{
	char *text = hl_item_to_text(item);

	switch (item->kind)
	{
		case HL_KIND_STRING:
			append_string(path, item->value.val.string.val,
						  item->value.val.string.len);
			break;
		case HL_KIND_DATE:
			appendStringInfo(path, "@%s", text);
			break;
		case HL_KIND_DATETIME:
			appendStringInfo(path, "@%s%s", text, strchr(text, 'T') ? "" : "T");
			break;
		case HL_KIND_TIME:
			appendStringInfo(path, "@T%s", text);
			break;
		default:
			appendStringInfoString(path, text);
			if (item->kind == HL_KIND_NUMBER && item->is_decimal &&
				strchr(text, '.') == NULL)
				appendStringInfoString(path, ".toDecimal()");
			break;
	}
}

/* The text of a path with literals in place of the view's constants. */
static char *
text_of_path(const Maker *maker, const HlPath *path)
{
	StringInfoData text;
	int done = 0;

	initStringInfo(&text);
	for (const HlNode *node = path->constants; node; node = node->next)
	{
		const HlConstant *constant;

		appendBinaryStringInfo(&text, path->text + done, node->begin - done);
		done = node->end;
		if (node->kind == HL_NODE_ROW_INDEX)
		{
			appendStringInfoString(&text, "(0)");
			continue;
		}
		constant =
			hl_constant_find(&maker->view->constants, node->name, node->len);
		/* in parentheses, since a word or digit may follow directly */
		appendStringInfoChar(&text, '(');
		append_literal(&text, &constant->items.items[0]);
		appendStringInfoChar(&text, ')');
	}
	appendBinaryStringInfo(&text, path->text + done, path->len - done);
	return text.data;
}

/* Throws if a path has become too long. */
static void
check_path_length(const char *path)
{
	if (strlen(path) > HL_PATH_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a path of the ViewDefinition is longer than %d bytes "
						"with the values of its constants",
						HL_PATH_MAX)));
}

/* -------------------------------------------------------------- statements */

/* The shorthand for a column; NULL if there is none for its type. */
static const char *
find_shorthand(const HlColumn *column)
{
	if (column->is_collection || column->type.typmod != -1)
		return NULL;
	for (int i = 0; i < (int) lengthof(shorthands); i++)
		if (shorthands[i].type == column->type.oid)
			return shorthands[i].function;
	return NULL;
}

/* Whether something can follow a path directly, as it follows a member. */
static bool
is_operand(const HlPath *path, const char *text)
{
	HlNodeKind kind = path->root->kind;

	/* a comment would hide it */
	return (kind == HL_NODE_MEMBER || kind == HL_NODE_CALL ||
			kind == HL_NODE_INDEXER) &&
		   strstr(text, "//") == NULL;
}

/*
 * The path of a column for a shorthand, which returns the first value. If there
 * may be several by FHIR's definitions, single() raises the view's error;
 * elements without a value, which equal nothing, do not count. Other paths are
 * left alone: an index on the same path serves the view.
 */
static char *
path_of_column(const Maker *maker, const HlColumn *column)
{
	const HlNode *root = column->path->root;
	char *path = text_of_path(maker, column->path);

	if (!hl_analysis_is_single(root, maker->view->resource,
							   maker->view->resourcelen))
		path = psprintf(
			is_operand(column->path, path) ? "%s%s.single()"
										   : "(%s\n)%s.single()",
			path, hl_analysis_is_computed(root) ? "" : ".where($this = $this)");
	check_path_length(path);
	return path;
}

/*
 * Appends the expression of a column that does not iterate: a shorthand, or a
 * view of this column where there is none.
 */
static void
append_column(Maker *maker, const HlColumn *column)
{
	const char *function = find_shorthand(column);

	if (function == NULL)
	{
		char *type = type_of_column(column, FORMAT_TYPE_FORCE_QUALIFY);

		appendStringInfo(&maker->text,
						 "CAST(%s.healthlake_fhir_column(CAST(NULL AS %s), %s, "
						 "%s) AS %s)",
						 maker->schema, type, part_of_column(maker, column),
						 maker->resource, type);
		return;
	}
	appendStringInfo(&maker->text, "%s.%s(%s, %s::pg_catalog.text)",
					 maker->schema, function, maker->resource,
					 quote_literal_cstr(path_of_column(maker, column)));
}

/* Appends a comma, unless it is the first column. */
static void
append_comma(Maker *maker, int at)
{
	appendStringInfoString(&maker->text, at > 0 ? ",\n\t" : "\n\t");
}

/* Appends the columns of a tree of selects, and collects the iterating ones. */
static void
append_select(Maker *maker, HlSelect *select)
{
	const HlView *view = maker->view;

	check_stack_depth();
	for (int i = 0; select->is_plain && i < select->ncolumns; i++)
	{
		append_comma(maker, select->columns[i]->at);
		append_column(maker, select->columns[i]);
		appendStringInfo(&maker->text, " AS %s",
						 quote_identifier(select->columns[i]->name));
	}
	for (int i = 0; select->is_plain && i < select->nselects; i++)
		append_select(maker, select->selects[i]);
	if (select->is_plain && select->nunions == 0)
		return;
	maker->iterating[maker->niterating++] = select;
	for (int i = select->is_plain ? select->unions[0]->first : select->first;
		 i < select->first + select->width; i++)
	{
		append_comma(maker, i);
		appendStringInfo(&maker->text, "v.%s",
						 quote_identifier(view->columns[i]->name));
	}
}

/* Counts the selects outside of iterations. */
static int
count_selects(HlSelect **selects, int count)
{
	int n = count;

	check_stack_depth();
	for (int i = 0; i < count; i++)
		n += count_selects(selects[i]->selects, selects[i]->nselects);
	return n;
}

/* Appends the call of healthlake_fhir_view() for iterating selects. */
static void
append_iterations(Maker *maker)
{
	HlColumn **columns;
	int n = 0;

	if (maker->niterating == 0)
		return;
	columns = palloc(maker->view->ncolumns * sizeof(HlColumn *));
	for (int i = 0; i < maker->niterating; i++)
	{
		const HlSelect *select = maker->iterating[i];
		int first = select->is_plain ? select->unions[0]->first : select->first;

		for (int j = first; j < select->first + select->width; j++)
			columns[n++] = maker->view->columns[j];
	}
	appendStringInfo(&maker->text,
					 "\n\tCROSS JOIN LATERAL %s.healthlake_fhir_view(%s, %s) "
					 "AS v(%s)",
					 maker->schema, part_of_iterations(maker), maker->resource,
					 list_columns(columns, n, FORMAT_TYPE_FORCE_QUALIFY));
}

/* A view with one condition and one row. */
static char *
part_of_where(const Maker *maker, const HlPath *where)
{
	HlJsonbBuilder builder = {0};
	JsonbValue key, path;

	hl_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
	push_member(&builder, &maker->view->root, "resource");
	push_member(&builder, &maker->view->root, "constant");
	push_array(&builder, "where");
	hl_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
	key.type = path.type = jbvString;
	key.val.string.val = "path";
	key.val.string.len = 4;
	path.val.string.val = unconstify(char *, where->text);
	path.val.string.len = where->len;
	hl_jsonb_push(&builder, WJB_KEY, &key);
	hl_jsonb_push(&builder, WJB_VALUE, &path);
	hl_jsonb_push(&builder, WJB_END_OBJECT, NULL);
	hl_jsonb_push(&builder, WJB_END_ARRAY, NULL);
	push_array(&builder, "select");
	hl_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
	push_array(&builder, "column");
	hl_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
	path.val.string.val = "true";
	path.val.string.len = 4;
	hl_jsonb_push(&builder, WJB_KEY, &key);
	hl_jsonb_push(&builder, WJB_VALUE, &path);
	key.val.string.val = "name";
	path.val.string.val = "wanted";
	path.val.string.len = 6;
	hl_jsonb_push(&builder, WJB_KEY, &key);
	hl_jsonb_push(&builder, WJB_VALUE, &path);
	hl_jsonb_push(&builder, WJB_END_OBJECT, NULL);
	hl_jsonb_push(&builder, WJB_END_ARRAY, NULL);
	hl_jsonb_push(&builder, WJB_END_OBJECT, NULL);
	return end_part(&builder);
}

/*
 * Appends the conditions: the type of the resource and those of the view. If
 * only the resource tells whether a condition is a boolean, the view is left to
 * raise the error.
 */
static void
append_conditions(Maker *maker)
{
	const HlView *view = maker->view;

	appendStringInfo(
		&maker->text,
		"\n WHERE (%s OPERATOR(pg_catalog.->>) 'resourceType'"
		"::pg_catalog.text) OPERATOR(pg_catalog.=) %s::pg_catalog.text",
		maker->resource,
		quote_literal_cstr(pnstrdup(view->resource, view->resourcelen)));
	for (int i = 0; i < view->nwheres; i++)
	{
		char *path = text_of_path(maker, view->wheres[i]);

		check_path_length(path);
		if (hl_analysis_is_boolean(view->wheres[i]->root))
			appendStringInfo(&maker->text,
							 "\n   AND %s.healthlake_fhirpath_boolean(%s, "
							 "%s::pg_catalog.text)",
							 maker->schema, maker->resource,
							 quote_literal_cstr(path));
		else
			appendStringInfo(&maker->text,
							 "\n   AND %s.healthlake_fhir_column(CAST(NULL AS "
							 "pg_catalog.bool), %s, %s)",
							 maker->schema,
							 part_of_where(maker, view->wheres[i]),
							 maker->resource);
	}
}

/* The statement that creates a view. */
static char *
make_statement(Maker *maker, const char *name, const char *source)
{
	const HlView *view = maker->view;

	initStringInfo(&maker->text);
	maker->iterating =
		palloc((count_selects(view->selects, view->nselects) + 1) *
			   sizeof(HlSelect *));
	appendStringInfo(&maker->text,
					 "CREATE VIEW %s WITH (security_invoker = true) AS\nSELECT",
					 name);
	for (int i = 0; i < view->nselects; i++)
		append_select(maker, view->selects[i]);
	appendStringInfo(&maker->text, "\n  FROM %s AS r", source);
	append_iterations(maker);
	append_conditions(maker);
	return maker->text.data;
}

/* Refuses a table that the caller may not read, or without resources. */
static void
check_source(Oid source, const char *column)
{
	AttrNumber number = get_attnum(source, column);

	if (get_rel_name(source) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", source)));
	if (number == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, get_rel_name(source))));
	if (pg_class_aclcheck(source, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(source, number, GetUserId(), ACL_SELECT) !=
			ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(get_rel_relkind(source)),
					   get_rel_name(source));
	if (getBaseType(get_atttype(source, number)) != JSONBOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of relation \"%s\" is not of "
							   "type jsonb",
							   column, get_rel_name(source))));
}

/* Runs a statement as the caller. */
static void
run_statement(const char *statement)
{
	if (SPI_execute(statement, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", statement);
}

/* A relation's name, qualified and quoted. */
static char *
name_of_relation(Oid relation)
{
	return quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relation)),
		get_rel_name(relation));
}

/*
 * Comments on the view with its ViewDefinition, and on columns with their
 * descriptions.
 */
static void
comment_view(Oid relation, const HlView *view, Jsonb *document)
{
	char *name = name_of_relation(relation);

	run_statement(psprintf("COMMENT ON VIEW %s IS %s", name,
						   quote_literal_cstr(JsonbToCString(
							   NULL, &document->root, VARSIZE(document)))));
	for (int i = 0; i < view->ncolumns; i++)
	{
		int len;
		const char *text =
			hl_item_string_of(&view->columns[i]->source, "description", &len);

		if (text != NULL)
			run_statement(psprintf("COMMENT ON COLUMN %s.%s IS %s", name,
								   quote_identifier(view->columns[i]->name),
								   quote_literal_cstr(pnstrdup(text, len))));
	}
}

/* Throws if an argument is null. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"name", "view", "source",
										"resource_column"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be null", names[i])));
}

/* Refuses a document that becomes too long in SQL. */
static void
refuse_large(Jsonb *document)
{
	if (hl_jsonb_is_longer(document, DOCUMENT_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the ViewDefinition is too large for an SQL view"),
				 errdetail("At most %d bytes are allowed.", DOCUMENT_MAX)));
}

Datum
hl_create_view(FunctionCallInfo fcinfo)
{
	Maker maker;
	Jsonb *document;
	RangeVar *target;
	Oid source, relation, namespace;
	char *column;

	check_arguments(fcinfo);
	document = PG_GETARG_JSONB_P(1);
	source = PG_GETARG_OID(2);
	column = NameStr(*PG_GETARG_NAME(3));
	target =
		makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	memset(&maker, 0, sizeof(maker));
	refuse_large(document);
	maker.view = hl_view_read(document);
	check_source(source, column);
	maker.schema = quote_identifier(
		get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)));
	/* a domain would match other functions than those of jsonb */
	maker.resource =
		psprintf("CAST(r.%s AS pg_catalog.jsonb)", quote_identifier(column));
	/* a view of a temporary table is temporary, too */
	target->relpersistence = get_rel_persistence(source);
	namespace = RangeVarGetCreationNamespace(target);
	SPI_connect();
	run_statement(make_statement(
		&maker, quote_qualified_identifier(target->schemaname, target->relname),
		name_of_relation(source)));
	CommandCounterIncrement();
	/* the search path may contain another one of this name */
	relation = get_relname_relid(target->relname, namespace);
	hl_references_check(
		relation, source,
		getExtensionOfObject(ProcedureRelationId, fcinfo->flinfo->fn_oid));
	comment_view(relation, maker.view, document);
	SPI_finish();
	PG_RETURN_OID(relation);
}
