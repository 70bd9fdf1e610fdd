/*
 * result.c
 *	  Rows of the results of writes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "aws/retry.h"
#include "base/timestamp.h"
#include "fhir/request.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "model/response.h"
#include "server/clock.h"
#include "server/text.h"

bool
hl_fhir_is_a(const HlJson *document, const char *type)
{
	return strcmp(hl_json_string(hl_json_member(document, "resourceType")),
				  type) == 0;
}

/* A string of a resource's meta; NULL: missing. */
static const char *
meta_of(const HlJson *resource, const char *name)
{
	const HlJson *value =
		hl_json_member(hl_json_member(resource, "meta"), name);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

const char *
hl_fhir_version(const HlJson *resource)
{
	return meta_of(resource, "versionId");
}

const char *
hl_fhir_id(const HlJson *resource)
{
	const HlJson *id = hl_json_member(resource, "id");

	return hl_json_kind(id) == HL_JSON_STRING ? hl_json_string(id) : "";
}

bool
hl_fhir_is_it(const HlJson *document, const char *type, const char *id,
			  const char *version)
{
	const char *told = hl_fhir_version(document);

	return hl_fhir_is_a(document, type) &&
		   strcmp(hl_fhir_id(document), id) == 0 &&
		   (version == NULL || told == NULL || strcmp(told, version) == 0);
}

bool
hl_fhir_modified(const char *header, TimestampTz *at)
{
	int64_t seconds;

	if (header == NULL || !hl_http_date(header, &seconds))
		return false;
	*at = seconds * USECS_PER_SEC - HL_CLOCK_EPOCH_SHIFT;
	return true;
}

bool
hl_fhir_last_updated(const HlJson *resource, TimestampTz *at)
{
	const char *text = meta_of(resource, "lastUpdated");
	int64_t micros;

	if (text == NULL || !hl_timestamp_from_text(text, strlen(text), &micros))
		return false;
	*at = micros - HL_CLOCK_EPOCH_SHIFT;
	return true;
}

char *
hl_fhir_version_of(const char *etag)
{
	const char *start = etag;
	const char *end;
	char *version;

	if (etag == NULL)
		return NULL;
	if (strncmp(start, "W/", 2) == 0)
		start += 2;
	end = start + strlen(start);
	if (end - start < 3 || *start != '"' || end[-1] != '"')
		return NULL;
	version = pnstrdup(start + 1, end - start - 2);
	return hl_fhir_is_id(version) ? version : NULL;
}

bool
hl_fhir_has_issues(const HlReply *reply)
{
	const char *value = reply->headers[HL_FHIR_VALIDATION_ISSUES];

	return reply->outcome == HL_OUTCOME_SUCCESS && value != NULL &&
		   pg_strcasecmp(value, "true") == 0;
}

void
hl_fhir_result_warn_issues(const HlReply *reply)
{
	const char *subject = hl_text_from_utf8(reply->subject);

	if (hl_fhir_has_issues(reply))
		ereport(WARNING,
				(errmsg("HealthLake has stored %s with validation issues",
						subject != NULL ? subject : "a resource"),
				 errhint("healthlake_fhir_validate() reports them."),
				 errhidestmt(true), errhidecontext(true)));
}

/* UTF-8 text as a column. */
static Datum
text_column(const char *utf8, bool *null)
{
	*null = utf8 == NULL;
	return *null ? (Datum) 0 : CStringGetTextDatum(hl_text_from_utf8(utf8));
}

Datum
hl_fhir_result_json(const HlJson *json, bool *null, bool *lost)
{
	int sqlstate = 0;
	Datum value;

	*null = hl_json_kind(json) == HL_JSON_NULL;
	if (*null)
		return (Datum) 0;
	value = hl_response_whole_if_fit(json, &sqlstate);
	*null = sqlstate != 0;
	*lost |= *null;
	return value;
}

void
hl_fhir_result_warn(bool lost)
{
	if (lost)
		ereport(
			WARNING,
			(errmsg("the reply contains values that the database cannot store"),
			 errdetail("The operation was performed. Columns with such a value "
					   "are null in the result."),
			 errhidecontext(true)));
}

Datum
hl_fhir_result_row(FunctionCallInfo fcinfo, const HlFhirResult *result)
{
	TupleDesc desc;
	Datum values[7] = {0};
	bool nulls[7] = {false};
	TimestampTz at = 0;
	bool lost = false;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nulls[3] = !hl_fhir_last_updated(result->resource, &at) &&
			   !hl_fhir_modified(result->modified, &at);
	values[0] = text_column(result->type, &nulls[0]);
	values[1] = text_column(result->id, &nulls[1]);
	values[2] = text_column(result->version_id, &nulls[2]);
	values[3] = TimestampTzGetDatum(at);
	values[4] = BoolGetDatum(result->existed);
	values[5] = hl_fhir_result_json(result->issues, &nulls[5], &lost);
	values[6] = hl_fhir_result_json(result->hidden ? NULL : result->resource,
									&nulls[6], &lost);
	hl_fhir_result_warn(lost);
	return HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
