/*
 * untold.c
 *	  Replaces errors that would hide a change.
 */
#include "postgres.h"

#include "utils/elog.h"

#include "call/error.h"
#include "call/untold.h"
#include "server/text.h"

/* For calls outside of hl_untold_begin(), which report changes themselves. */
static HlUntold outside;

/* That of the innermost function. */
static HlUntold *current = &outside;

void
hl_untold_begin(HlUntold *untold)
{
	memset(untold, 0, sizeof(*untold));
	untold->outer = current;
	current = untold;
}

void
hl_untold_end(const HlUntold *untold)
{
	Assert(current == untold);
	current = untold->outer;
}

/* Writes the name of the changed object if there is one. */
static void
name_change(const HlRequest *request, const char *id)
{
	const char *subject = request->rest != NULL ? request->rest->subject : NULL;
	bool whole = subject != NULL && strchr(subject, '/') != NULL;
	bool bundle = subject != NULL && strchr(subject, ' ') != NULL;
	const char *between = subject == NULL ? "" : bundle ? ": " : "/";

	snprintf(current->id, sizeof(current->id), "%s%s%s",
			 subject != NULL && (whole || bundle || id != NULL) ? subject : "",
			 whole || id == NULL ? "" : between, whole || id == NULL ? "" : id);
}

bool
hl_untold_note(const HlRequest *request, const HlReply *reply, const char *id)
{
	const HlOperation *operation = request->operation;
	bool done = reply->outcome == HL_OUTCOME_SUCCESS;

	if (!operation->changes_something || (!done && !reply->may_have_run))
		return false;
	current->count++;
	current->operation = operation;
	strlcpy(current->client_token,
			request->client_token != NULL ? request->client_token : "",
			sizeof(current->client_token));
	name_change(request, id);
	current->done = done;
	current->unrecorded = false;
	current->told = false;
	return true;
}

void
hl_untold_note_told(void)
{
	current->told = true;
}

/* The change as CONTEXT of an error, palloc'd. */
static char *
describe_change(const HlUntold *untold)
{
	return psprintf(
		"HealthLake operation %s%s%s%s%s, which AWS has carried out",
		untold->operation->name,
		untold->client_token[0] != '\0' ? ", client token " : "",
		untold->client_token, untold->id[0] != '\0' ? ", id " : "",
		hl_text_from_utf8(untold->id));
}

/* Adds the change that is being recorded to the CONTEXT of an error. */
static void
unrecorded_context(void *argument)
{
	errcontext("%s", describe_change(argument));
}

void
hl_untold_record(void (*work)(const void *), const void *argument)
{
	HlUntold *untold = current;
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = unrecorded_context,
									.arg = untold};

	error_context_stack = &context;
	untold->unrecorded = true;
	work(argument);
	untold->unrecorded = false;
	error_context_stack = context.previous;
}

bool
hl_untold_is_recording(void)
{
	return current->unrecorded;
}

/* The sentence about the other changes; the error names the last one. */
static const char *
others(const HlUntold *untold, int sqlstate)
{
	if (untold->count < 2)
		return "";
	if (sqlstate == ERRCODE_OUT_OF_MEMORY)
		return " Others were made before.";
	return psprintf(" It is the last of " UINT64_FORMAT " changes.",
					untold->count);
}

/* Raises that the outcome of the last change is unknown, and why. */
static void
raise_unknown(const HlUntold *untold, const char *reason, int sqlstate)
{
	const char *name = untold->operation->name;
	const char *token = untold->client_token;

	ereport(
		ERROR,
		(errcode(HL_ERRCODE_UNKNOWN_OUTCOME),
		 untold->unrecorded
			 ? errmsg("AWS has carried out %s, but it could not be recorded: "
					  "%s",
					  name, reason)
		 : untold->done
			 ? errmsg("AWS has carried out %s, but its reply could not be "
					  "given: %s",
					  name, reason)
			 : errmsg("outcome of %s is unknown: %s", name, reason),
		 errdetail(
			 "Operation %s%s%s%s%s. Reason: %s (SQLSTATE %s).%s", name,
			 token[0] != '\0' ? ", client token " : "", token,
			 untold->id[0] != '\0' ? ", id " : "",
			 sqlstate == ERRCODE_OUT_OF_MEMORY ? untold->id
											   : hl_text_from_utf8(untold->id),
			 reason, unpack_sql_state(sqlstate), others(untold, sqlstate)),
		 errhint("Check the current state before you repeat the call.")));
}

/* An interrupt keeps its SQLSTATE; its CONTEXT has the preceding change. */
static void
add_context(const HlUntold *untold)
{
	ErrorData *error = CopyErrorData();
	char *change = describe_change(untold);

	FlushErrorState();
	error->context = error->context == NULL
						 ? change
						 : psprintf("%s\n%s", error->context, change);
	ReThrowError(error);
}

/* Whether the class of an error shows that it reports a change itself. */
static bool
is_own(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) ==
		   MAKE_SQLSTATE('3', '8', '0', '0', '0');
}

/*
 * After an ordinary error users repeat the statement, and drivers do so by
 * themselves for classes 53 and 40. The caller is in its own memory context.
 * Parts of the error that may contain a resource, since messages of PostgreSQL
 * may quote it, are not repeated.
 */
void
hl_untold_retell(const HlUntold *untold)
{
	int sqlstate = geterrcode();
	bool interrupt =
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_OPERATOR_INTERVENTION;
	bool hidden =
		untold->unrecorded || (!untold->told && !is_own(sqlstate)) ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES;
	const char *reason = "the database cannot hold it";

	if (untold->count == 0 || !hidden)
		return;
	if (sqlstate == ERRCODE_OUT_OF_MEMORY)
		reason = "out of memory";
	else if (interrupt && (untold->unrecorded || !untold->done))
		return; /* its CONTEXT has the change already */
	else if (interrupt)
		add_context(untold);
	else if (untold->unrecorded || !untold->operation->rest)
		reason = CopyErrorData()->message;
	FlushErrorState();
	raise_unknown(untold, reason, sqlstate);
}
