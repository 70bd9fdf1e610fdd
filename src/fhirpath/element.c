/*
 * element.c
 *	  FHIRPath's functions of types, and the functions that FHIR and SQL on
 *	  FHIR add.
 */
#include "postgres.h"

#include "fhirpath/bodies.h"

/* Whether an item has the type of a node; throws if that cannot be known. */
static bool
is_of_type(const HlItem *item, const HlNode *node)
{
	HlTruth truth = hl_type_matches(item, &node->type);

	if (truth == HL_UNKNOWN)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a FHIRPath expression asks whether element \"%.*s\" "
						"is of type \"%.*s\"",
						item->keylen, item->key ? item->key : "",
						node->type.len, node->type.name),
				 errdetail("This cannot be known without "
						   "StructureDefinitions, except for resources and "
						   "choice elements.")));
	return truth == HL_TRUE;
}

/* ofType(type) */
void
hl_body_of_type(HlEvaluation *evaluation, const HlInvocation *invocation,
				HlItems *out)
{
	for (int i = 0; i < invocation->input->count; i++)
		if (is_of_type(&invocation->input->items[i], invocation->node))
			hl_items_append(out, &invocation->input->items[i]);
}

/* as(type), and the operator */
void
hl_body_as(HlEvaluation *evaluation, const HlInvocation *invocation,
		   HlItems *out)
{
	const HlItem *item = hl_evaluate_single(invocation->input, "as");

	if (item != NULL && is_of_type(item, invocation->node))
		hl_items_append(out, item);
}

/* is(type), and the operator */
void
hl_body_is(HlEvaluation *evaluation, const HlInvocation *invocation,
		   HlItems *out)
{
	const HlItem *item = hl_evaluate_single(invocation->input, "is");

	if (item != NULL)
		hl_items_append_truth(out,
							  hl_truth_of(is_of_type(item, invocation->node)));
}

/* extension(url), of complex and primitive elements */
void
hl_body_extension(HlEvaluation *evaluation, const HlInvocation *invocation,
				  HlItems *out)
{
	HlItems found;
	HlItem url;

	if (!hl_call_text_argument(evaluation, invocation, 0, &url))
		return;
	hl_items_init(&found);
	for (int i = 0; i < invocation->input->count; i++)
		hl_item_member(&invocation->input->items[i], "extension", 9, &found);
	for (int i = 0; i < found.count; i++)
	{
		int len;
		const char *text = hl_item_string_of(&found.items[i], "url", &len);

		if (text != NULL && len == url.value.val.string.len &&
			memcmp(text, url.value.val.string.val, len) == 0)
			hl_items_append(out, &found.items[i]);
	}
	hl_items_free(&found);
}

/* The only item of the input if it is a primitive with a value. */
static const HlItem *
primitive_of(const HlInvocation *invocation)
{
	const HlItem *item = invocation->input->items;

	return invocation->input->count == 1 && item->kind != HL_KIND_NOTHING &&
				   item->kind != HL_KIND_OBJECT
			   ? item
			   : NULL;
}

/* hasValue() */
void
hl_body_has_value(HlEvaluation *evaluation, const HlInvocation *invocation,
				  HlItems *out)
{
	hl_items_append_truth(out, hl_truth_of(primitive_of(invocation) != NULL));
}

/* getValue() */
void
hl_body_get_value(HlEvaluation *evaluation, const HlInvocation *invocation,
				  HlItems *out)
{
	const HlItem *item = primitive_of(invocation);

	if (item != NULL)
		hl_items_append(out, item);
}

/* Whether this is the requested type, or none was requested. */
static bool
is_asked_type(const HlNode *node, const char *type, int len)
{
	return node->narguments == 0 ||
		   (node->type.len == len && memcmp(node->type.name, type, len) == 0);
}

/* getResourceKey(): the id */
void
hl_body_resource_key(HlEvaluation *evaluation, const HlInvocation *invocation,
					 HlItems *out)
{
	for (int i = 0; i < invocation->input->count; i++)
	{
		const HlItem *item = &invocation->input->items[i];
		int typelen, len;
		const char *type = hl_item_string_of(item, "resourceType", &typelen);
		const char *id = hl_item_string_of(item, "id", &len);

		if (type != NULL && id != NULL &&
			is_asked_type(invocation->node, type, typelen))
			hl_item_set_string(hl_items_add(out), id, len);
	}
}

/* The length of a resource type's name that a text begins with. */
static int
span_type(const char *text, int len)
{
	int at = 0;

	while (at < len && ((text[at] >= 'A' && text[at] <= 'Z') ||
						(at > 0 && text[at] >= 'a' && text[at] <= 'z')))
		at++;
	return at;
}

/* The length of an id that a text begins with; 0 if it is none. */
static int
span_id(const char *text, int len)
{
	int at = 0;

	while (at < len && ((text[at] >= 'A' && text[at] <= 'Z') ||
						(text[at] >= 'a' && text[at] <= 'z') ||
						(text[at] >= '0' && text[at] <= '9') ||
						text[at] == '-' || text[at] == '.'))
		at++;
	return at <= 64 ? at : 0;
}

/* Appends the id of Type/id and of Type/id/_history/version. */
static void
append_reference(const HlNode *node, const char *text, int len, HlItems *out)
{
	static const char history[] = "/_history/";
	int typelen = span_type(text, len);
	const char *id = text + typelen + 1;
	int idlen, rest;

	if (typelen == 0 || typelen >= len || text[typelen] != '/')
		return;
	rest = len - typelen - 1;
	idlen = span_id(id, rest);
	rest -= idlen;
	if (idlen == 0 || !is_asked_type(node, text, typelen))
		return;
	if (rest > 0)
	{
		int more = rest - (int) strlen(history);

		if (more <= 0 || memcmp(id + idlen, history, strlen(history)) != 0 ||
			span_id(id + idlen + strlen(history), more) != more)
			return;
	}
	hl_item_set_string(hl_items_add(out), id, idlen);
}

/* getReferenceKey([type]): the id in a relative reference */
void
hl_body_reference_key(HlEvaluation *evaluation, const HlInvocation *invocation,
					  HlItems *out)
{
	for (int i = 0; i < invocation->input->count; i++)
	{
		int len;
		const char *reference =
			hl_item_string_of(&invocation->input->items[i], "reference", &len);

		if (reference != NULL)
			append_reference(invocation->node, reference, len, out);
	}
}
