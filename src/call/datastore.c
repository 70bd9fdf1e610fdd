/*
 * datastore.c
 *	  Data stores: confirm, compare, ensure.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "call/call.h"
#include "call/datastore.h"
#include "call/error.h"
#include "call/pages.h"
#include "model/response.h"
#include "server/text.h"

/* Sets these locks apart from those of others. */
#define LOCK_SEED UINT64CONST(0x6865616c74686c6b)

/* The last field of its advisory lock, which no function of SQL's gives. */
#define LOCK_CLASS 0x484c

/* Describes a data store by its id in UTF-8; the reply may be a failure. */
static const HlReply *
describe(const HlArguments *arguments, const char *id)
{
	HlRequest *request =
		hl_request_make(&hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE],
						hl_request_member("DatastoreId", id), NULL, false);

	return hl_call_try(request, hl_arguments_text(arguments, "region"));
}

const HlJson *
hl_datastore_properties(const HlArguments *arguments, const char *id)
{
	const HlReply *reply = describe(arguments, id);

	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(&hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE],
					   reply, NULL);
	return hl_json_member(reply->document, "DatastoreProperties");
}

/* The shape of a description, which is that of an entry of the list, too. */
static const HlShape *
properties_shape(void)
{
	return hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE]
		.output->members[0]
		.shape;
}

/* A string of a description or of an entry of the list; NULL if it has none. */
static const char *
property(const HlJson *properties, const char *name)
{
	return hl_response_string(properties_shape(), properties, name);
}

void
hl_datastore_confirm(const HlArguments *arguments, const HlRequest *request)
{
	const char *id = hl_arguments_text(arguments, "id");
	const char *confirmed = hl_arguments_text(arguments, "confirm_name");
	const HlJson *properties;
	const char *name;

	if (id == NULL || confirmed == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null",
							   id == NULL ? "id" : "confirm_name")));
	hl_call_refuse_change(request->operation);
	properties = hl_datastore_properties(arguments,
										 hl_text_to_utf8(id, (int) strlen(id)));
	name = property(properties, "name");
	name = name == NULL ? "" : hl_text_value_from_utf8(name, strlen(name));
	if (strcmp(name, confirmed) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data store \"%s\" is not named \"%s\"", id, confirmed),
				 errdetail("Nothing was deleted."),
				 errhint("Pass its current name as \"confirm_name\".")));
}

/* A member of a data store that is looked at besides its name and status. */
typedef struct Trait
{
	const char *name;
	const char *words;
	const char *usual; /* what AWS makes of it when it is not asked for */
} Trait;

static const Trait traits[] = {
	{"type_version", "type version", NULL},
	{"kms_key_id", "key", ""},
	{"cmk_type", "kind of key", NULL},
	{"authorization_strategy", "authorization strategy", "AWS_AUTH"},
	{"fine_grained_authorization_enabled", "fine-grained authorization",
	 "false"},
	{"identity_provider_metadata", "identity provider's metadata", ""},
	{"idp_lambda_arn", "token introspection function", ""},
};

/* Normalizes text that contains JSON; returns other text unchanged. */
static const char *
normal_text(const char *utf8)
{
	if (hl_response_read(utf8) == NULL)
		return hl_text_from_utf8(utf8);
	return DatumGetCString(
		DirectFunctionCall1(jsonb_out, hl_response_jsonb(utf8)));
}

/* A property that a request sets or a data store has; NULL if it has none. */
static const char *
trait_of(const HlShape *shape, const HlJson *json, const Trait *trait)
{
	const char *text = hl_response_text(shape, json, trait->name);

	return text == NULL || text[0] == '\0' ? NULL : normal_text(text);
}

/* Whether the text ends with a part that follows a slash or a colon. */
static bool
ends_in(const char *text, const char *part)
{
	size_t len = strlen(text);
	size_t part_len = strlen(part);

	return len > part_len && strcmp(text + len - part_len, part) == 0 &&
		   strchr("/:", text[len - part_len - 1]) != NULL;
}

/*
 * Whether the data store has what was requested; a key may be given by its id
 * alone.
 */
static bool
is_as_asked(const Trait *trait, const char *asked, const char *present)
{
	if (present == NULL)
		return trait->usual != NULL && strcmp(asked, trait->usual) == 0;
	return strcmp(asked, present) == 0 ||
		   (strcmp(trait->name, "kms_key_id") == 0 && ends_in(present, asked));
}

/* Warns if the restored data store will differ from its source. */
static void
warn_unless_same(const Trait *trait, const char *source, const char *asked)
{
	if (source == NULL || trait->usual == NULL ||
		strcmp(source, trait->usual) == 0 ||
		(asked != NULL && is_as_asked(trait, asked, source)))
		return;
	ereport(WARNING,
			(errmsg("the restored data store will not have the %s of its "
					"source",
					trait->words),
			 errdetail("The source has %s, the restore requests %s.", source,
					   asked ? asked : "AWS's default"),
			 errhint("AWS does not copy it; pass the argument \"%s\".",
					 trait->name)));
}

void
hl_datastore_compare_source(const HlArguments *arguments,
							const HlRequest *request)
{
	const HlJson *asked = hl_response_read(hl_bytes_string(&request->body));
	const HlReply *reply;
	const HlJson *source;

	hl_call_refuse_change(request->operation);
	reply = describe(
		arguments, hl_json_string(hl_json_member(asked, "SourceDatastoreId")));
	if (reply->outcome != HL_OUTCOME_SUCCESS)
	{
		ereport(WARNING,
				(errmsg("could not compare the restore with its source"),
				 errdetail("DescribeFHIRDatastore failed with SQLSTATE %s.",
						   unpack_sql_state(hl_error_sqlstate(reply))),
				 errhint("AWS copies neither the key nor the SMART "
						 "configuration of the source.")));
		return;
	}
	source = hl_json_member(reply->document, "DatastoreProperties");
	for (size_t i = 0; i < lengthof(traits); i++)
		warn_unless_same(
			&traits[i], trait_of(properties_shape(), source, &traits[i]),
			trait_of(request->operation->input, asked, &traits[i]));
}

/*
 * Makes the sessions of this database that ensure a name take turns. Anybody
 * may take any advisory lock that SQL can name, and so block others: the last
 * field of ours is one that SQL's functions never use (they have 1 and 2).
 */
static void
lock_name(const char *name)
{
	uint64 hash = DatumGetUInt64(hash_any_extended(
		(const unsigned char *) name, (int) strlen(name), LOCK_SEED));
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32),
						 (uint32) hash, LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* Whether the status is one of a data store that can be used. */
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

/* Adds the live data stores of that name in a page to the list. */
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

/* Finds all live data stores of that name; keeps the pages that contain one. */
static List *
find_live(const HlArguments *arguments, const char *name)
{
	char *utf8 = hl_text_to_utf8(name, (int) strlen(name));
	HlPages *pages = hl_pages_start(
		&hl_operations[HL_OPERATION_LIST_FHIR_DATASTORES],
		psprintf("{\"Filter\":%s}", hl_request_member("DatastoreName", utf8)),
		NULL, hl_arguments_text(arguments, "region"));
	MemoryContext caller = CurrentMemoryContext;
	List *stores = NIL;

	for (;;)
	{
		MemoryContext memory = AllocSetContextCreate(caller, "healthlake page",
													 ALLOCSET_DEFAULT_SIZES);
		const HlJson *page;
		int before = list_length(stores);

		MemoryContextSwitchTo(memory);
		page = hl_pages_next(pages, PG_INT64_MAX);
		MemoryContextSwitchTo(caller);
		if (page == NULL)
			break;
		stores = add_live(stores, page, utf8);
		if (list_length(stores) == before)
			MemoryContextDelete(memory);
	}
	return stores;
}

/* Refuses a data store that differs from the requested one. */
static void
refuse_other(const HlRequest *request, const HlJson *store)
{
	const HlJson *json = hl_response_read(hl_bytes_string(&request->body));
	StringInfoData differences;

	initStringInfo(&differences);
	for (size_t i = 0; i < lengthof(traits); i++)
	{
		const Trait *trait = &traits[i];
		const char *asked = trait_of(request->operation->input, json, trait);
		const char *present = trait_of(properties_shape(), store, trait);

		if (asked == NULL || is_as_asked(trait, asked, present))
			continue;
		appendStringInfo(&differences, "%s%s is %s, requested was %s",
						 differences.len > 0 ? "; " : "", trait->name,
						 present ? present : "not set", asked);
	}
	if (differences.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("data store \"%s\" of that name is not as requested",
						hl_text_from_utf8(property(store, "id"))),
				 errdetail("%s.", differences.data)));
}

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

/* Makes the row: the columns of a data store, and whether it was created. */
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
		refuse_other(request, linitial(stores));
		return ensured_row(fcinfo, properties_shape(), linitial(stores), false);
	}
	reply = hl_call_perform(request, hl_arguments_text(arguments, "region"));
	return ensured_row(fcinfo, create->output, reply->document, true);
}
