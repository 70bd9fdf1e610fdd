/*
 * fhir_look.c
 *	  After a sending of unknown outcome: a read tells what became of it.
 *
 *	  A resource that is as it was sent is what the request has made. One that
 *	  is as it was before is sent again, for that version alone, so that nothing
 *	  is overwritten that somebody else has written since. A create whose id has
 *	  been written by another has failed. All else is unknown.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "call/error.h"
#include "fhir/deferred.h"
#include "fhir/read.h"
#include "fhir/result.h"
#include "fhir/same.h"
#include "fhir/types.h"
#include "model/response.h"
#include "queue/fhir_look.h"
#include "queue/plane.h"
#include "queue/search.h"
#include "server/text.h"

/* How far the time of a version may be from the server's, in microseconds. */
#define SKEW (5 * USECS_PER_SEC)

/* So long the version that a request has made may not be found yet. */
#define LATENESS (60 * 60 * 1000)

#define CONFLICT MAKE_SQLSTATE('3', '8', 'V', '0', '1')

/* A look under way: the resource is read, then the version that ours would be. */
typedef struct HlFhirLook
{
	HlQueued *queued;
	const HlStore *store;
	HlFhirDeferred write;
	HlFhirWitness it;
	const char *version; /* that is read; NULL: the current one */
} HlFhirLook;

/* What was read. */
typedef struct Found
{
	bool absent; /* there is none, and never was */
	bool gone;   /* it was deleted */
	const char *version;
	TimestampTz written;
	bool ours; /* it is as it was sent */
} Found;

/* --------------------------------------------------------------- the read */

/* Throws that a reply is not the resource that was asked for. */
static void
refuse_found(const HlFhirLook *look, const HlReply *reply)
{
	hl_error_refuse(look->queued->sent->operation, reply,
					"the reply is not the resource that was asked for");
}

/*
 * The version that was read. It becomes the condition of the next attempt, so
 * text that is no version would keep the request from ever being sent.
 */
static const char *
version_in(const HlFhirLook *look, const HlReply *reply)
{
	const char *version = hl_fhir_version(reply->document);

	if (version == NULL || !hl_fhir_is_id(version))
		refuse_found(look, reply);
	return version;
}

/* Returns the resource of the reply; throws if the read failed. */
static Found
read_found(const HlFhirLook *look, const HlReply *reply)
{
	Found found = {.written = HL_NO_TIME};

	if (hl_fhir_is_missing(reply, look->it.type))
	{
		found.gone = reply->http_status == 410;
		found.absent = !found.gone;
	}
	else if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(look->queued->sent->operation, reply, NULL);
	else if (!hl_fhir_is_it(reply->document, look->it.type, look->it.id,
							look->version))
		refuse_found(look, reply);
	else
	{
		found.version = version_in(look, reply);
		(void) hl_fhir_last_updated(reply->document, &found.written);
		found.ours =
			look->it.resource != NULL &&
			hl_fhir_is_same(look->it.resource, hl_bytes_string(&reply->body));
	}
	return found;
}

/* The time since which the request may have been sent. */
static TimestampTz
sent_since(const HlQueued *queued)
{
	return queued->first_sent_at != HL_NO_TIME ? queued->first_sent_at
											   : queued->earliest;
}

/*
 * Whether it can be told which was first, a version or the request. A request
 * that was sent later than now was sent by another clock.
 */
static bool
is_comparable(const HlFhirLook *look, const Found *found, const HlReply *reply)
{
	return found->written != HL_NO_TIME && reply->dated &&
		   sent_since(look->queued) <= GetCurrentTimestamp();
}

/*
 * Whether a version was there before the request was first sent, by the clock
 * of the server that has just answered: nobody has written since, we neither.
 */
static bool
is_from_before(const HlFhirLook *look, const Found *found, const HlReply *reply)
{
	return is_comparable(look, found, reply) &&
		   found->written + SKEW <
			   sent_since(look->queued) + reply->clock_skew * USECS_PER_SEC;
}

/*
 * Whether the stored version is the one that this request sent, and not older
 * than its first attempt.
 */
static bool
is_own(const HlFhirLook *look, const Found *found, const HlReply *reply)
{
	return found->ours && !is_from_before(look, found, reply);
}

/*
 * Whether what was found is what the request before this one has made of the
 * resource, so that nobody has written since, we neither.
 */
static bool
is_of_before(const HlFhirLook *look, const Found *found)
{
	const HlQueued *queued = look->queued;
	HlParameters parameters = {0};
	const char *version = NULL;
	bool deletes = false;
	bool isnull;
	HlStoreStep step;

	hl_store_enter(&step, look->store);
	hl_store_add_text(&parameters, queued->home);
	hl_store_add(&parameters, Int64GetDatum(queued->id));
	hl_store_add_text(&parameters, look->it.type);
	hl_store_add_text(&parameters, look->it.id);
	if (hl_store_run(look->store, HL_STATEMENT_BEFORE, &parameters) > 0)
	{
		version = hl_store_text(0, "version_id");
		deletes = DatumGetBool(hl_store_value(0, "deletes", BOOLOID, &isnull));
	}
	hl_store_leave(&step);
	/* what was sent may have been done, and be what another has deleted */
	if (found->gone)
		return deletes && queued->first_sent_at == HL_NO_TIME;
	return found->version != NULL && version != NULL &&
		   strcmp(hl_text_from_utf8(found->version), version) == 0;
}

/* The version after a numeric one; NULL if it is not numeric. */
static const char *
next_version(const char *version)
{
	size_t digits = strspn(version, "0123456789");

	if (digits == 0 || digits > 9 || version[digits] != '\0')
		return NULL;
	return psprintf("%d", atoi(version) + 1);
}

/* ---------------------------------------------------------------- endings */

/* The ending if the resource is as it was sent. */
static void
end_found(const HlFhirLook *look, const char *version)
{
	HlQueued *queued = look->queued;
	HlEnding *ending = &queued->ending;

	hl_ending_put_off(queued, 0, NULL);
	ending->state = "succeeded";
	ending->run_after = GetCurrentTimestamp();
	ending->unsettled_since = HL_NO_TIME;
	if (ending->first_sent_at == HL_NO_TIME)
		ending->first_sent_at = queued->earliest;
	ending->looked = true;
	ending->adopted = true;
	ending->note = look->it.resource != NULL ? "found as it was sent"
											 : "found to be deleted";
	/* of a bundle this is one of several */
	if (queued->resource_id != NULL)
		ending->version_id = hl_text_from_utf8(version);
}

/* The ending of a create whose id belongs to another resource. */
static void
end_conflict(const HlFhirLook *look)
{
	HlQueued *queued = look->queued;

	hl_ending_put_off(queued, CONFLICT,
					  psprintf("%s failed: %s/%s exists, and is another's",
							   queued->operation->name, look->it.type,
							   look->it.id));
	queued->ending.state = "failed";
	queued->ending.unsettled_since = HL_NO_TIME;
	queued->ending.looked = true;
}

/* The ending if a read cannot determine the outcome. */
static void
end_unknown(const HlFhirLook *look, const char *why)
{
	hl_ending_leave_unknown(look->queued,
							psprintf("outcome of %s is unknown: %s/%s %s",
									 look->queued->operation->name,
									 look->it.type, look->it.id, why));
}

/*
 * Whether AWS has refused the last sending as invalid, after one of unknown
 * outcome: a read that fails has no code.
 */
static bool
was_invalid(const HlQueued *queued)
{
	return queued->error_sqlstate != NULL && queued->error_code != NULL &&
		   strcmp(queued->error_sqlstate,
				  unpack_sql_state(ERRCODE_INVALID_PARAMETER_VALUE)) == 0;
}

/*
 * The ending of a request that was refused as invalid and was certainly not
 * carried out before.
 */
static void
end_invalid(const HlFhirLook *look)
{
	HlQueued *queued = look->queued;

	hl_ending_put_off(queued, ERRCODE_INVALID_PARAMETER_VALUE,
					  queued->error_message);
	queued->ending.state = "failed";
	queued->ending.code = queued->error_code;
	queued->ending.unsettled_since = HL_NO_TIME;
	queued->ending.looked = true;
}

/*
 * The ending where it may be sent again, for that version or none ("*"); NULL:
 * what its own forerunner has deleted has no version to name.
 */
static void
end_again(const HlFhirLook *look, const char *guard)
{
	if (was_invalid(look->queued))
	{
		end_invalid(look);
		return;
	}
	hl_ending_let_go_out(look->queued);
	/* a condition of its own it keeps, and a bundle cannot get one */
	if (strcmp(look->queued->ending.state, "queued") == 0 &&
		look->queued->resource_id != NULL && look->it.match == NULL)
		look->queued->ending.guard = hl_text_from_utf8(guard);
}

/*
 * The ending if the version that this request would have made does not exist.
 */
static void
end_late(const HlFhirLook *look)
{
	const HlQueued *queued = look->queued;
	TimestampTz since = hl_queued_is_unsettled(queued) ? queued->unsettled_since
													   : queued->earliest;

	if (!hl_queued_is_recent(since, LATENESS))
		end_unknown(look, "has been written since, and its history does not "
						  "tell by whom");
	else
		hl_ending_put_off(look->queued, HL_ERRCODE_UNKNOWN_OUTCOME,
						  psprintf("version %s of %s/%s was not found yet",
								   look->version, look->it.type, look->it.id));
}

/* ------------------------------------------------------------ conclusions */

/* After a deletion, a missing resource is a success, whoever deleted it. */
static void
conclude_deletion(const HlFhirLook *look, const Found *found,
				  const HlReply *reply)
{
	if (found->absent || found->gone)
		end_found(look, NULL);
	else if (look->it.match != NULL
				 ? strcmp(found->version, look->it.match) == 0
				 : is_from_before(look, found, reply) ||
					   is_of_before(look, found))
		end_again(look, found->version);
	else
		end_unknown(look, "has been written since");
}

/*
 * After a create, the resource is this request's or somebody else's, since the
 * id was chosen for it.
 */
static const char *
conclude_creation(const HlFhirLook *look, const Found *found,
				  const HlReply *reply)
{
	if (is_own(look, found, reply))
		end_found(look, found->version);
	else if (found->absent || (found->gone && is_of_before(look, found)))
		end_again(look, "*");
	else if (found->gone || strcmp(found->version, "1") != 0)
		return "1";
	else
		end_conflict(look);
	return NULL;
}

/* An update or patch of a version would have made the next one. */
static const char *
conclude_version(const HlFhirLook *look, const Found *found)
{
	const char *next = next_version(look->it.match);

	if (found->version != NULL && strcmp(found->version, look->it.match) == 0)
		end_again(look, look->it.match);
	else if (found->ours)
		end_found(look, found->version);
	else if (look->it.resource != NULL && next != NULL && !found->absent)
		return next;
	else
		end_unknown(look, "has been written since");
	return NULL;
}

/*
 * An update without a version is repeated only if the resource has not changed
 * since the first attempt.
 */
static void
conclude_update(const HlFhirLook *look, const Found *found,
				const HlReply *reply)
{
	bool several = look->queued->resource_id == NULL;
	bool since = is_comparable(look, found, reply) &&
				 !is_from_before(look, found, reply);

	/* of several, one that was so before says nothing of the others */
	if (found->ours && (since || !several))
		end_found(look, found->version);
	else if (found->absent)
		end_again(look, "*");
	else if ((!found->gone && is_from_before(look, found, reply)) ||
			 is_of_before(look, found))
		end_again(look, found->version);
	else
		end_unknown(look, "has been written since");
}

/*
 * Concludes from the current version; returns another version that must be
 * read, or NULL.
 */
static const char *
conclude_current(const HlFhirLook *look, const Found *found,
				 const HlReply *reply)
{
	if (strcmp(look->it.method, "DELETE") == 0)
		conclude_deletion(look, found, reply);
	else if (look->it.match == NULL)
		conclude_update(look, found, reply);
	else if (strcmp(look->it.match, "*") == 0)
		return conclude_creation(look, found, reply);
	else
		return conclude_version(look, found);
	return NULL;
}

/* Concludes from the version that this request would have made. */
static void
conclude_past(const HlFhirLook *look, const Found *found, const HlReply *reply)
{
	/* one without a time may be of any */
	if (is_own(look, found, reply) && found->written != HL_NO_TIME)
		end_found(look, look->version);
	else if (found->absent)
		end_late(look);
	else if (strcmp(look->it.match, "*") == 0 && !found->ours)
		end_conflict(look);
	else
		end_unknown(look, "has been written by another since");
}

/* Begins a look; NULL if no read can determine the outcome. */
static HlFhirLook *
begin_look(HlQueued *queued)
{
	HlFhirLook *look = palloc0(sizeof(HlFhirLook));

	look->queued = queued;
	look->write = hl_plane_deferred(queued);
	look->it = hl_deferred_witness(&look->write);
	return look->it.method != NULL ? look : NULL;
}

/* Continues a look; returns whether there is more to read. */
static bool
go_on_looking(HlFhirLook *look, const HlReply *reply)
{
	Found found = read_found(look, reply);

	if (look->version != NULL)
	{
		conclude_past(look, &found, reply);
		return false;
	}
	look->version = conclude_current(look, &found, reply);
	return look->version != NULL;
}

HlRequest *
hl_fhir_look(HlQueued *queued, const HlStore *store)
{
	bool begins = queued->look == NULL;
	bool more = true;
	HlFhirLook *look;

	if (begins)
		queued->look = begin_look(queued);
	look = queued->look;
	if (look == NULL)
	{
		hl_search_conclude_blindly(queued);
		return NULL;
	}
	look->store = store;
	if (!begins)
		more = go_on_looking(look, queued->heard);
	queued->heard = NULL;
	if (!more)
		return NULL;
	return hl_deferred_read(&look->write, &look->it, look->version);
}
