/*
 * error.c
 *	  A failed reply as an SQL error.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "call/error.h"
#include "model/response.h"
#include "server/settings.h"
#include "server/text.h"

/* The SQLSTATE and the hint of an error of AWS. */
typedef struct ErrorRow
{
	const char *code;
	int sqlstate;
	const char *hint;
} ErrorRow;

static const char HINT_KEYS[] =
	"Check healthlake.access_key_id, healthlake.secret_access_key and "
	"healthlake.session_token: temporary credentials need all three.";
#define HINT_NO_KEYS "healthlake_check() shows where credentials come from."
static const char HINT_EXPIRED[] =
	"Set fresh temporary credentials, all three of them.";
#define HINT_POLICY                                                            \
	"The IAM policy of the credentials in use must allow this operation on "   \
	"the resource."
#define HINT_SECRET                                                            \
	"Check that the secret access key belongs to the access key id, and that " \
	"the server's clock is right."
#define HINT_CLOCK "Check that the server's clock is right."

static const ErrorRow error_rows[] = {
	{"ValidationException", ERRCODE_INVALID_PARAMETER_VALUE, NULL},
	{"AccessDeniedException", ERRCODE_INSUFFICIENT_PRIVILEGE, HINT_POLICY},
	{"AccessDenied", ERRCODE_INSUFFICIENT_PRIVILEGE, HINT_POLICY},
	{"UnauthorizedException", ERRCODE_INSUFFICIENT_PRIVILEGE, HINT_POLICY},
	{"ResourceNotFoundException", ERRCODE_UNDEFINED_OBJECT,
	 "Check the identifier and the region."},
	{"ConflictException", ERRCODE_OBJECT_IN_USE, NULL},
	{"FailedDependencyException", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
	 NULL},
	{"ServiceQuotaExceededException", HL_ERRCODE_QUOTA,
	 "Delete what is not needed, or ask AWS for a higher quota."},
	{"NotImplementedOperationException", HL_ERRCODE_UNIMPLEMENTED, NULL},
	{"InternalServerException", HL_ERRCODE_SERVICE, "Try again later."},
	{"UnrecognizedClientException", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"InvalidClientTokenId", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"InvalidAccessKeyId", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"AuthFailure", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"InvalidToken", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"MissingAuthenticationToken", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"MissingAuthenticationTokenException", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"IncompleteSignature", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"IncompleteSignatureException", HL_ERRCODE_CREDENTIALS, HINT_KEYS},
	{"ExpiredToken", HL_ERRCODE_CREDENTIALS, HINT_EXPIRED},
	{"ExpiredTokenException", HL_ERRCODE_CREDENTIALS, HINT_EXPIRED},
	{"TokenRefreshRequired", HL_ERRCODE_CREDENTIALS, HINT_EXPIRED},
	{"SignatureDoesNotMatch", HL_ERRCODE_CREDENTIALS, HINT_SECRET},
	{"InvalidSignatureException", HL_ERRCODE_CREDENTIALS, HINT_SECRET},
	{"RequestTimeTooSkewed", HL_ERRCODE_CREDENTIALS, HINT_CLOCK},
	{"RequestExpired", HL_ERRCODE_CREDENTIALS, HINT_CLOCK},
	{"RequestInTheFuture", HL_ERRCODE_CREDENTIALS, HINT_CLOCK},
};

/*
 * The row for AWS's code; NULL: none. In the data plane status 401 means
 * invalid credentials even if the code is that of a missing permission: API
 * Gateway uses that code for an invalid token.
 */
static const ErrorRow *
row_of(const HlReply *reply)
{
	for (size_t i = 0; reply->code != NULL && i < lengthof(error_rows); i++)
		if (strcmp(error_rows[i].code, reply->code) == 0)
			return reply->rest && reply->http_status == 401 &&
						   error_rows[i].sqlstate != HL_ERRCODE_CREDENTIALS
					   ? NULL
					   : &error_rows[i];
	return NULL;
}

/* The meaning of FHIR's HTTP status and issue code. */
static const struct
{
	int status;        /* 0: any */
	const char *issue; /* NULL: any, or none */
	int sqlstate;
} status_rows[] = {
	{0, "not-supported", HL_ERRCODE_UNIMPLEMENTED},
	{0, "multiple-matches", ERRCODE_CARDINALITY_VIOLATION},
	{400, NULL, ERRCODE_INVALID_PARAMETER_VALUE},
	{422, NULL, ERRCODE_INVALID_PARAMETER_VALUE},
	{401, NULL, HL_ERRCODE_CREDENTIALS},
	{403, NULL, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{404, NULL, ERRCODE_UNDEFINED_OBJECT},
	{410, NULL, ERRCODE_UNDEFINED_OBJECT},
	{409, NULL, ERRCODE_OBJECT_IN_USE},
	{412, NULL, HL_ERRCODE_VERSION},
	{413, NULL, ERRCODE_PROGRAM_LIMIT_EXCEEDED},
	{405, NULL, HL_ERRCODE_UNIMPLEMENTED},
	{415, NULL, HL_ERRCODE_UNIMPLEMENTED},
	{501, NULL, HL_ERRCODE_UNIMPLEMENTED},
};

/* The SQLSTATE for an HTTP status; 0 if the status alone does not decide. */
static int
sqlstate_of_status(const HlReply *reply)
{
	const char *issue =
		reply->diagnosed && reply->code != NULL ? reply->code : "";

	for (size_t i = 0; i < lengthof(status_rows); i++)
		if ((status_rows[i].status == 0 ||
			 status_rows[i].status == reply->http_status) &&
			(status_rows[i].issue == NULL ||
			 strcmp(status_rows[i].issue, issue) == 0))
			return status_rows[i].sqlstate;
	return 0;
}

/* The SQLSTATE of an error that AWS reported. */
static int
sqlstate_of_code(const HlReply *reply)
{
	const ErrorRow *row = reply->diagnosed ? NULL : row_of(reply);
	int sqlstate = reply->rest ? sqlstate_of_status(reply) : 0;

	if (reply->throttled)
		return HL_ERRCODE_THROTTLED;
	if (row != NULL)
		return row->sqlstate;
	if (sqlstate != 0)
		return sqlstate;
	if (reply->outcome == HL_OUTCOME_FAULT)
		return HL_ERRCODE_SERVICE;
	return ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
}

/* The SQLSTATE of a failure whose outcome is certain. */
static int
sqlstate_of_cause(const HlReply *reply)
{
	switch (reply->outcome)
	{
		case HL_OUTCOME_REFUSED:
		case HL_OUTCOME_FAULT:
			return sqlstate_of_code(reply);
		case HL_OUTCOME_NOT_SENT:
			return HL_ERRCODE_NOT_SENT;
		case HL_OUTCOME_LOST:
		case HL_OUTCOME_TIMED_OUT:
			return HL_ERRCODE_LOST;
		case HL_OUTCOME_UNSIGNED:
			return HL_ERRCODE_CREDENTIALS;
		case HL_OUTCOME_NO_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		default:
			return HL_ERRCODE_MALFORMED;
	}
}

int
hl_error_sqlstate(const HlReply *reply)
{
	return reply->may_have_run ? HL_ERRCODE_UNKNOWN_OUTCOME
							   : sqlstate_of_cause(reply);
}

/* The reason, in AWS's words if it gave any. */
static const char *
cause_of(const HlReply *reply)
{
	if (reply->network != NULL && reply->network[0] != '\0')
		return hl_text_line(reply->network);
	if (reply->message != NULL && reply->message[0] != '\0')
		return hl_text_line(reply->message);
	if (reply->code != NULL && reply->code[0] != '\0')
		return hl_text_line(reply->code);
	return psprintf("HTTP status %d", reply->http_status);
}

const char *
hl_error_message(const HlOperation *operation, const HlReply *reply)
{
	const char *cause = cause_of(reply);

	if (reply->may_have_run)
		return psprintf("outcome of %s is unknown: %s", operation->name, cause);
	switch (reply->outcome)
	{
		case HL_OUTCOME_REFUSED:
			return psprintf("AWS refused %s: %s", operation->name, cause);
		case HL_OUTCOME_FAULT:
			return psprintf("AWS failed at %s: %s", operation->name, cause);
		case HL_OUTCOME_NOT_SENT:
		case HL_OUTCOME_UNSIGNED:
			return psprintf("could not send %s: %s", operation->name, cause);
		case HL_OUTCOME_NO_MEMORY:
			return psprintf("%s in %s", cause, operation->name);
		case HL_OUTCOME_LOST:
		case HL_OUTCOME_TIMED_OUT:
			return psprintf("no reply to %s: %s", operation->name, cause);
		default:
			return psprintf("unusable reply to %s: %s", operation->name, cause);
	}
}

/* Appends the code of an error with a name for its origin. */
static void
append_cause(StringInfo text, const HlReply *reply)
{
	if (reply->subject != NULL)
		appendStringInfo(text, ", resource %s",
						 hl_text_from_utf8(reply->subject));
	if (reply->code != NULL)
		appendStringInfo(text, ", %s %s",
						 reply->diagnosed ? "issue code" : "AWS error code",
						 hl_text_line(reply->code));
	if (reply->expression != NULL)
		appendStringInfo(text, ", expression %s",
						 hl_text_cut(reply->expression));
}

/* The facts that identify the call in AWS's logs. */
static const char *
detail_of(const HlOperation *operation, const HlReply *reply,
		  const char *client_token)
{
	const char *id = hl_response_id(operation->output, reply->document);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Operation %s", operation->name);
	append_cause(&text, reply);
	if (reply->http_status != 0)
		appendStringInfo(&text, ", HTTP status %d", reply->http_status);
	if (reply->request_id != NULL)
		appendStringInfo(&text, ", request id %s",
						 hl_text_line(reply->request_id));
	appendStringInfo(&text, ", attempts %d", reply->attempts);
	if (client_token != NULL && reply->may_have_run)
		appendStringInfo(&text, ", %s %s",
						 reply->rest ? "idempotency key" : "client token",
						 client_token);
	if (id != NULL && reply->may_have_run && !reply->rest)
		appendStringInfo(&text, ", id %s", hl_text_from_utf8(id));
	appendStringInfoChar(&text, '.');
	if (reply->may_have_run)
		appendStringInfo(&text, " Reason: %s (SQLSTATE %s).", cause_of(reply),
						 unpack_sql_state(sqlstate_of_cause(reply)));
	return text.data;
}

/*
 * Whether AWS has reported that the key has created a resource, without a
 * usable Location: a repetition would get the same reply.
 */
static bool
is_duplicate(const HlReply *reply)
{
	return reply->rest && reply->http_status == 409 && reply->diagnosed &&
		   reply->outcome == HL_OUTCOME_MALFORMED &&
		   strcmp(reply->code, "duplicate") == 0;
}

/* The hint for an unknown outcome. */
static const char *
hint_of_unknown(const HlReply *reply, const char *client_token)
{
	if (client_token == NULL)
		return "Check the current state before you repeat the call.";
	if (is_duplicate(reply))
		return "The resource exists: search for it. A call with another "
			   "idempotency key would create a second one.";
	if (reply->rest)
		return psprintf(
			"Repeat the same call with idempotency_key => '%s': it returns the "
			"resource that the first one created, and creates no second one.",
			client_token);
	return psprintf(
		"Repeat the same call with client token \"%s\" within an hour: it "
		"returns the result of the first one, and does nothing twice.",
		client_token);
}

/*
 * Whether a permission of Lake Formation is missing, which no IAM policy
 * grants; only AWS's message shows it.
 */
static bool
is_of_lake_formation(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_REFUSED && reply->message != NULL &&
		   strstr(reply->message, "Lake Formation permission") != NULL;
}

/*
 * Whether AWS refused an ARN where an id is required. Its message has the
 * value and the member: "Value 'arn:...' at 'datastoreId' failed to satisfy".
 * A KMS key may be given by its ARN.
 */
static bool
is_of_arn_as_id(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_REFUSED && reply->message != NULL &&
		   strstr(reply->message, "Value 'arn:") != NULL &&
		   strstr(reply->message, "Id' failed to satisfy") != NULL &&
		   strstr(reply->message, "KeyId' failed to satisfy") == NULL;
}

/*
 * Whether AWS refused another text where an ARN is required, such as "Value
 * '...' at 'resourceARN' failed to satisfy".
 */
static bool
is_no_arn(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_REFUSED && reply->message != NULL &&
		   strstr(reply->message, "Value 'arn:") == NULL &&
		   strstr(reply->message, "ARN' failed to satisfy") != NULL;
}

/* The hint for credentials that AWS rejects, by their source. */
static const char *
hint_of_credentials(const HlReply *reply, const ErrorRow *row)
{
	if (reply->hint != NULL)
		return reply->hint;
	if (row == NULL)
		return HINT_NO_KEYS;
	if (reply->source == NULL || strcmp(reply->source, "the settings") == 0 ||
		(row->hint != HINT_KEYS && row->hint != HINT_EXPIRED))
		return row->hint;
	return psprintf(row->hint == HINT_EXPIRED
						? "Renew the credentials of %s."
						: "Check the credentials of %s: temporary ones "
						  "consist of an access key id, a secret access key "
						  "and a session token.",
					hl_text_line(reply->source));
}

/* The hint; NULL if there is nothing to advise. */
static const char *
hint_of(const HlReply *reply, const char *client_token)
{
	const ErrorRow *row = row_of(reply);

	if (reply->may_have_run)
		return hint_of_unknown(reply, client_token);
	if (is_of_lake_formation(reply))
		return "In AWS Lake Formation, make the IAM role or user an "
			   "administrator of the data lake.";
	if (is_of_arn_as_id(reply))
		return HL_SETTINGS_ARN_HINT;
	if (is_no_arn(reply))
		return "Give the ARN: healthlake_describe_datastore() returns that of "
			   "a data store.";
	switch (hl_error_sqlstate(reply))
	{
		case HL_ERRCODE_NOT_SENT:
			return "Nothing was sent. Check the region, "
				   "healthlake.endpoint_url, healthlake.proxy and "
				   "healthlake.ca_bundle, and that the server can reach the "
				   "endpoint.";
		case HL_ERRCODE_CREDENTIALS:
			return hint_of_credentials(reply, row);
		case HL_ERRCODE_LOST:
			return "Check the network, and healthlake.request_timeout.";
		case HL_ERRCODE_VERSION:
			return "The resource is not in the version that was expected: "
				   "read it again.";
		case ERRCODE_INVALID_PARAMETER_VALUE:
			return reply->diagnosed ? "healthlake_last_call() shows the "
									  "OperationOutcome."
									: NULL;
		case HL_ERRCODE_THROTTLED:
			return "Make fewer calls at a time, or try again later.";
		case HL_ERRCODE_MALFORMED:
			return "Check that healthlake.endpoint_url and healthlake.proxy "
				   "lead to AWS HealthLake.";
		default:
			return row != NULL && !reply->diagnosed ? row->hint : NULL;
	}
}

void
hl_error_raise(const HlOperation *operation, const HlReply *reply,
			   const char *client_token)
{
	const char *hint = hint_of(reply, client_token);

	ereport(ERROR, (errcode(hl_error_sqlstate(reply)),
					errmsg("%s", hl_error_message(operation, reply)),
					errdetail("%s", detail_of(operation, reply, client_token)),
					hint != NULL ? errhint("%s", hint) : 0,
					/* the statement may contain a resource */
					errhidestmt(reply->rest)));
	pg_unreachable();
}

void
hl_error_spoil(HlReply *reply, const char *why)
{
	reply->outcome = HL_OUTCOME_MALFORMED;
	reply->network = pstrdup(why);
}

void
hl_error_refuse(const HlOperation *operation, const HlReply *reply,
				const char *why)
{
	HlReply malformed = *reply;

	hl_error_spoil(&malformed, why);
	hl_error_raise(operation, &malformed, NULL);
}

Datum
hl_error_convert(const HlOperation *operation, const HlReply *reply,
				 HlConversion convert, const void *argument)
{
	int sqlstate = 0;
	Datum value = hl_response_convert(convert, argument, &sqlstate);

	if (sqlstate != 0)
		hl_error_refuse(operation, reply, HL_ERROR_UNFIT);
	return value;
}

Datum
hl_error_try(HlReply *reply, HlConversion convert, const void *argument,
			 bool *null)
{
	int sqlstate = 0;
	Datum value = hl_response_convert(convert, argument, &sqlstate);

	*null = sqlstate != 0;
	if (*null)
		hl_error_spoil(reply, HL_ERROR_UNFIT);
	return value;
}

static Datum
convert_whole(const void *document)
{
	return hl_response_whole(document);
}

Datum
hl_error_whole(const HlOperation *operation, const HlReply *reply)
{
	return hl_error_convert(operation, reply, convert_whole, reply->document);
}

/* The arguments of hl_response_row(). */
typedef struct Row
{
	FunctionCallInfo fcinfo;
	const HlShape *shape;
	const HlJson *node;
} Row;

static Datum
convert_row(const void *argument)
{
	const Row *row = argument;

	return hl_response_row(row->fcinfo, row->shape, row->node);
}

Datum
hl_error_row(const HlOperation *operation, const HlReply *reply,
			 FunctionCallInfo fcinfo, const HlShape *shape, const HlJson *node)
{
	return hl_error_convert(operation, reply, convert_row,
							&(Row){fcinfo, shape, node});
}
