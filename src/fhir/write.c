/*
 * write.c
 *	  What all writes of single resources have in common.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "call/error.h"
#include "engine/engine.h"
#include "fhir/read.h"
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
	reply->outcome = HL_OUTCOME_MALFORMED;
	reply->may_have_run = true;
	reply->document = NULL; /* nobody is told what it says */
	reply->network = pstrdup("the reply is not the resource that was written");
}

void
hl_fhir_write_take(HlFhirWrite *write)
{
	HlReply *reply = hl_fhir_write_reply(write);
	const HlJson *stored = reply->document;
	const char *id = hl_fhir_id(stored);
	const char *version = hl_fhir_version(stored);

	if (!hl_fhir_is_a(stored, write->type) || !hl_fhir_is_id(id) ||
		(write->id != NULL && strcmp(write->id, id) != 0))
	{
		refuse_reply(reply);
		return;
	}
	if (version == NULL)
		version = hl_fhir_version_of(reply->headers[HL_FHIR_ETAG]);
	write->result.type = write->type;
	write->result.id = id;
	write->result.version_id = version;
	write->result.resource = stored;
}

const HlReply *
hl_fhir_write_look(HlFhirWrite *write, const char *id, const char *version)
{
	HlFhirRequest *request =
		hl_fhir_read_request(write->place, write->type, id, version);
	HlCallRun *look = palloc0(sizeof(HlCallRun));

	/* else it is compared with what was written, which the caller knows */
	request->rest.discloses = write->shows;
	if (hl_call_start(look, &request->request, request->region))
	{
		look->several = true;
		hl_call_drive(look);
	}
	return &look->call->reply;
}

static void
drive(void *argument)
{
	HlFhirWrite *write = argument;

	hl_call_drive(&write->run);
	if (!write->run.begun) /* there were no keys: nothing was sent */
		return;
	write->judge(write);
	hl_call_finish(&write->run);
}

void
hl_fhir_write(HlFhirWrite *write)
{
	const HlRequest *request = &write->request->request;
	const HlReply *reply;

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
