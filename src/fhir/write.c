/*
 * write.c
 *	  Shared by all writes of single resources.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "call/error.h"
#include "engine/engine.h"
#include "fhir/location.h"
#include "fhir/read.h"
#include "fhir/rights.h"
#include "fhir/types.h"
#include "fhir/write.h"

HlReply *
hl_fhir_write_reply(HlFhirWrite *write)
{
	return &write->run.call->reply;
}

void
hl_fhir_write_succeed(HlFhirWrite *write, const HlJson *document)
{
	HlReply *reply = hl_fhir_write_reply(write);

	reply->outcome = HL_OUTCOME_SUCCESS;
	reply->may_have_run = false;
	reply->document = document;
}

/* Turns a success without the stored resource into a failure. */
static void
refuse_reply(HlReply *reply)
{
	hl_error_spoil(reply, "the reply is not the resource that was written");
	reply->may_have_run = true;
	reply->document = NULL; /* its contents are not returned */
}

const HlReply *
hl_fhir_write_look(HlFhirWrite *write, const char *id, const char *version)
{
	HlFhirRequest *request =
		hl_fhir_read_request(write->place, write->type, id, version);
	HlCallRun *look = palloc0(sizeof(HlCallRun));

	/* otherwise it is only compared with what was written */
	request->rest.discloses = write->shows || write->request->rest.discloses;
	if (hl_call_start(look, &request->request, request->region))
	{
		look->several = true;
		hl_call_drive(look);
	}
	return &look->call->reply;
}

/* Takes a stored resource with the headers of the reply that contains it. */
static void
take_resource(HlFhirWrite *write, const HlReply *from)
{
	const HlJson *stored = from->document;
	const char *version = hl_fhir_version(stored);

	if (version == NULL)
		version = hl_fhir_version_of(from->headers[HL_FHIR_ETAG]);
	write->result.type = write->type;
	write->result.id = hl_fhir_id(stored);
	write->result.version_id = version;
	write->result.modified = from->headers[HL_FHIR_LAST_MODIFIED];
	write->result.resource = stored;
}

/*
 * Takes what the headers of a reply with an OperationOutcome tell; false if
 * they do not tell which resource was stored. The resource is read if it can
 * be known that it is this version.
 */
static bool
take_issues(HlFhirWrite *write, const HlReply *reply)
{
	HlFhirLocation named;
	const HlReply *look;

	if (!hl_fhir_location_stored(write->run.call, write->place->datastore_id,
								 write->type, write->id, &named))
		return false;
	write->result.type = write->type;
	write->result.id = named.id;
	write->result.version_id = named.version;
	write->result.modified = reply->headers[HL_FHIR_LAST_MODIFIED];
	write->result.issues = reply->document;
	if (named.version == NULL || !write->may_see)
		return true;
	look = hl_fhir_write_look(write, named.id, NULL);
	if (look->outcome == HL_OUTCOME_SUCCESS &&
		hl_fhir_version(look->document) != NULL &&
		hl_fhir_is_it(look->document, write->type, named.id, named.version))
		take_resource(write, look);
	return true;
}

void
hl_fhir_write_take(HlFhirWrite *write, const HlReply *from)
{
	HlReply *reply = hl_fhir_write_reply(write);
	const char *id = hl_fhir_id(from->document);

	if (from == reply && take_issues(write, reply))
		;
	else if (!hl_fhir_is_a(from->document, write->type) || !hl_fhir_is_id(id) ||
			 (write->id != NULL && strcmp(write->id, id) != 0))
		refuse_reply(reply);
	else
		take_resource(write, from);
	write->request->rest.stored = write->result.id;
}

static void
drive(void *argument)
{
	HlFhirWrite *write = argument;

	hl_call_drive(&write->run);
	if (!write->run.begun) /* without keys nothing was sent */
		return;
	write->judge(write);
	hl_call_finish(&write->run);
}

void
hl_fhir_write(HlFhirWrite *write)
{
	const HlRequest *request = &write->request->request;
	const HlReply *reply;
	bool hidden;

	write->may_see = hl_fhir_may(HL_FHIR_MAY_READ);
	hidden = write->request->rest.discloses && !write->may_see;
	write->request->rest.discloses &= write->may_see;
	write->since = GetCurrentTimestamp();
	if (hl_call_start(&write->run, request, write->request->region))
	{
		write->run.several = true;
		write->run.judged = true;
		hl_call_watch(drive, write);
	}
	reply = hl_fhir_write_reply(write);
	if (reply->outcome != HL_OUTCOME_SUCCESS && !write->forgiven)
		hl_error_raise(request->operation, reply, request->client_token);
	write->result.hidden = hidden;
	hl_fhir_result_warn_issues(reply);
}

/* The validation level, which becomes a header. */
void
hl_fhir_write_validation(HlFhirRequest *request, const HlArguments *arguments)
{
	const char *level = hl_arguments_text(arguments, "validation");

	if (level == NULL)
		return;
	if (strcmp(level, "strict") != 0 && strcmp(level, "structure-only") != 0 &&
		strcmp(level, "minimal") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be strict, structure-only "
							   "or minimal",
							   "validation")));
	hl_fhir_request_header(request, "x-amzn-healthlake-fhir-validation-level",
						   level);
}
