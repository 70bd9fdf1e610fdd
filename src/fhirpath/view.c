/*
 * view.c
 *	  Reads a ViewDefinition of SQL on FHIR, version 2 or 3, and collects all
 *	  its faults.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "fhirpath/analysis.h"
#include "fhirpath/constant.h"
#include "fhirpath/view.h"

/* The maximum number of reported faults, and of columns in a row. */
#define FAULTS_MAX 50
#define COLUMNS_MAX 1600

typedef struct Reader
{
	HlView *view;
	StringInfoData faults;
	int nfaults;
	int sqlstate; /* if all have the same; else 22023 */
} Reader;

static HlSelect **read_selects(Reader *reader, const HlItem *parent,
							   const char *name, const char *place, int *count);

/* Adds a fault and its position. */
static void
add_fault(Reader *reader, int sqlstate, const char *place, const char *what)
{
	reader->sqlstate = reader->nfaults == 0 || reader->sqlstate == sqlstate
						   ? sqlstate
						   : ERRCODE_INVALID_PARAMETER_VALUE;
	if (++reader->nfaults <= FAULTS_MAX)
		appendStringInfo(&reader->faults, "%s%s: %s",
						 reader->faults.len > 0 ? "\n" : "", place, what);
}

/* Adds a fault of the view's structure. */
static void
add_flaw(Reader *reader, const char *place, const char *what)
{
	add_fault(reader, ERRCODE_INVALID_PARAMETER_VALUE, place, what);
}

/* Raises one error with all faults, if there are any. */
static void
throw_faults(Reader *reader)
{
	if (reader->nfaults == 0)
		return;
	if (reader->nfaults == 1)
		ereport(ERROR,
				(errcode(reader->sqlstate),
				 errmsg("invalid ViewDefinition: %s", reader->faults.data)));
	ereport(ERROR,
			(errcode(reader->sqlstate),
			 errmsg("invalid ViewDefinition: %d faults", reader->nfaults),
			 errdetail("%s", reader->faults.data)));
}

/* The member of an object; false if it is absent or null. */
static bool
find_member(const HlItem *object, const char *name, JsonbValue *value)
{
	return object->kind == HL_KIND_OBJECT &&
		   getKeyJsonValueFromContainer(object->value.val.binary.data, name,
										(int) strlen(name), value) != NULL &&
		   value->type != jbvNull;
}

/* A string member of an object; NULL: missing. */
static const char *
read_string(Reader *reader, const HlItem *object, const char *name,
			const char *place, int *len)
{
	JsonbValue value;

	if (!find_member(object, name, &value))
		return NULL;
	if (value.type != jbvString || value.val.string.len == 0)
	{
		add_flaw(reader, psprintf("%s%s", place, name),
				 "must be a string that is not empty");
		return NULL;
	}
	*len = value.val.string.len;
	return value.val.string.val;
}

/* The objects of an array member; anything else is a fault. */
static HlItem *
read_objects(Reader *reader, const HlItem *object, const char *name,
			 const char *place, int *count)
{
	JsonbValue array;
	HlItem *items;

	*count = 0;
	if (!find_member(object, name, &array))
		return NULL;
	if (array.type != jbvBinary || !JsonContainerIsArray(array.val.binary.data))
	{
		add_flaw(reader, psprintf("%s%s", place, name), "must be an array");
		return NULL;
	}
	items = palloc0((JsonContainerSize(array.val.binary.data) + 1) *
					sizeof(HlItem));
	for (int i = 0; i < (int) JsonContainerSize(array.val.binary.data); i++)
	{
		JsonbValue *element =
			getIthJsonbValueFromContainer(array.val.binary.data, i);

		items[i].value = *element;
		items[i].index = -1;
		if (element->type == jbvBinary &&
			JsonContainerIsObject(element->val.binary.data))
			items[i].kind = HL_KIND_OBJECT;
		else
			add_flaw(reader, psprintf("%s%s[%d]", place, name, i),
					 "must be an object");
	}
	*count = JsonContainerSize(array.val.binary.data);
	return items;
}

/* Parses a path; NULL, with a fault, if it is invalid. */
static HlPath *
read_path(Reader *reader, const char *text, int len, const char *place)
{
	HlFault fault;
	HlPath *path = hl_parse(text, len, &fault);

	if (path == NULL)
	{
		add_fault(reader, fault.sqlstate, place,
				  psprintf("character %d: %s", fault.position, fault.message));
		return NULL;
	}
	for (const HlNode *node = path->constants; node; node = node->next)
		if (node->kind == HL_NODE_CONSTANT &&
			hl_constant_find(&reader->view->constants, node->name, node->len) ==
				NULL)
			add_fault(reader, ERRCODE_UNDEFINED_OBJECT, place,
					  psprintf("constant \"%%%.*s\" is not defined", node->len,
							   node->name));
	return path;
}

/* A required path, the member of that name. */
static HlPath *
read_required_path(Reader *reader, const HlItem *object, const char *name,
				   const char *place)
{
	int len, faults = reader->nfaults;
	const char *text = read_string(reader, object, name, place, &len);

	if (text != NULL)
		return read_path(reader, text, len, psprintf("%s%s", place, name));
	if (reader->nfaults == faults)
		add_flaw(reader, psprintf("%s%s", place, name), "is missing");
	return NULL;
}

static void
read_constants(Reader *reader, const HlItem *root)
{
	HlConstants *constants = &reader->view->constants;
	int count;
	HlItem *items = read_objects(reader, root, "constant", "", &count);

	constants->all = palloc0((count + 1) * sizeof(HlConstant));
	for (int i = 0; i < count; i++)
	{
		HlConstant *constant = &constants->all[constants->count];
		const char *why = NULL;

		if (items[i].kind != HL_KIND_OBJECT)
			continue;
		why = hl_constant_read(&items[i], constant);
		if (why == NULL &&
			hl_constant_find(constants, constant->name, constant->len) != NULL)
			why = "name is defined twice";
		if (why != NULL)
			add_flaw(reader, psprintf("constant[%d]", i), why);
		if (constant->name != NULL &&
			hl_constant_find(constants, constant->name, constant->len) == NULL)
			constants->count++;
	}
}

static void
read_wheres(Reader *reader, const HlItem *root)
{
	int count;
	HlItem *items = read_objects(reader, root, "where", "", &count);

	reader->view->wheres = palloc0((count + 1) * sizeof(HlPath *));
	for (int i = 0; i < count; i++)
	{
		HlPath *path;

		if (items[i].kind != HL_KIND_OBJECT)
			continue;
		path = read_required_path(reader, &items[i], "path",
								  psprintf("where[%d].", i));
		reader->view->wheres[reader->view->nwheres++] = path;
	}
}

/* The type of the ansi/type tag; false if there is none. */
static bool
read_tag(Reader *reader, const HlItem *object, const char *name,
		 const char *place, HlSqlType *type)
{
	int count;
	bool found = false;
	HlItem *tags = read_objects(reader, object, name, place, &count);

	for (int i = 0; i < count; i++)
	{
		int len, sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
		const char *text = hl_item_string_of(&tags[i], "name", &len);

		if (text == NULL || len != 9 || memcmp(text, "ansi/type", 9) != 0)
			continue;
		text = hl_item_string_of(&tags[i], "value", &len);
		if (text != NULL)
			sqlstate = hl_cast_type_of_tag(text, len, type);
		if (sqlstate == 0)
			found = true;
		else
			add_fault(reader, sqlstate,
					  psprintf("%s%s[%d].value", place, name, i),
					  "is not a supported ANSI type");
	}
	return found;
}

/* Sets the type of a column's values. */
static void
set_type(HlColumn *column, HlSqlType type)
{
	column->type = type;
	column->sql_type =
		column->is_collection ? hl_cast_array_of(type.oid) : type.oid;
}

/* The type of a column: its tag's, its own, or its path's. */
static void
read_type(Reader *reader, const HlItem *object, HlColumn *column)
{
	HlSqlType tag;
	int len = 0;
	const char *type = read_string(reader, object, "type", column->place, &len);

	column->is_typed = true;
	if (read_tag(reader, object, "tag", column->place, &tag) ||
		read_tag(reader, object, "tags", column->place, &tag))
	{
		set_type(column, tag);
		return;
	}
	column->is_inferred = type == NULL;
	if (type == NULL && column->path != NULL)
		type = hl_analysis_type(column->path->root, &len);
	column->is_typed = type != NULL;
	set_type(column, type != NULL ? hl_cast_type_of(type, len)
								  : (HlSqlType){TEXTOID, -1});
}

/* Whether a column may have several values. */
static bool
read_collection(Reader *reader, const HlItem *object, const char *place)
{
	JsonbValue value;

	if (!find_member(object, "collection", &value))
		return false;
	if (value.type != jbvBool)
		add_flaw(reader, psprintf("%scollection", place), "must be a boolean");
	return value.type == jbvBool && value.val.boolean;
}

static HlColumn *
read_column(Reader *reader, const HlItem *object, char *place)
{
	HlColumn *column = palloc0(sizeof(HlColumn));
	int len = 0, faults = reader->nfaults;
	const char *name;

	column->source = *object;
	column->place = psprintf("%s.", place);
	name = read_string(reader, object, "name", column->place, &len);
	column->name = pnstrdup(name ? name : "", len);
	if (name == NULL && reader->nfaults == faults)
		add_flaw(reader, psprintf("%sname", column->place), "is missing");
	else if (name != NULL && !hl_constant_is_name(name, len))
		add_flaw(reader, psprintf("%sname", column->place),
				 "must be letters, digits and underscores, the first one a "
				 "letter");
	else if (len >= NAMEDATALEN)
		add_flaw(reader, psprintf("%sname", column->place),
				 psprintf("is longer than %d bytes", NAMEDATALEN - 1));
	column->path = read_required_path(reader, object, "path", column->place);
	column->is_collection = read_collection(reader, object, column->place);
	column->twin = column;
	read_type(reader, object, column);
	return column;
}

static void
read_columns(Reader *reader, const HlItem *object, const char *place,
			 HlSelect *select)
{
	int count;
	HlItem *items = read_objects(reader, object, "column", place, &count);

	select->columns = palloc0((count + 1) * sizeof(HlColumn *));
	for (int i = 0; i < count; i++)
		if (items[i].kind == HL_KIND_OBJECT)
			select->columns[select->ncolumns++] = read_column(
				reader, &items[i], psprintf("%scolumn[%d]", place, i));
}

static void
read_repeat(Reader *reader, const JsonbValue *array, const char *place,
			HlSelect *select)
{
	int count = 0;

	if (array->type == jbvBinary &&
		JsonContainerIsArray(array->val.binary.data))
		count = JsonContainerSize(array->val.binary.data);
	if (count == 0)
		add_flaw(reader, psprintf("%srepeat", place),
				 "must be an array of paths");
	select->paths = palloc0((count + 1) * sizeof(HlPath *));
	for (int i = 0; i < count; i++)
	{
		JsonbValue *path =
			getIthJsonbValueFromContainer(array->val.binary.data, i);
		char *where = psprintf("%srepeat[%d]", place, i);

		if (path->type != jbvString)
			add_flaw(reader, where, "must be a string");
		else
			select->paths[select->npaths++] = read_path(
				reader, path->val.string.val, path->val.string.len, where);
	}
}

/* Reads forEach, forEachOrNull or repeat, of which at most one is allowed. */
static void
read_iteration(Reader *reader, const HlItem *object, const char *place,
			   HlSelect *select)
{
	static const char *const names[] = {[HL_ITERATION_EACH] = "forEach",
										[HL_ITERATION_EACH_OR_NULL] =
											"forEachOrNull",
										[HL_ITERATION_REPEAT] = "repeat"};
	JsonbValue value;

	for (int i = HL_ITERATION_EACH; i <= HL_ITERATION_REPEAT; i++)
	{
		if (!find_member(object, names[i], &value))
			continue;
		if (select->iteration != HL_ITERATION_NONE)
		{
			add_flaw(reader, psprintf("%s%s", place, names[i]),
					 "cannot stand beside another iteration");
			continue;
		}
		select->iteration = i;
		if (i == HL_ITERATION_REPEAT)
			read_repeat(reader, &value, place, select);
		else
		{
			select->paths = palloc(sizeof(HlPath *));
			select->npaths = 1;
			select->paths[0] =
				read_required_path(reader, object, names[i], place);
		}
	}
}

/* Adds a column to the row; a duplicate name is a fault. */
static void
place_column(Reader *reader, HlColumn *column)
{
	HlView *view = reader->view;

	for (int i = 0; i < view->ncolumns && column->name[0]; i++)
		if (strcmp(view->columns[i]->name, column->name) == 0)
		{
			add_flaw(
				reader, psprintf("%sname", column->place),
				psprintf("\"%s\" is the name of another column", column->name));
			return;
		}
	if (view->ncolumns >= COLUMNS_MAX)
		ereport(ERROR, (errcode(ERRCODE_TOO_MANY_COLUMNS),
						errmsg("a ViewDefinition can have at most %d columns",
							   COLUMNS_MAX)));
	if (view->ncolumns % 64 == 0)
		view->columns = view->ncolumns == 0
							? palloc(64 * sizeof(HlColumn *))
							: repalloc(view->columns, (view->ncolumns + 64) *
														  sizeof(HlColumn *));
	column->at = view->ncolumns;
	view->columns[view->ncolumns++] = column;
}

/*
 * Moves all columns of a branch, and of the selects below it, to other places.
 */
static void
shift_select(HlSelect *select, int by)
{
	check_stack_depth();
	select->first += by;
	for (int i = 0; i < select->ncolumns; i++)
		select->columns[i]->at += by;
	for (int i = 0; i < select->nselects; i++)
		shift_select(select->selects[i], by);
	for (int i = 0; i < select->nunions; i++)
		shift_select(select->unions[i], by);
}

/* Whether a column gives way to the type of another: numbers may widen. */
static bool
gives_way(const HlColumn *column, const HlColumn *other)
{
	Oid from = column->type.oid, to = other->type.oid;

	if (!column->is_typed)
		return true;
	if (!column->is_inferred || !other->is_typed)
		return false;
	return (from == INT4OID &&
			(to == INT8OID || to == NUMERICOID || to == FLOAT8OID)) ||
		   (from == NUMERICOID && (to == NUMERICOID || to == FLOAT8OID));
}

/* Gives a column, and the same one in other branches, the type of another. */
static void
adopt_type(HlColumn *column, const HlColumn *other)
{
	HlColumn *twin = column;

	do
	{
		set_type(twin, other->type);
		twin->is_adopted = twin->is_adopted || !twin->is_typed;
		twin->is_typed = other->is_typed;
		twin->is_inferred = other->is_inferred;
		twin = twin->twin;
	} while (twin != column);
}

/*
 * Unites the types of a column in two branches of a union: one whose type is
 * not known has that of the other. False if they differ.
 */
static bool
unite_columns(HlColumn *first, HlColumn *other)
{
	HlColumn *next = first->twin;

	if (first->is_collection != other->is_collection)
		return false;
	if (first->type.oid != other->type.oid ||
		first->type.typmod != other->type.typmod ||
		first->is_typed != other->is_typed)
	{
		if (gives_way(first, other))
			adopt_type(first, other);
		else if (gives_way(other, first))
			adopt_type(other, first);
		else
			return false;
	}
	else if (first->is_inferred && !other->is_inferred)
		adopt_type(first, other);
	first->twin = other->twin;
	other->twin = next;
	return true;
}

/*
 * Compares a union's branch, whose columns were placed in a row of their own,
 * with the columns of the first branch, and moves it to their positions.
 */
static void
match_branch(Reader *reader, HlColumn **wanted, const HlSelect *first,
			 HlSelect *branch, const char *place)
{
	HlColumn **columns = reader->view->columns;
	bool same = reader->view->ncolumns == first->width;

	for (int i = 0; same && i < first->width; i++)
		same = strcmp(columns[i]->name, wanted[i]->name) == 0;
	if (!same)
	{
		add_flaw(reader, place, "has other columns than the first branch");
		return;
	}
	for (int i = 0; i < first->width; i++)
		if (!unite_columns(wanted[i], columns[i]))
			add_flaw(reader, psprintf("%stype", columns[i]->place),
					 "differs from the first branch");
	shift_select(branch, first->first);
}

/* Assigns places to the columns of a tree of selects, in the row's order. */
static void
place_select(Reader *reader, HlSelect *select, const char *place)
{
	HlView *view = reader->view;

	check_stack_depth();
	select->first = view->ncolumns;
	for (int i = 0; i < select->ncolumns; i++)
		place_column(reader, select->columns[i]);
	for (int i = 0; i < select->nselects; i++)
		place_select(reader, select->selects[i],
					 psprintf("%sselect[%d].", place, i));
	for (int i = 0; i < select->nunions; i++)
	{
		char *where = psprintf("%sunionAll[%d]", place, i);
		HlColumn **columns = view->columns;
		int ncolumns = view->ncolumns;

		if (i == 0)
		{
			place_select(reader, select->unions[0], psprintf("%s.", where));
			continue;
		}
		/*
		 * in a separate row first, since its names are those of the first
		 * branch
		 */
		view->columns = NULL;
		view->ncolumns = 0;
		place_select(reader, select->unions[i], psprintf("%s.", where));
		match_branch(reader, columns + select->unions[0]->first,
					 select->unions[0], select->unions[i], where);
		view->columns = columns;
		view->ncolumns = ncolumns;
	}
	select->width = view->ncolumns - select->first;
}

/* Assigns slots to the common parts of a select's columns. */
static void
share_columns(HlSelect *select)
{
	HlPath **paths = palloc((select->ncolumns + 1) * sizeof(HlPath *));

	for (int i = 0; i < select->ncolumns; i++)
		paths[i] = select->columns[i]->path;
	hl_analysis_share(paths, select->ncolumns, &select->nslots);
	pfree(paths);
}

/* Reads a select with all nested selects. */
static HlSelect *
read_select(Reader *reader, const HlItem *object, const char *place)
{
	HlSelect *select = palloc0(sizeof(HlSelect));
	int faults = reader->nfaults;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	select->source = *object;
	read_iteration(reader, object, place, select);
	read_columns(reader, object, place, select);
	select->selects =
		read_selects(reader, object, "select", place, &select->nselects);
	select->unions =
		read_selects(reader, object, "unionAll", place, &select->nunions);
	if (select->ncolumns + select->nselects + select->nunions == 0 &&
		reader->nfaults == faults)
		add_flaw(reader, pnstrdup(place, strlen(place) - 1),
				 "has neither columns nor selects");
	return select;
}

static HlSelect **
read_selects(Reader *reader, const HlItem *parent, const char *name,
			 const char *place, int *count)
{
	int nitems;
	HlItem *items = read_objects(reader, parent, name, place, &nitems);
	HlSelect **selects = palloc0((nitems + 1) * sizeof(HlSelect *));

	*count = 0;
	for (int i = 0; i < nitems; i++)
		if (items[i].kind == HL_KIND_OBJECT)
			selects[(*count)++] = read_select(
				reader, &items[i], psprintf("%s%s[%d].", place, name, i));
	return selects;
}

/* The properties of a view other than its selects. */
static void
read_head(Reader *reader, const HlItem *root)
{
	static const char kind[] = "ViewDefinition";
	HlView *view = reader->view;
	int len, faults = reader->nfaults;
	const char *type = read_string(reader, root, "resourceType", "", &len);

	if (type != NULL &&
		(len < (int) strlen(kind) ||
		 memcmp(type + len - strlen(kind), kind, strlen(kind)) != 0 ||
		 (len > (int) strlen(kind) && type[len - strlen(kind) - 1] != '/')))
		add_flaw(reader, "resourceType", "is not ViewDefinition");
	view->resource =
		read_string(reader, root, "resource", "", &view->resourcelen);
	if (view->resource == NULL && reader->nfaults == faults)
		add_flaw(reader, "resource", "is missing");
	else if (view->resource != NULL &&
			 (!hl_constant_is_name(view->resource, view->resourcelen) ||
			  view->resource[0] < 'A' || view->resource[0] > 'Z'))
		add_flaw(reader, "resource", "is not a resource type");
}

/* Marks the selects whose columns come from the resource itself. */
static void
mark_plain(HlSelect **selects, int count)
{
	check_stack_depth();
	for (int i = 0; i < count; i++)
	{
		selects[i]->is_plain = selects[i]->iteration == HL_ITERATION_NONE;
		if (selects[i]->is_plain)
			mark_plain(selects[i]->selects, selects[i]->nselects);
	}
}

/* Assigns slots to the columns of all selects. */
static void
share_selects(HlSelect **selects, int count)
{
	check_stack_depth();
	for (int i = 0; i < count; i++)
	{
		share_columns(selects[i]);
		share_selects(selects[i]->selects, selects[i]->nselects);
		share_selects(selects[i]->unions, selects[i]->nunions);
	}
}

HlView *
hl_view_read(Jsonb *document)
{
	Reader reader = {palloc0(sizeof(HlView))};
	HlView *view = reader.view;
	HlItem root;

	initStringInfo(&reader.faults);
	if (!hl_item_root(document, &root) || root.kind != HL_KIND_OBJECT)
		add_flaw(&reader, "ViewDefinition", "must be an object");
	throw_faults(&reader);
	view->root = root;
	read_head(&reader, &root);
	read_constants(&reader, &root);
	read_wheres(&reader, &root);
	view->selects = read_selects(&reader, &root, "select", "", &view->nselects);
	if (view->nselects == 0 && reader.nfaults == 0)
		add_flaw(&reader, "select", "is missing");
	for (int i = 0; i < view->nselects; i++)
		place_select(&reader, view->selects[i], psprintf("select[%d].", i));
	throw_faults(&reader);
	mark_plain(view->selects, view->nselects);
	share_selects(view->selects, view->nselects);
	return view;
}

bool
hl_view_is_about(const HlView *view, const HlItem *resource)
{
	int len;
	const char *type = hl_item_string_of(resource, "resourceType", &len);

	return type != NULL && len == view->resourcelen &&
		   memcmp(type, view->resource, len) == 0;
}
