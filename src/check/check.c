/*
 * check.c
 *	  The rows of healthlake_check().
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "access/htup_details.h"
#include "call/call.h"
#include "call/error.h"
#include "check/check.h"
#include "check/exposure.h"
#include "check/queue.h"
#include "credentials/credentials.h"
#include "credentials/endpoints.h"
#include "credentials/environment.h"
#include "credentials/profiles.h"
#include "model/rows.h"
#include "server/dropped.h"
#include "server/settings.h"
#include "server/text.h"

/* One row. */
typedef struct Finding
{
	const char *item;
	bool ok;
	const char *detail;
} Finding;

static List *
add(List *findings, const char *item, bool ok, const char *detail)
{
	Finding *finding = palloc(sizeof(Finding));

	finding->item = item;
	finding->ok = ok;
	finding->detail = detail;
	return lappend(findings, finding);
}

List *
hl_check_add(List *findings, const char *item, bool ok, const char *detail)
{
	return add(findings, item, ok, detail);
}

/* The request that is tried: a small read. */
static HlRequest *
probe(void)
{
	return hl_request_make(&hl_operations[HL_OPERATION_LIST_FHIR_DATASTORES],
						   "{\"MaxResults\":1}", NULL, false);
}

/* Turns an error of the settings into a row; throws others. */
static List *
catch_refusal(List *findings, MemoryContext memory)
{
	ErrorData *error;
	int state = geterrcode();

	if (state != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE &&
		state != ERRCODE_INVALID_PARAMETER_VALUE &&
		state != ERRCODE_INSUFFICIENT_PRIVILEGE)
		PG_RE_THROW();
	MemoryContextSwitchTo(memory);
	error = CopyErrorData();
	FlushErrorState();
	return add(findings, "region and endpoint", false,
			   error->hint != NULL
				   ? psprintf("%s: %s", error->message, error->hint)
				   : error->message);
}

/* Adds the sources that were skipped, with the reasons. */
static List *
add_notes(List *findings, List *notes)
{
	ListCell *cell;

	foreach (cell, notes)
	{
		const HlSourceNote *note = lfirst(cell);

		if (note->text != NULL)
			findings = add(findings, "credentials passed over", true,
						   psprintf("%s: %s", note->name, note->text));
	}
	return findings;
}

static List *
add_credentials(List *findings, const HlCall *call, bool found, List *notes)
{
	const HlCredentials *credentials = call->credentials;

	findings = add_notes(findings, notes);
	if (call->reply.passed_over != NULL)
		findings = add(findings, "credentials passed over", true,
					   hl_text_line(call->reply.passed_over));
	if (!found)
		return add(findings, "credentials", false,
				   call->reply.hint != NULL
					   ? psprintf("%s: %s", hl_text_line(call->reply.network),
								  call->reply.hint)
					   : hl_text_line(call->reply.network));
	if (!credentials->expires)
		return add(findings, "credentials", true, credentials->source);
	return add(findings, "credentials", true,
			   psprintf("%s, until %s", credentials->source,
						hl_provider_time(credentials->expires_at)));
}

static List *
add_endpoint(List *findings, const HlCall *call)
{
	const HlTarget *target = call->target;
	const char *bundle = call->limits->ca_bundle;

	findings = add(findings, "region", true, pstrdup(call->region));
	findings = add(findings, "endpoint", true,
				   psprintf("%s://%s%s", target->plain ? "http" : "https",
							target->authority, target->path));
	findings = add(findings, "endpoint set by", true,
				   target->from != NULL ? target->from : "AWS's rules");
	return add(findings, "trusted authorities", true,
			   target->plain ? "none: requests stay on this machine"
			   : bundle != NULL && bundle[0] != '\0'
				   ? psprintf("those of \"%s\"", bundle)
				   : "those of the system");
}

/*
 * Determines the target of a call; false if that fails, with rows that say why.
 */
static bool
settle(HlCall *call, const HlRequest *request, List **findings)
{
	MemoryContext memory = CurrentMemoryContext;
	List *volatile rows = *findings;
	List *notes = NIL;
	volatile bool settled = false;
	volatile bool found = false;

	/* only settings and files are read here, so that no cleanup is needed */
	PG_TRY();
	{
		found = hl_call_settle(call, request, NULL, &notes);
		settled = true;
	}
	PG_CATCH();
	{
		rows = catch_refusal(rows, memory);
	}
	PG_END_TRY();
	*findings = rows;
	if (settled)
	{
		found = found && hl_engine_get_keys(call);
		*findings = add_endpoint(*findings, call);
		*findings = add_credentials(*findings, call, found, notes);
	}
	return found;
}

/* Whether the endpoint is on this machine, where STS cannot be expected. */
static bool
is_local(const HlCall *call)
{
	HlEndpoint endpoint;

	return hl_endpoint_read_url(psprintf("%s://%s",
										 call->target->plain ? "http" : "https",
										 call->target->authority),
								&endpoint) == HL_ENDPOINT_OK &&
		   hl_endpoint_is_loopback(&endpoint);
}

/*
 * Asks STS for the identity of the credentials; NULL: see the provider's
 * reason.
 */
static char *
ask_identity(const HlCall *call, HlProvider *provider)
{
	HlCall *ask;

	if (!hl_provider_ask_identity(provider, &call->credentials->keys))
		return NULL;
	ask = hl_engine_request(&provider->request, call->limits);
	hl_engine_run(ask, 1);
	return hl_provider_identity(provider, &ask->reply);
}

static List *
add_identity(List *findings, const HlCall *call)
{
	HlProvider *provider = hl_provider_create();
	HlPlan *plan = palloc0(sizeof(HlPlan));
	char *identity;

	plan->source = "STS";
	provider->plan = plan;
	hl_endpoints_find_sts(plan, call->region);
	if (plan->sts_reason == NULL && plan->sts_from == NULL && is_local(call))
		return add(findings, "identity", true,
				   "not checked: the endpoint is on this machine, and none is "
				   "set for STS");
	identity = ask_identity(call, provider);
	return add(findings, "identity", identity != NULL,
			   hl_text_line(identity != NULL ? identity : provider->reason));
}

/* Adds a row for each stage of the probe, up to the one that failed. */
static List *
judge(List *findings, const HlReply *reply)
{
	bool sent = reply->outcome != HL_OUTCOME_NOT_SENT;
	bool refused = reply->outcome == HL_OUTCOME_REFUSED;
	const char *cause =
		reply->network != NULL ? reply->network : reply->message;

	cause = cause == NULL ? "" : pstrdup(hl_text_line(cause));
	findings = add(findings, "name lookup, connection and TLS", sent,
				   sent ? "the endpoint was reached" : cause);
	if (!sent)
		return findings;
	if (reply->dated)
		findings =
			add(findings, "clock",
				reply->clock_skew > -240 && reply->clock_skew < 240,
				psprintf("%d seconds off AWS's", (int) reply->clock_skew));
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		return add(findings, "AWS", true, "ListFHIRDatastores succeeded");
	return add(findings, "AWS", false,
			   psprintf("ListFHIRDatastores failed (SQLSTATE %s%s%s): %s",
						unpack_sql_state(hl_error_sqlstate(reply)),
						refused ? ", AWS error code " : "",
						refused ? hl_text_line(reply->code) : "", cause));
}

/* Adds a row for each sentence. */
static List *
add_each(List *findings, const char *item, List *sentences)
{
	ListCell *cell;

	foreach (cell, sentences)
		findings = add(findings, item, false, lfirst(cell));
	return findings;
}

static List *
add_files(List *findings)
{
	List *files = hl_exposure_files();

	if (hl_settings_are_exposed())
		files = lappend(
			files,
			pstrdup("a secret is set in a file, role or database setting, and "
					"the library is not in shared_preload_libraries: every "
					"role can read it with SHOW"));
	if (files == NIL)
		return add(findings, "secrets in files", true,
				   "none that other roles, or other users of the operating "
				   "system, can read");
	return add_each(findings, "secrets in files", files);
}

static List *
add_statements(List *findings)
{
	bool is_kept;
	List *statements = hl_exposure_statements(&is_kept);

	if (statements != NIL)
		return add_each(findings, "secrets in statements", statements);
	return add(findings, "secrets in statements", true,
			   is_kept ? "pg_stat_statements keeps the text of a SET; this "
						 "role sees none with a secret key"
					   : "the text of a SET is in pg_stat_activity until the "
						 "session's next statement, for its own role and "
						 "pg_read_all_stats");
}

/* Adds problems with AWS's files, and secrets in the environment. */
static List *
add_places(List *findings)
{
	static const char *const secrets[] = {"AWS_SECRET_ACCESS_KEY",
										  "AWS_SESSION_TOKEN",
										  "AWS_CONTAINER_AUTHORIZATION_TOKEN"};

	hl_profiles_read();
	for (int file = HL_PROFILE_CONFIG; file <= HL_PROFILE_CREDENTIALS; file++)
		if (hl_profiles_fault(file) != NULL)
			findings = add(findings, "AWS's files", false,
						   pstrdup(hl_profiles_fault(file)));
	for (size_t i = 0; i < lengthof(secrets); i++)
		if (hl_environment_variable(secrets[i]) != NULL)
			findings = add(
				findings, "secrets in the environment", true,
				psprintf("%s is in the server's environment: a role that may "
						 "run programs or read files as the server can read "
						 "it, and at DEBUG3 PostgreSQL logs it when it starts",
						 secrets[i]));
	return findings;
}

/* Adds the rows about the server as a whole. */
static List *
surroundings(List *findings)
{
	bool leaves = hl_engine_leaves_lookups();

	findings = add_files(findings);
	findings = add_statements(findings);
	return add(findings, "cancelling a name lookup", leaves,
			   leaves ? "at once"
					  : "libcurl is older than 7.87: a lookup that hangs "
						"delays a cancel");
}

/*
 * Adds the settings that PostgreSQL dropped when the library was loaded, and
 * what it has not applied of the configuration files.
 */
static List *
add_dropped(List *findings)
{
	findings = add_each(findings, "settings", hl_dropped_list());
	return add_each(findings, "configuration file", hl_exposure_refused());
}

static List *
try_call(List *findings)
{
	HlRequest *request = probe();
	HlCall *call = hl_engine_calls(1);

	hl_call_may_send(request->operation);
	if (settle(call, request, &findings))
	{
		findings = add_identity(findings, call);
		findings = judge(findings, hl_call_try(request, NULL));
	}
	return findings;
}

/* Makes all rows; nothing is sent if no call may be made. */
static List *
all_findings(FunctionCallInfo fcinfo)
{
	List *findings = add_dropped(NIL);

	if (!hl_dropped_blocks())
		findings = try_call(findings);
	findings = add_places(findings);
	findings = surroundings(findings);
	findings = add_each(findings, "exposed secret", hl_exposure_catalogs());
	findings = add_each(findings, "guard rail", hl_exposure_rails());
	findings = add_each(findings, "extension's schema", hl_exposure_schema());
	return hl_queue_findings(findings);
}

static Datum
finding_row(FunctionCallInfo fcinfo, TupleDesc desc, const void *thing)
{
	const Finding *finding = thing;
	Datum values[] = {CStringGetTextDatum(finding->item),
					  BoolGetDatum(finding->ok),
					  CStringGetTextDatum(finding->detail)};
	bool nulls[lengthof(values)] = {false};

	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
hl_check_next(FunctionCallInfo fcinfo)
{
	return hl_rows_next(fcinfo, all_findings, finding_row);
}
