/*
 * datastore.c
 *	  Data stores: confirm, compare, ensure.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "api/call.h"
#include "api/datastore.h"
#include "api/error.h"
#include "api/response.h"
#include "client/text.h"

/* Sets these locks apart from those of others. */
#define LOCK_SEED UINT64CONST(0x6865616c74686c6b)

/* An operation of the tables, which are complete. */
static const HlOperation *
operation_of(const char *name)
{
	const HlOperation *operation = hl_operation_find(name);

	Assert(operation != NULL);
	return operation;
}

/* JSON with one member that is a string in UTF-8. */
static char *
json_of(const char *member, const char *value)
{
	HlBytes bytes = {0};
	char *json;

	hl_bytes_format(&bytes, "{\"%s\":", member);
	hl_json_append_string(&bytes, value, strlen(value));
	hl_bytes_append_char(&bytes, '}');
	json = pstrdup(hl_bytes_string(&bytes));
	hl_bytes_free(&bytes);
	return json;
}

/* Asks for a data store; the reply may be a failure. */
static const HlReply *
describe(const HlArguments *arguments, const char *id)
{
	char *utf8 = hl_text_to_utf8(id, (int) strlen(id));
	HlRequest *request =
		hl_request_make(operation_of("DescribeFHIRDatastore"),
						json_of("DatastoreId", utf8), NULL, false);

	return hl_call_try(request, hl_arguments_text(arguments, "region"));
}

/* A string of a description, or of an entry of the list; NULL: none. */
static const char *
property(const HlJson *properties, const char *name)
{
	return hl_response_string(
		operation_of("ListFHIRDatastores")->output->members[0].shape->element,
		properties, name);
}

/* Refuses a deletion whose name is not the data store's. */
void
hl_datastore_confirm(const HlArguments *arguments)
{
	const char *id = hl_arguments_text(arguments, "id");
	const char *confirmed = hl_arguments_text(arguments, "confirm_name");
	const HlReply *reply;
	const char *name;

	if (id == NULL || confirmed == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null",
							   id == NULL ? "id" : "confirm_name")));
	hl_call_refuse_change(operation_of("DeleteFHIRDatastore"));
	reply = describe(arguments, id);
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(operation_of("DescribeFHIRDatastore"), reply, NULL);
	name = property(hl_json_member(reply->document, "DatastoreProperties"),
					"name");
	name = name == NULL ? "" : hl_text_value_from_utf8(name, strlen(name));
	if (strcmp(name, confirmed) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data store \"%s\" is not named \"%s\"", id, confirmed),
				 errdetail("Nothing was deleted."),
				 errhint("Give its present name as \"confirm_name\".")));
}

/* Whether what was asked for is what is there; a key may be named shortly. */
static bool
is_as_asked(const char *asked, const char *present)
{
	size_t asked_len = strlen(asked);
	size_t len = present == NULL ? 0 : strlen(present);

	if (present == NULL)
		return asked_len == 0;
	return strcmp(asked, present) == 0 ||
		   (len > asked_len && strcmp(present + len - asked_len, asked) == 0 &&
			(present[len - asked_len - 1] == '/' ||
			 present[len - asked_len - 1] == ':'));
}

/* What a restored data store would have in its source's place. */
static void
warn_unless_same(const char *what, const char *source, const char *asked)
{
	const char *wanted = asked == NULL ? "" : asked;

	if (source == NULL || source[0] == '\0' ||
		is_as_asked(wanted[0] ? wanted : "-", source))
		return;
	ereport(WARNING,
			(errmsg("the restored data store will not have the %s of its "
					"source",
					what),
			 errdetail("The source has %s, the restore asks for %s.",
					   hl_text_from_utf8(source),
					   wanted[0] ? wanted : "AWS's default"),
			 errhint("AWS does not inherit it; name it in the call.")));
}

/* Warns of what a restore does not take over. */
void
hl_datastore_compare_source(const HlArguments *arguments)
{
	const char *id = hl_arguments_text(arguments, "source_datastore_id");
	const HlReply *reply;
	const HlJson *source;
	const char *strategy;

	hl_call_refuse_change(operation_of("RestoreFHIRDatastore"));
	if (id == NULL)
		return;
	reply = describe(arguments, id);
	if (reply->outcome != HL_OUTCOME_SUCCESS)
	{
		ereport(WARNING,
				(errmsg("could not compare the restore with its source"),
				 errdetail("DescribeFHIRDatastore failed with SQLSTATE %s.",
						   unpack_sql_state(hl_error_sqlstate(reply))),
				 errhint("AWS inherits neither the key nor the SMART "
						 "configuration of the source.")));
		return;
	}
	source = hl_json_member(reply->document, "DatastoreProperties");
	warn_unless_same("key", property(source, "kms_key_id"),
					 hl_arguments_text(arguments, "kms_key_id"));
	strategy = property(source, "authorization_strategy");
	if (strategy != NULL && strcmp(strategy, "AWS_AUTH") != 0)
		warn_unless_same(
			"authorization strategy", strategy,
			hl_arguments_text(arguments, "authorization_strategy"));
}

/* Makes the sessions of this database that ensure a name take turns. */
static void
lock_name(const char *name)
{
	uint64 hash = DatumGetUInt64(hash_any_extended(
		(const unsigned char *) name, (int) strlen(name), LOCK_SEED));

	(void) DirectFunctionCall1(pg_advisory_xact_lock_int8,
							   Int64GetDatum((int64) hash));
}

/* Whether a data store of that status is there to be used. */
static bool
is_live(const char *status)
{
	static const char *const live[] = {"CREATING", "ACTIVE", "UPDATING",
									   "UPDATE_FAILED"};

	for (size_t i = 0; i < lengthof(live); i++)
		if (status != NULL && strcmp(status, live[i]) == 0)
			return true;
	return false;
}

/* Adds the live data stores of that name in one page to the list. */
static List *
add_live(List *stores, const HlJson *page, const char *name)
{
	HlJsonEach each =
		hl_json_each(hl_json_member(page, "DatastorePropertiesList"));
	const HlJson *store;

	while ((store = hl_json_step(&each)) != NULL)
	{
		const char *its = property(store, "name");

		if (its != NULL && strcmp(its, name) == 0 &&
			is_live(property(store, "status")))
			stores = lappend(stores, unconstify(HlJson *, store));
	}
	return stores;
}

/* Finds all live data stores of that name. */
static List *
find_live(const HlArguments *arguments, const char *name)
{
	const HlOperation *list = operation_of("ListFHIRDatastores");
	char *utf8 = hl_text_to_utf8(name, (int) strlen(name));
	char *json = psprintf("{\"Filter\":%s}", json_of("DatastoreName", utf8));
	char *more = NULL;
	List *stores = NIL;
	const char *token;

	do
	{
		HlRequest *request = hl_request_make(list, json, more, false);
		const HlReply *reply =
			hl_call_perform(request, hl_arguments_text(arguments, "region"));

		stores = add_live(stores, reply->document, utf8);
		token = hl_json_string(hl_json_member(reply->document, "NextToken"));
		more = json_of("NextToken", token);
	} while (token[0] != '\0');
	return stores;
}

/* Refuses a data store that differs from what was asked for. */
static void
refuse_other(const HlArguments *arguments, const HlJson *store)
{
	static const char *const compared[] = {
		"type_version", "kms_key_id", "cmk_type", "authorization_strategy"};
	StringInfoData differences;

	initStringInfo(&differences);
	for (size_t i = 0; i < lengthof(compared); i++)
	{
		const char *asked = hl_arguments_text(arguments, compared[i]);
		const char *present = property(store, compared[i]);

		if (asked == NULL || is_as_asked(asked, present))
			continue;
		appendStringInfo(&differences, "%s%s is %s, asked for was %s",
						 differences.len > 0 ? "; " : "", compared[i],
						 present ? hl_text_from_utf8(present) : "not set",
						 asked);
	}
	if (differences.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("data store \"%s\" of that name is not as asked for",
						hl_text_from_utf8(property(store, "id"))),
				 errdetail("%s.", differences.data)));
}

/* Refuses to choose between data stores. */
static void
refuse_several(List *stores, const char *name)
{
	StringInfoData ids;
	ListCell *cell;

	initStringInfo(&ids);
	foreach (cell, stores)
		appendStringInfo(&ids, "%s%s", ids.len > 0 ? ", " : "",
						 hl_text_from_utf8(property(lfirst(cell), "id")));
	ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
					errmsg("%d data stores are named \"%s\"",
						   list_length(stores), name),
					errdetail("They are %s.", ids.data)));
}

/* Gives the row: the columns of a data store, and whether it is new. */
static Datum
ensured_row(FunctionCallInfo fcinfo, const HlShape *shape, const HlJson *store,
			bool created)
{
	HeapTupleHeader row =
		DatumGetHeapTupleHeader(hl_response_row(fcinfo, shape, store));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),
						   .t_data = row};
	TupleDesc desc;
	int column = 5;
	Datum value = BoolGetDatum(created);
	bool null = false;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_modify_tuple_by_cols(
		&tuple, BlessTupleDesc(desc), 1, &column, &value, &null));
}

/* Gives the one data store of a name. */
Datum
hl_datastore_ensure(FunctionCallInfo fcinfo, const HlOperation *create)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	HlRequest *request = hl_arguments_make(arguments, create);
	const char *name = hl_arguments_text(arguments, "name");
	const HlReply *reply;
	List *stores;

	hl_call_refuse_change(create);
	lock_name(name);
	stores = find_live(arguments, name);
	if (list_length(stores) > 1)
		refuse_several(stores, name);
	if (stores != NIL)
	{
		refuse_other(arguments, linitial(stores));
		return ensured_row(fcinfo,
						   operation_of("ListFHIRDatastores")
							   ->output->members[0]
							   .shape->element,
						   linitial(stores), false);
	}
	reply = hl_call_perform(request, hl_arguments_text(arguments, "region"));
	return ensured_row(fcinfo, create->output, reply->document, true);
}
