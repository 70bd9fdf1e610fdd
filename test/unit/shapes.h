/*
 * shapes.h
 *	  HlShape tables made from the "shapes" of a service model, in botocore's
 *	  format. The tables point into the model's document, which must outlive
 *	  them; shapes_free() frees the tables.
 */
#ifndef SHAPES_H
#define SHAPES_H

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "aws/shape.h"

typedef struct Shapes
{
	int count;
	HlShape *list;
	HlMember *members; /* of all structures, one after the other */
} Shapes;

/* The table of a shape by name; NULL: none. */
static inline HlShape *
shapes_find(const Shapes *shapes, const char *name)
{
	for (int i = 0; i < shapes->count; i++)
		if (strcmp(shapes->list[i].name, name) == 0)
			return &shapes->list[i];
	return NULL;
}

/* The table that a member named "member", "key" or "value" refers to. */
static inline const HlShape *
shapes_refer(const Shapes *shapes, const HlJson *source, const char *name)
{
	const HlJson *reference = hl_json_member(source, name);

	return shapes_find(shapes,
					   hl_json_string(hl_json_member(reference, "shape")));
}

/* The kind of a botocore type; unknown types are strings. */
static inline HlKind
shapes_kind(const HlJson *source)
{
	static const struct
	{
		const char *type;
		HlKind kind;
	} kinds[] = {
		{"structure", HL_KIND_STRUCTURE},
		{"list", HL_KIND_LIST},
		{"map", HL_KIND_MAP},
		{"integer", HL_KIND_INTEGER},
		{"long", HL_KIND_LONG},
		{"double", HL_KIND_DOUBLE},
		{"float", HL_KIND_DOUBLE},
		{"boolean", HL_KIND_BOOLEAN},
		{"timestamp", HL_KIND_TIMESTAMP},
	};
	const char *type = hl_json_string(hl_json_member(source, "type"));
	const HlJson *one_of = hl_json_member(source, "union");

	if (hl_json_kind(one_of) == HL_JSON_TRUE)
		return HL_KIND_UNION;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].kind;
	return HL_KIND_STRING;
}

/* Whether a list contains a string. */
static inline bool
shapes_listed(const HlJson *list, const char *name)
{
	HlJsonEach each = hl_json_each(list);
	const HlJson *element;

	while ((element = hl_json_step(&each)) != NULL)
		if (strcmp(hl_json_string(element), name) == 0)
			return true;
	return false;
}

/* Fills the members of a structure; returns the place for the next one's. */
static inline HlMember *
shapes_fill_members(const Shapes *shapes, HlShape *shape, const HlJson *source,
					HlMember *member)
{
	HlJsonEach each = hl_json_each(hl_json_member(source, "members"));
	const HlJson *required = hl_json_member(source, "required");
	const HlJson *reference;

	shape->members = member;
	while ((reference = hl_json_step(&each)) != NULL)
	{
		*member++ = (HlMember){
			.name = each.name,
			.shape = shapes_find(
				shapes, hl_json_string(hl_json_member(reference, "shape"))),
			.required = shapes_listed(required, each.name),
			.idempotency_token =
				hl_json_kind(hl_json_member(reference, "idempotencyToken")) ==
				HL_JSON_TRUE,
		};
		shape->nmembers++;
	}
	return member;
}

/* Fills the table of one shape. */
static inline HlMember *
shapes_fill(const Shapes *shapes, HlShape *shape, const HlJson *source,
			HlMember *member)
{
	shape->kind = shapes_kind(source);
	shape->sensitive =
		hl_json_kind(hl_json_member(source, "sensitive")) == HL_JSON_TRUE;
	shape->has_min = hl_json_int64(hl_json_member(source, "min"), &shape->min);
	shape->has_max = hl_json_int64(hl_json_member(source, "max"), &shape->max);
	shape->element = shapes_refer(
		shapes, source, shape->kind == HL_KIND_MAP ? "value" : "member");
	shape->key = shapes_refer(shapes, source, "key");
	return shapes_fill_members(shapes, shape, source, member);
}

/* Makes tables of all shapes of a model. */
static inline Shapes
shapes_build(const HlJson *sources)
{
	Shapes shapes = {.count = (int) hl_json_len(sources)};
	HlJsonEach each = hl_json_each(sources);
	const HlJson *source;
	size_t members = 0;
	HlMember *member;

	shapes.list = calloc(shapes.count + 1, sizeof(HlShape));
	for (int i = 0; (source = hl_json_step(&each)) != NULL; i++)
	{
		shapes.list[i].name = each.name;
		members += hl_json_len(hl_json_member(source, "members"));
	}
	member = shapes.members = calloc(members + 1, sizeof(HlMember));
	each = hl_json_each(sources);
	for (int i = 0; (source = hl_json_step(&each)) != NULL; i++)
		member = shapes_fill(&shapes, &shapes.list[i], source, member);
	return shapes;
}

/* Frees the tables. */
static inline void
shapes_free(Shapes *shapes)
{
	free(shapes->list);
	free(shapes->members);
	*shapes = (Shapes){0};
}

static inline const char *shapes_foreign(const HlJson *sources,
										 const HlJson *reference,
										 const HlJson *value);

/* A part of a value that HealthLake does not have; NULL: none. */
static inline const char *
shapes_foreign_part(const HlJson *sources, const HlJson *source,
					const HlJson *value)
{
	const HlJson *members = hl_json_member(source, "members");
	HlJsonEach each = hl_json_each(value);
	const HlJson *part;
	const char *foreign = NULL;

	while (foreign == NULL && (part = hl_json_step(&each)) != NULL)
	{
		const HlJson *reference =
			each.named ? hl_json_member(members ? members : source,
										members ? each.name : "value")
					   : hl_json_member(source, "member");

		if (reference != NULL)
			foreign = shapes_foreign(sources, reference, part);
	}
	return foreign;
}

/* A property of a value that no shape of HealthLake has; NULL: none. */
static inline const char *
shapes_foreign(const HlJson *sources, const HlJson *reference,
			   const HlJson *value)
{
	static const char *const traits[][2] = {
		{"document", "documents do not occur in HealthLake"},
		{"jsonvalue", "JSON values do not occur in HealthLake"},
		{"hostLabel", "host labels do not occur in HealthLake"},
		{"locationName", "other names on the wire do not occur in HealthLake"},
		{"timestampFormat", "timestamp formats do not occur in HealthLake"},
	};
	const char *name = hl_json_string(hl_json_member(reference, "shape"));
	const HlJson *source = hl_json_member(sources, name);
	const char *type = hl_json_string(hl_json_member(source, "type"));

	if (strcmp(type, "blob") == 0)
		return "blobs do not occur in HealthLake";
	for (size_t i = 0; i < sizeof(traits) / sizeof(traits[0]); i++)
		if (hl_json_member(reference, traits[i][0]) != NULL ||
			hl_json_member(source, traits[i][0]) != NULL)
			return traits[i][1];
	return shapes_foreign_part(sources, source, value);
}

#endif
