/*
 * location.c
 *	  Reads type, id and version of a Location.
 */
#include "postgres.h"

#include "aws/link.h"
#include "fhir/location.h"
#include "fhir/request.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "server/text.h"

/* Cuts off the last segment of a path; NULL if there is none. */
static char *
cut_segment(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		return NULL;
	*slash = '\0';
	return slash + 1;
}

/* Reads a path below the base. */
static bool
read_path(const char *path, HlFhirLocation *named)
{
	char *rest = psprintf("/%s", path);
	char *last = cut_segment(rest);
	char *before = cut_segment(rest);

	*named = (HlFhirLocation){.type = before, .id = last};
	if (before != NULL && strcmp(before, "_history") == 0)
	{
		named->version = last;
		named->id = cut_segment(rest);
		named->type = named->id != NULL ? cut_segment(rest) : NULL;
	}
	return named->type != NULL && rest[0] == '\0' &&
		   hl_fhir_is_type(named->type) && hl_fhir_is_id(named->id) &&
		   (named->version == NULL || hl_fhir_is_id(named->version));
}

bool
hl_fhir_location(const HlCall *call, const char *datastore_id,
				 const char *location, HlFhirLocation *named)
{
	HlLinkBase base = {call->target, call->region, datastore_id};
	HlLink link = {0};
	HlLinkOutcome outcome;
	bool is_named;

	if (location == NULL)
		return false;
	outcome = hl_link_read(&base, location, &link);
	is_named = outcome == HL_LINK_OK && link.query.len == 0 &&
			   read_path(hl_bytes_string(&link.path), named);
	hl_link_free(&link);
	hl_text_refuse_memory(outcome == HL_LINK_NO_MEMORY);
	return is_named;
}

bool
hl_fhir_location_stored(const HlCall *call, const char *datastore_id,
						const char *type, const char *id, HlFhirLocation *named)
{
	const HlReply *reply = &call->reply;
	const char *version = hl_fhir_version_of(reply->headers[HL_FHIR_ETAG]);

	if (!hl_fhir_is_a(reply->document, "OperationOutcome"))
		return false;
	if (!hl_fhir_location(call, datastore_id, reply->headers[HL_FHIR_LOCATION],
						  named))
		*named = (HlFhirLocation){.type = type, .id = id};
	if (version != NULL)
		named->version = version;
	return named->id != NULL && strcmp(named->type, type) == 0 &&
		   (id == NULL || strcmp(named->id, id) == 0);
}
