/*
 * flatten.c
 *	  Makes the rows of a view: selects side by side are a product, branches
 *	  of a union come one after the other. What is yet to be done for a row is
 *	  a chain of tasks; nothing is materialized but the row at hand.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "fhirpath/flatten.h"
#include "server/jsonb_builder.h"

/* The deepest that repeat goes; one that finds itself would never end. */
#define DEPTH_MAX 1000

/*
 * How many times its size a document may take while it is made: its buffer
 * doubles, and is copied.
 */
#define GROWTH 3

/* A select whose part of the row is yet to be made. */
typedef struct Task
{
	const HlSelect *select;
	const HlItem *focus;
	int64 row_index;
	struct Task *next;
} Task;

struct HlFlattening
{
	const HlView *view;
	HlEvaluation evaluation;
	Datum *values;
	bool *nulls;
	MemoryContext home;    /* where this is */
	MemoryContext *levels; /* one for each task of a chain */
	int nlevels;
	bool is_begun; /* the resource has a row: plain selects are filled */
	Tuplestorestate *store;
	TupleDesc row;
	bool as_objects;
};

static void run_tasks(HlFlattening *flattening, const Task *task, int level);

/* A maker of rows, in the current memory context. */
HlFlattening *
hl_flatten_begin(const HlView *view)
{
	HlFlattening *flattening = palloc0(sizeof(HlFlattening));

	flattening->view = view;
	flattening->home = CurrentMemoryContext;
	flattening->values = palloc0((view->ncolumns + 1) * sizeof(Datum));
	flattening->nulls = palloc0((view->ncolumns + 1) * sizeof(bool));
	return flattening;
}

/* The memory of a level, empty. */
static MemoryContext
clear_level(HlFlattening *flattening, int level)
{
	if (level >= flattening->nlevels)
	{
		MemoryContext outer = MemoryContextSwitchTo(flattening->home);
		Size size = (level + 1) * sizeof(MemoryContext);

		flattening->levels = flattening->levels == NULL
								 ? palloc(size)
								 : repalloc(flattening->levels, size);
		flattening->levels[level] = AllocSetContextCreate(
			flattening->home, "healthlake view", ALLOCSET_SMALL_SIZES);
		flattening->nlevels = level + 1;
		MemoryContextSwitchTo(outer);
	}
	else
		MemoryContextReset(flattening->levels[level]);
	return flattening->levels[level];
}

/*
 * Raises that a value is not of the type that the column has from another
 * branch. Nobody has asked for that type, so it must not be null.
 */
static void
refuse_adopted(const HlColumn *column)
{
	if (column->is_adopted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of the ViewDefinition has a value that "
						"is not of type %s",
						column->name, format_type_be(column->type.oid)),
				 errdetail("It has the type of another branch of unionAll."),
				 errhint("Set \"type\" in each branch.")));
}

/* An item as the JSON of a column; NULL if it has another type. */
static Jsonb *
json_of_item(const HlColumn *column, const HlItem *item)
{
	HlItem value;

	if (!column->is_typed)
		return hl_item_to_jsonb(item);
	if (hl_cast_to_item(item, column->type, &value))
		return hl_item_to_jsonb(&value);
	refuse_adopted(column);
	return NULL;
}

/* Pushes a document as a value or element. */
static void
push_json(HlJsonbBuilder *builder, JsonbIteratorToken token, Jsonb *json)
{
	JsonbValue value;

	if (json == NULL)
		value.type = jbvNull;
	else if (JB_ROOT_IS_SCALAR(json))
		JsonbExtractScalar(&json->root, &value);
	else
		JsonbToJsonbValue(json, &value);
	hl_jsonb_push(builder, token, &value);
}

/* A collection as an array in JSON. */
static Datum
array_of_items(const HlColumn *column, const HlItems *items)
{
	HlJsonbBuilder builder = {0};
	Size size = 0;

	hl_jsonb_push(&builder, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < items->count; i++)
	{
		Jsonb *json = json_of_item(column, &items->items[i]);

		size += json == NULL ? 0 : VARSIZE(json);
		hl_items_check_memory(size * GROWTH);
		push_json(&builder, WJB_ELEM, json);
	}
	hl_jsonb_push(&builder, WJB_END_ARRAY, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(builder.result));
}

/* Raises that a column has several values. */
static void
refuse_several(const HlColumn *column, int count)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("column \"%s\" of the ViewDefinition has %d values and is "
					"not a collection",
					column->name, count),
			 errhint("Set \"collection\" to true, use forEach, or end the "
					 "path with first().")));
}

/*
 * Raises that a column without a type has a complex value: as text, which it
 * is then, this would be null.
 */
static void
refuse_complex(const HlColumn *column, const HlItems *items)
{
	for (int i = 0; !column->is_typed && i < items->count; i++)
		if (items->items[i].kind == HL_KIND_OBJECT)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of the ViewDefinition has a complex "
						"value and no type",
						column->name),
				 errhint("Set \"type\" to the type of the value, or let the "
						 "path end in a primitive element.")));
}

/* A collection as an array in SQL. */
static Datum
array_of_values(const HlColumn *column, const HlItems *items)
{
	Datum value;

	for (int i = 0; column->is_adopted && i < items->count; i++)
	{
		hl_items_check_memory(0);
		if (!hl_cast_item(&items->items[i], column->type, &value))
			refuse_adopted(column);
	}
	return hl_cast_array(items, column->type);
}

/* Fills a column of the current row with the values of its path. */
static void
fill_column(HlFlattening *flattening, const HlColumn *column, HlItems *items)
{
	Datum *value = &flattening->values[column->at];
	bool *null = &flattening->nulls[column->at];
	Jsonb *json;

	*null = false;
	hl_items_keep_values(items);
	if (!column->is_collection && items->count > 1)
		refuse_several(column, items->count);
	refuse_complex(column, items);
	if (column->is_collection)
	{
		*value = flattening->as_objects ? array_of_items(column, items)
										: array_of_values(column, items);
		return;
	}
	*null = items->count == 0;
	if (*null)
		return;
	if (!flattening->as_objects)
	{
		*null = !hl_cast_item(&items->items[0], column->type, value);
		if (*null)
			refuse_adopted(column);
		return;
	}
	json = json_of_item(column, &items->items[0]);
	*null = json == NULL;
	*value = JsonbPGetDatum(json);
}

/* Fills the columns of a select, without those below it, for an item. */
static void
fill_columns(HlFlattening *flattening, const Task *task)
{
	HlEvaluation *evaluation = &flattening->evaluation;
	const HlSelect *select = task->select;
	HlSlots slots = {NULL, NULL, select->nslots};

	if (select->nslots > 0)
	{
		slots.values = palloc(select->nslots * sizeof(HlItems));
		slots.known = palloc0(select->nslots * sizeof(bool));
		for (int i = 0; i < select->nslots; i++)
			hl_items_init(&slots.values[i]);
		evaluation->slots = &slots;
	}
	evaluation->context = task->focus;
	evaluation->row_index = task->row_index;
	for (int i = 0; i < select->ncolumns; i++)
	{
		HlItems items;

		hl_items_init(&items);
		hl_evaluate(evaluation, select->columns[i]->path->root, task->focus,
					&items);
		fill_column(flattening, select->columns[i], &items);
		hl_items_free(&items);
	}
	evaluation->slots = NULL;
}

/*
 * Fills the columns of a select and of those below it for an iteration without
 * items. They are NULL, collections too, whatever their paths give for nothing,
 * as the processing model says; only %rowIndex is 0.
 */
static void
fill_nothing(HlFlattening *flattening, const HlSelect *select)
{
	check_stack_depth();
	flattening->evaluation.row_index = 0;
	flattening->evaluation.context = NULL;
	for (int i = 0; i < select->ncolumns; i++)
	{
		const HlColumn *column = select->columns[i];
		HlItems items;

		flattening->nulls[column->at] = true;
		if (!column->path->uses_row_index)
			continue;
		hl_items_init(&items);
		hl_evaluate(&flattening->evaluation, column->path->root, NULL, &items);
		fill_column(flattening, column, &items);
		hl_items_free(&items);
	}
	for (int i = 0; i < select->nselects; i++)
		fill_nothing(flattening, select->selects[i]);
	if (select->nunions > 0) /* the other branches have the same columns */
		fill_nothing(flattening, select->unions[0]);
}

/*
 * Fills the columns of all plain selects, once for a resource and only if it
 * has a row: where an iteration finds nothing, they cannot raise an error.
 */
static void
fill_plain(HlFlattening *flattening, HlSelect **selects, int count)
{
	Task task = {NULL, &flattening->evaluation.resource, 0, NULL};

	check_stack_depth();
	for (int i = 0; i < count; i++)
		if (selects[i]->is_plain)
		{
			task.select = selects[i];
			fill_columns(flattening, &task);
			fill_plain(flattening, selects[i]->selects, selects[i]->nselects);
		}
}

/* Begins with the first row of a resource. */
static void
begin_row(HlFlattening *flattening)
{
	const HlView *view = flattening->view;
	MemoryContext outer = MemoryContextSwitchTo(flattening->levels[0]);

	fill_plain(flattening, view->selects, view->nselects);
	flattening->is_begun = true;
	MemoryContextSwitchTo(outer);
}

/* Puts the current row into the store. */
static void
put_row(HlFlattening *flattening)
{
	HlJsonbBuilder builder = {0};
	const HlView *view = flattening->view;
	Datum object;
	Size size = 0;
	bool null = false;

	if (!flattening->is_begun)
		begin_row(flattening);
	if (!flattening->as_objects)
	{
		tuplestore_putvalues(flattening->store, flattening->row,
							 flattening->values, flattening->nulls);
		return;
	}
	hl_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < view->ncolumns; i++)
	{
		Jsonb *json =
			flattening->nulls[i] ? NULL : DatumGetJsonbP(flattening->values[i]);
		JsonbValue key;

		size += json == NULL ? 0 : VARSIZE(json);
		hl_items_check_memory(size * GROWTH);
		key.type = jbvString;
		key.val.string.val = view->columns[i]->name;
		key.val.string.len = (int) strlen(view->columns[i]->name);
		hl_jsonb_push(&builder, WJB_KEY, &key);
		push_json(&builder, WJB_VALUE, json);
	}
	hl_jsonb_push(&builder, WJB_END_OBJECT, NULL);
	object = JsonbPGetDatum(JsonbValueToJsonb(builder.result));
	tuplestore_putvalues(flattening->store, flattening->row, &object, &null);
}

/* Puts tasks for selects before others; returns the first. */
static const Task *
chain_tasks(HlSelect **selects, int count, const Task *like, const Task *next)
{
	for (int i = count - 1; i >= 0; i--)
	{
		Task *task = palloc(sizeof(Task));

		*task = *like;
		task->select = selects[i];
		task->next = unconstify(Task *, next);
		next = task;
	}
	return next;
}

/* Makes a select's part of the row for one item, then the rest of the row. */
static void
run_item(HlFlattening *flattening, const Task *task, int level)
{
	const HlSelect *select = task->select;
	MemoryContext outer = MemoryContextSwitchTo(clear_level(flattening, level));

	CHECK_FOR_INTERRUPTS();
	if (!select->is_plain)
		fill_columns(flattening, task);
	if (select->nunions == 0)
		run_tasks(
			flattening,
			chain_tasks(select->selects, select->nselects, task, task->next),
			level + 1);
	for (int i = 0; i < select->nunions; i++)
		run_tasks(
			flattening,
			chain_tasks(select->selects, select->nselects, task,
						chain_tasks(&select->unions[i], 1, task, task->next)),
			level + 1);
	MemoryContextSwitchTo(outer);
}

/* An item that repeat has found, and how deep. */
typedef struct Waiting
{
	HlItem item;
	int depth;
} Waiting;

/* The items that are yet to be looked into, the next one last. */
typedef struct Stack
{
	Waiting *items;
	int count;
	int size;
} Stack;

/* Puts the items of a collection on the stack, the first one on top. */
static void
push_items(Stack *stack, const HlItems *items, int depth)
{
	if (items->count > 0 && depth > DEPTH_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("repeat of the ViewDefinition goes deeper than %d "
						"levels",
						DEPTH_MAX)));
	if (stack->count + items->count > stack->size)
	{
		stack->size = (stack->count + items->count) * 2;
		hl_items_check_memory(stack->size * sizeof(Waiting));
		stack->items =
			stack->items == NULL
				? palloc(stack->size * sizeof(Waiting))
				: repalloc(stack->items, stack->size * sizeof(Waiting));
	}
	for (int i = items->count - 1; i >= 0; i--)
		stack->items[stack->count++] = (Waiting){items->items[i], depth};
}

/* Appends the items that repeat finds directly below an item. */
static void
find_below(HlFlattening *flattening, const HlSelect *select, const HlItem *item,
		   HlItems *found)
{
	CHECK_FOR_INTERRUPTS();
	flattening->evaluation.context = item;
	for (int i = 0; i < select->npaths; i++)
		hl_evaluate(&flattening->evaluation, select->paths[i]->root, item,
					found);
}

/* Appends the items that repeat finds, each before those below it. */
static void
append_repeated(HlFlattening *flattening, const HlSelect *select,
				const HlItem *focus, HlItems *out)
{
	Stack stack = {NULL, 0, 0};
	HlItems found;

	hl_items_init(&found);
	find_below(flattening, select, focus, &found);
	push_items(&stack, &found, 1);
	while (stack.count > 0)
	{
		Waiting next = stack.items[--stack.count];

		hl_items_append(out, &next.item);
		found.count = 0;
		find_below(flattening, select, &next.item, &found);
		push_items(&stack, &found, next.depth + 1);
	}
	hl_items_free(&found);
	if (stack.items != NULL)
		pfree(stack.items);
}

/* Makes a select's part of the row for no item, then the rest of the row. */
static void
run_nothing(HlFlattening *flattening, const Task *task, int level)
{
	MemoryContext outer = MemoryContextSwitchTo(clear_level(flattening, level));

	fill_nothing(flattening, task->select);
	run_tasks(flattening, task->next, level + 1);
	MemoryContextSwitchTo(outer);
}

/* Runs a select for each item that it iterates over. */
static void
run_iteration(HlFlattening *flattening, const Task *task, int level)
{
	const HlSelect *select = task->select;
	Task each = *task;
	HlItems items;

	hl_items_init(&items);
	flattening->evaluation.row_index = task->row_index;
	flattening->evaluation.context = task->focus;
	if (select->iteration == HL_ITERATION_REPEAT)
		append_repeated(flattening, select, task->focus, &items);
	else
		hl_evaluate(&flattening->evaluation, select->paths[0]->root,
					task->focus, &items);
	for (int i = 0; i < items.count; i++)
	{
		each.focus = &items.items[i];
		each.row_index = i;
		run_item(flattening, &each, level);
	}
	if (items.count == 0 && select->iteration == HL_ITERATION_EACH_OR_NULL)
		run_nothing(flattening, task, level);
	hl_items_free(&items);
}

/* Runs the tasks of a chain, for every combination of their results. */
static void
run_tasks(HlFlattening *flattening, const Task *task, int level)
{
	check_stack_depth();
	if (task == NULL)
		put_row(flattening);
	else if (task->select->iteration == HL_ITERATION_NONE)
		run_item(flattening, task, level);
	else
		run_iteration(flattening, task, level);
}

/* Whether a resource meets the conditions of the view. */
static bool
is_wanted(HlFlattening *flattening, const HlItem *resource)
{
	for (int i = 0; i < flattening->view->nwheres; i++)
	{
		HlItems items;
		bool wanted;

		hl_items_init(&items);
		flattening->evaluation.context = resource;
		hl_evaluate(&flattening->evaluation, flattening->view->wheres[i]->root,
					resource, &items);
		if (items.count > 1 ||
			(items.count == 1 && items.items[0].kind != HL_KIND_BOOLEAN))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("where[%d] of the ViewDefinition is not a boolean",
							i)));
		wanted = items.count == 1 && items.items[0].value.val.boolean;
		hl_items_free(&items);
		if (!wanted)
			return false;
	}
	return true;
}

/* Begins with a resource; false if it is not one of the view. */
static bool
begin_resource(HlFlattening *flattening, Jsonb *resource)
{
	HlEvaluation *evaluation = &flattening->evaluation;

	memset(evaluation, 0, sizeof(*evaluation));
	evaluation->constants = &flattening->view->constants;
	evaluation->index = -1;
	return hl_item_root(resource, &evaluation->resource) &&
		   hl_view_is_about(flattening->view, &evaluation->resource) &&
		   is_wanted(flattening, &evaluation->resource);
}

/* Makes all rows of a resource. */
static void
flatten(HlFlattening *flattening, Jsonb *resource)
{
	const HlView *view = flattening->view;
	MemoryContext outer = MemoryContextSwitchTo(clear_level(flattening, 0));
	Task first = {NULL, NULL, 0, NULL};

	flattening->is_begun = false;
	if (begin_resource(flattening, resource))
	{
		first.focus = &flattening->evaluation.resource;
		run_tasks(flattening,
				  chain_tasks(view->selects, view->nselects, &first, NULL), 1);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextReset(flattening->levels[0]);
}

/* The only value of a view of one column; false if it is NULL. */
bool
hl_flatten_value(HlFlattening *flattening, Jsonb *resource, Datum *value)
{
	const HlView *view = flattening->view;
	MemoryContext outer = MemoryContextSwitchTo(clear_level(flattening, 0));
	Task only = {view->selects[0], NULL, 0, NULL};
	bool found;
	int16 len;
	bool by_value;

	flattening->as_objects = false;
	found = begin_resource(flattening, resource);
	if (found)
	{
		only.focus = &flattening->evaluation.resource;
		fill_columns(flattening, &only);
		found = !flattening->nulls[0];
	}
	MemoryContextSwitchTo(outer);
	if (found)
	{
		get_typlenbyval(view->columns[0]->sql_type, &len, &by_value);
		*value = datumCopy(flattening->values[0], by_value, len);
	}
	MemoryContextReset(flattening->levels[0]);
	return found;
}

/* Puts the rows of a resource into a store: one column for each of theirs. */
void
hl_flatten_rows(HlFlattening *flattening, Jsonb *resource,
				Tuplestorestate *store, TupleDesc row)
{
	flattening->store = store;
	flattening->row = row;
	flattening->as_objects = false;
	flatten(flattening, resource);
}

/* The same, each row as one jsonb object. */
void
hl_flatten_objects(HlFlattening *flattening, Jsonb *resource,
				   Tuplestorestate *store, TupleDesc row)
{
	flattening->store = store;
	flattening->row = row;
	flattening->as_objects = true;
	flatten(flattening, resource);
}
