/*
 * datastore.c
 *	  Data stores: confirmation, comparison, get-or-create.
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
#include "utils/timestamp.h"

#include "call/call.h"
#include "call/datastore.h"
#include "call/error.h"
#include "call/pages.h"
#include "call/recorded.h"
#include "model/response.h"
#include "server/jsonb_text.h"
#include "server/text.h"

/* Distinguishes these locks from other advisory locks. */
#define LOCK_SEED UINT64CONST(0x6865616c74686c6b)

/* The last field of the lock tag, which SQL functions cannot set. */
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

/* The shape of a description, which is also that of a list's elements. */
static const HlShape *
properties_shape(void)
{
	return hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE]
		.output->members[0]
		.shape;
}

/* A string of a description or of a list's element; NULL: none. */
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
	const char *wanted;
	const HlJson *properties;
	const char *name;

	if (id == NULL || confirmed == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null",
							   id == NULL ? "id" : "confirm_name")));
	hl_call_refuse_change(request->operation);
	wanted = hl_text_to_utf8(confirmed, (int) strlen(confirmed));
	properties = hl_datastore_properties(arguments,
										 hl_text_to_utf8(id, (int) strlen(id)));
	name = property(properties, "name");
	if (strcmp(name == NULL ? "" : name, wanted) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data store \"%s\" is not named \"%s\"", id, confirmed),
				 errdetail("Nothing was deleted."),
				 errhint("Pass its current name as \"confirm_name\".")));
}

/* A member of a data store that is compared. */
typedef struct Trait
{
	const char *name;
	const char *words;
	const char *usual; /* AWS's default */
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

/* JSON of this length is normalized even if it has grown to it. */
#define NORMAL_BYTES 65536

/*
 * Normalizes text that contains JSON; returns other text, JSON that jsonb
 * cannot hold, and JSON with much longer numbers, unchanged.
 */
static const char *
normal_text(const char *utf8)
{
	bool null = hl_response_read(utf8) == NULL;
	Datum json = null ? (Datum) 0 : hl_response_jsonb_if_fit(utf8, &null);
	const char *text;

	if (null)
		return utf8;
	text = hl_jsonb_text(DatumGetJsonbP(json),
						 Max(strlen(utf8) * 2, NORMAL_BYTES));
	return text != NULL ? text : utf8;
}

/* The value of a trait in a request or a data store, in UTF-8; NULL: none. */
static const char *
trait_of(const HlShape *shape, const HlJson *json, const Trait *trait)
{
	const char *text = hl_response_text(shape, json, trait->name);

	return text == NULL || text[0] == '\0' ? NULL : normal_text(text);
}

/* Whether a text ends with "/part" or ":part". */
static bool
ends_in(const char *text, const char *part)
{
	size_t len = strlen(text);
	size_t part_len = strlen(part);

	return len > part_len && strcmp(text + len - part_len, part) == 0 &&
		   strchr("/:", text[len - part_len - 1]) != NULL;
}

/*
 * Whether the data store is as requested; a key may be specified by its id
 * only.
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
			 errdetail("The source has %s, the restore requests %s.",
					   hl_text_line(source),
					   asked ? hl_text_from_utf8(asked) : "AWS's default"),
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
 * Serializes the sessions of this database that ensure the same name. Any user
 * can take, and so block, any advisory lock that SQL functions can name; they
 * use 1 and 2 in the last field, so ours has another value.
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

/* A data store that was found, and the reply that contains it. */
typedef struct Found
{
	const HlOperation *operation;
	const HlReply *reply;
	const HlJson *store;
} Found;

/* Adds a data store to the list if it is live and has that name (UTF-8). */
static List *
add_if_live(List *stores, const Found *found, const char *name)
{
	const char *its = property(found->store, "name");
	Found *kept;

	if (its == NULL || strcmp(its, name) != 0 ||
		!is_live(property(found->store, "status")))
		return stores;
	kept = palloc(sizeof(Found));
	*kept = *found;
	return lappend(stores, kept);
}

/* Adds the live data stores of that name in a page to the list. */
static List *
add_live(List *stores, const HlReply *page, const char *name)
{
	HlJsonEach each =
		hl_json_each(hl_json_member(page->document, "DatastorePropertiesList"));
	Found found = {.operation =
					   &hl_operations[HL_OPERATION_LIST_FHIR_DATASTORES],
				   .reply = page};

	while ((found.store = hl_json_step(&each)) != NULL)
		stores = add_if_live(stores, &found, name);
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
		const HlReply *page;
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
						 present ? hl_text_line(present) : "not set",
						 hl_text_from_utf8(asked));
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
		appendStringInfo(
			&ids, "%s%s", ids.len > 0 ? ", " : "",
			hl_text_from_utf8(property(((Found *) lfirst(cell))->store, "id")));
	ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
					errmsg("%d data stores are named \"%s\"",
						   list_length(stores), name),
					errdetail("They are %s.", ids.data)));
}

/* Adds to a row whether the data store was created. */
static Datum
ensured_row(FunctionCallInfo fcinfo, Datum datum, bool created)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(datum);
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

/* The row of a data store that was found. */
static Datum
found_row(FunctionCallInfo fcinfo, const Found *found)
{
	return ensured_row(fcinfo,
					   hl_error_row(found->operation, found->reply, fcinfo,
									properties_shape(), found->store),
					   false);
}

/*
 * Finds those of the recorded data stores that are live and still have the
 * name. Throws if one that AWS does not describe may be too new for that.
 */
static List *
find_recorded(const HlArguments *arguments, List *creations, const char *name)
{
	const HlCreation *hidden = NULL;
	List *stores = NIL;
	ListCell *cell;

	foreach (cell, creations)
	{
		const HlCreation *creation = lfirst(cell);
		Found found = {
			.operation = &hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE]};

		if (hl_recorded_is_repeated(creations, creation))
			continue;
		found.reply =
			describe(arguments,
					 hl_text_to_utf8(creation->id, (int) strlen(creation->id)));
		if (found.reply->outcome == HL_OUTCOME_SUCCESS)
		{
			found.store =
				hl_json_member(found.reply->document, "DatastoreProperties");
			stores = add_if_live(stores, &found, name);
		}
		else if (hl_error_sqlstate(found.reply) != ERRCODE_UNDEFINED_OBJECT)
			hl_error_raise(found.operation, found.reply, NULL);
		else if (hidden == NULL && hl_recorded_is_settling(creation))
			hidden = creation;
	}
	if (stores == NIL && hidden != NULL)
		hl_recorded_refuse_hidden(hidden, hl_text_from_utf8(name));
	return stores;
}

/*
 * Finds data stores that AWS does not list yet, by what this database has
 * recorded. Throws if such a one may exist, or will, and its id is not known.
 */
static List *
find_unlisted(const HlArguments *arguments, const HlRequest *request,
			  const char *name)
{
	List *creations =
		hl_recorded_find(request, hl_arguments_text(arguments, "region"), name);
	List *stores = find_recorded(arguments, creations,
								 hl_text_to_utf8(name, (int) strlen(name)));

	if (stores == NIL)
		hl_recorded_refuse_open(creations, name);
	return stores;
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
	if (stores == NIL)
		stores = find_unlisted(arguments, request, name);
	if (list_length(stores) > 1)
		refuse_several(stores, name);
	if (stores != NIL)
	{
		refuse_other(request, ((Found *) linitial(stores))->store);
		return found_row(fcinfo, linitial(stores));
	}
	reply = hl_call_perform(request, hl_arguments_text(arguments, "region"));
	return ensured_row(
		fcinfo, hl_response_row(fcinfo, create->output, reply->document), true);
}
