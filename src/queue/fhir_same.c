/*
 * fhir_same.c
 *	  Comparing resources.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "model/response.h"
#include "queue/fhir_same.h"

/* The resource without the member at a path of one or two names. */
static Datum
without(Datum resource, const char *first, const char *second)
{
	Datum names[2];
	int count = 1;

	names[0] = CStringGetTextDatum(first);
	if (second != NULL)
		names[count++] = CStringGetTextDatum(second);
	return DirectFunctionCall2(
		jsonb_delete_path, resource,
		PointerGetDatum(
			construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT)));
}

static bool
has_empty_meta(Datum resource)
{
	JsonbValue value;
	Jsonb *json = DatumGetJsonbP(resource);

	if (getKeyJsonValueFromContainer(&json->root, "meta", 4, &value) == NULL)
		return false;
	return value.type == jbvBinary &&
		   JsonContainerIsObject(value.val.binary.data) &&
		   JsonContainerSize(value.val.binary.data) == 0;
}

/* A resource without what HealthLake adds to it. */
static Datum
as_sent(Datum resource)
{
	resource = without(resource, "meta", "versionId");
	resource = without(resource, "meta", "lastUpdated");
	return has_empty_meta(resource) ? without(resource, "meta", NULL)
									: resource;
}

/* Whether it is an object, from which paths can be deleted. */
static bool
is_object(Datum json)
{
	return JB_ROOT_IS_OBJECT(DatumGetJsonbP(json));
}

bool
hl_fhir_is_same(Jsonb *sent, const char *found)
{
	bool isnull;
	Datum one = PointerGetDatum(sent);
	Datum other = hl_response_jsonb_if_fit(found, &isnull);

	if (isnull || !is_object(one) || !is_object(other))
		return false;
	one = as_sent(one);
	other = as_sent(other);
	return compareJsonbContainers(&DatumGetJsonbP(one)->root,
								  &DatumGetJsonbP(other)->root) == 0;
}
