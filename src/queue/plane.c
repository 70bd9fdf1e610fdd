/*
 * plane.c
 *	  The two planes.
 */
#include "postgres.h"

#include "audit/account.h"
#include "call/call.h"
#include "call/door.h"
#include "fhir/deferred.h"
#include "fhir/rights.h"
#include "model/fhir_operations.h"
#include "model/response.h"
#include "queue/fhir_look.h"
#include "queue/plane.h"
#include "queue/search.h"
#include "server/text.h"

/* ------------------------------------------------------------ control plane */

static bool
permits_control(const HlStore *store, const HlOperation *operation,
				const char *request, Oid role)
{
	if (hl_door_lets(store->extension, store->schema, operation->function,
					 role))
		return true;
	/* this one is a right to create, as far as it goes by the queue */
	return operation == &hl_operations[HL_OPERATION_CREATE_FHIR_DATASTORE] &&
		   hl_door_lets(store->extension, store->schema,
						"healthlake_enqueue_create_datastore", role);
}

/* The member of the token as JSON; NULL: the operation has none. */
static char *
token_member(const HlQueued *queued)
{
	const HlMember *member = hl_operation_token(queued->operation);

	if (member == NULL || queued->client_token == NULL)
		return NULL;
	return hl_request_member(member->name, queued->client_token);
}

/* What makes the request checks it. */
static bool
is_whole_control(const HlQueued *queued)
{
	return true;
}

static HlRequest *
make_control(const HlQueued *queued)
{
	return hl_request_make(
		queued->operation,
		hl_text_to_utf8(queued->request, (int) strlen(queued->request)),
		token_member(queued), false);
}

/* It has a client token, or only reads. */
static bool
is_repeatable_control(const HlQueued *queued)
{
	return queued->client_token != NULL ||
		   !queued->operation->changes_something;
}

static void
check_control(HlQueued *queued)
{
	hl_call_check_reply(queued->sent->operation, &queued->call->reply);
}

/* A refusal of the control plane is one. */
static bool
is_done_control(const HlQueued *queued)
{
	return false;
}

static void
note_control(HlQueued *queued)
{
	const HlOperation *operation = queued->sent->operation;
	const HlReply *reply = &queued->call->reply;
	HlNamed it = hl_account_of_reply(operation, reply);
	HlEnding *ending = &queued->ending;

	ending->datastore_id = it.datastore_id;
	ending->job_id = it.job_id;
	ending->account = it.account;
	if (reply->document != NULL)
		ending->response =
			hl_response_masked(operation->output, reply->document, NULL);
}

/* --------------------------------------------------------------- data plane */

static const HlOperation *
find_fhir(const char *name)
{
	for (int i = 0; i < HL_FHIR_OPERATIONS; i++)
		if (strcmp(hl_fhir_operations[i].name, name) == 0)
			return &hl_fhir_operations[i];
	return NULL;
}

static bool
permits_fhir(const HlStore *store, const HlOperation *operation,
			 const char *request, Oid role)
{
	return hl_fhir_permits(store, request, role);
}

HlFhirDeferred
hl_plane_deferred(const HlQueued *queued)
{
	return (HlFhirDeferred){.operation = queued->operation,
							.request = queued->request,
							.body = queued->body,
							.resource_type = queued->resource_type,
							.resource_id = queued->resource_id,
							.datastore_id = queued->datastore_id,
							.key = queued->client_token,
							.guard = queued->guard};
}

static bool
is_whole_fhir(const HlQueued *queued)
{
	HlFhirDeferred write = hl_plane_deferred(queued);

	return hl_deferred_is_whole(&write);
}

static HlRequest *
make_fhir(const HlQueued *queued)
{
	HlFhirDeferred write = hl_plane_deferred(queued);

	return hl_deferred_request(&write);
}

static bool
is_repeatable_fhir(const HlQueued *queued)
{
	HlFhirDeferred write = hl_plane_deferred(queued);

	return hl_deferred_is_repeatable(&write);
}

static bool
is_recoverable_fhir(const HlQueued *queued)
{
	HlFhirDeferred write = hl_plane_deferred(queued);

	return hl_deferred_is_recoverable(&write);
}

static void
check_fhir(HlQueued *queued)
{
	HlFhirDeferred write = hl_plane_deferred(queued);

	/* what was read is checked by whoever reads it */
	if (!queued->looks)
		hl_deferred_check(&write, queued->call);
}

static bool
is_done_fhir(const HlQueued *queued)
{
	HlFhirDeferred write = hl_plane_deferred(queued);

	return hl_deferred_is_done(&write, &queued->call->reply);
}

static void
note_fhir(HlQueued *queued)
{
	HlFhirDeferred write = hl_plane_deferred(queued);
	HlFhirTold told = hl_deferred_told(&write, queued->call);
	HlEnding *ending = &queued->ending;

	ending->response = told.response;
	ending->resource_id = told.resource_id;
	ending->version_id = told.version_id;
	ending->note = told.note;
}

/* ----------------------------------------------------------------- the tables */

static const HlPlane control = {.lost = HL_ENDING_NOT_AGAIN,
								.find = hl_operation_find,
								.permits = permits_control,
								.is_whole = is_whole_control,
								.make = make_control,
								.look = hl_search_look,
								.is_repeatable = is_repeatable_control,
								.is_recoverable = is_repeatable_control,
								.check = check_control,
								.is_done = is_done_control,
								.note = note_control};

static const HlPlane fhir = {
	.is_in_turn = true,
	.reads = true,
	.lost =
		"it may have been carried out, and no read could tell whether it was",
	.find = find_fhir,
	.permits = permits_fhir,
	.is_whole = is_whole_fhir,
	.make = make_fhir,
	.look = hl_fhir_look,
	.is_repeatable = is_repeatable_fhir,
	.is_recoverable = is_recoverable_fhir,
	.check = check_fhir,
	.is_done = is_done_fhir,
	.note = note_fhir};

const HlPlane *
hl_plane_of(const char *kind)
{
	return strcmp(kind, "fhir") == 0 ? &fhir : &control;
}
