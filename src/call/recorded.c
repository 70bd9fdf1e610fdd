/*
 * recorded.c
 *	  Data stores that AWS may not list yet.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "call/error.h"
#include "call/recent.h"
#include "call/recorded.h"
#include "engine/target.h"
#include "server/text.h"

List *
hl_recorded_find(const HlRequest *request, const char *region, const char *name)
{
	HlCall *call = hl_engine_calls(1);

	call->host_prefix = request->operation->host_prefix;
	hl_target_address(call, region);
	return hl_recent_add(
		hl_creations_find(request->operation, call, name,
						  hl_text_from_utf8(request->client_token)),
		request, call, hl_text_to_utf8(name, (int) strlen(name)));
}

bool
hl_recorded_is_repeated(const List *creations, const HlCreation *creation)
{
	ListCell *cell;

	if (creation->id == NULL)
		return true;
	foreach (cell, creations)
	{
		const HlCreation *other = lfirst(cell);

		if (other == creation)
			break;
		if (other->id != NULL && strcmp(other->id, creation->id) == 0)
			return true;
	}
	return false;
}

/* A time later than now, after the clock was set back, says nothing. */
bool
hl_recorded_is_settling(const HlCreation *creation)
{
	return !TimestampDifferenceExceeds(creation->since, GetCurrentTimestamp(),
									   HL_RECORDED_SETTLING_TIME);
}

void
hl_recorded_refuse_hidden(const HlCreation *creation, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 creation->mine
				 ? errmsg("AWS does not yet describe data store \"%s\", which "
						  "was created with the name \"%s\"",
						  creation->id, name)
				 : errmsg("AWS does not yet describe a data store that was "
						  "created with the name \"%s\"",
						  name),
			 creation->mine ? errdetail("Nothing was created.")
							: errdetail("Nothing was created. The data store "
										"belongs to another role."),
			 errhint("Call again in five minutes. To create another data store "
					 "of that name, call healthlake_create_datastore().")));
	pg_unreachable();
}

/* Raises that a queued request will create one. */
static void
refuse_queued(const HlCreation *creation, const char *name)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_IN_USE),
		 errmsg("a request to create a data store named \"%s\" is open", name),
		 creation->mine
			 ? errdetail("Nothing was created. It is request " INT64_FORMAT ".",
						 creation->request)
			 : errdetail("Nothing was created. The request belongs to "
						 "another role."),
		 creation->mine ? errhint("Wait for it with healthlake_wait_request"
								  "(" INT64_FORMAT "), or cancel it with "
								  "healthlake_cancel_request(" INT64_FORMAT
								  "), and call again.",
								  creation->request, creation->request)
						: errhint("Call again when it has ended.")));
}

/* What is known of an earlier creation. */
static const char *
describe_unknown(const HlCreation *creation)
{
	if (!creation->mine)
		return "belongs to another role";
	if (creation->request != 0)
		return psprintf("is request " INT64_FORMAT, creation->request);
	return psprintf("has the client token \"%s\"", creation->client_token);
}

/* How to find out. */
static const char *
advise_on_unknown(const HlCreation *creation)
{
	if (!creation->mine)
		return "Call again after an hour: AWS's list tells then.";
	if (creation->request != 0)
		return psprintf("Call healthlake_retry_request(" INT64_FORMAT
						"), which looks for what it has created, or "
						"healthlake_resolve_request(" INT64_FORMAT ", ...).",
						creation->request, creation->request);
	return psprintf("Repeat with client_token => '%s': AWS then returns what "
					"that call has created, if anything.",
					creation->client_token);
}

/* Raises that a request may have created one. */
static void
refuse_unknown(const HlCreation *creation, const char *name)
{
	ereport(ERROR,
			(errcode(HL_ERRCODE_UNKNOWN_OUTCOME),
			 errmsg("outcome of an earlier creation of a data store named "
					"\"%s\" is unknown",
					name),
			 errdetail("Nothing was created by this call. The earlier one %s.",
					   describe_unknown(creation)),
			 errhint("%s", advise_on_unknown(creation))));
}

void
hl_recorded_refuse_open(const List *creations, const char *name)
{
	ListCell *cell;

	foreach (cell, creations)
	{
		const HlCreation *creation = lfirst(cell);

		if (creation->id != NULL || creation->same)
			continue;
		if (creation->open)
			refuse_queued(creation, name);
		refuse_unknown(creation, name);
	}
}
