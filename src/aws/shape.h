/*
 * shape.h
 *	  Shapes as AWS's models have them: the kind of a value, its bounds and, for
 *	  a structure, its members. The tables are const and never freed. The
 *	  validator and the reader and writer of bodies walk them.
 */
#ifndef HL_AWS_SHAPE_H
#define HL_AWS_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum HlKind
{
	HL_KIND_STRING,
	HL_KIND_INTEGER, /* 32 bits with AWS; any exact int64 is let through */
	HL_KIND_LONG,
	HL_KIND_DOUBLE,
	HL_KIND_BOOLEAN,
	HL_KIND_TIMESTAMP,
	HL_KIND_STRUCTURE,
	HL_KIND_UNION, /* a structure with exactly one member set */
	HL_KIND_LIST,
	HL_KIND_MAP
} HlKind;

/* How SQL may write a member, where that differs from its JSON. */
typedef enum HlForm
{
	HL_FORM_PLAIN,
	HL_FORM_TAGS, /* a list of {Key, Value}; SQL's argument may be {"k": "v"} */
	HL_FORM_JSON_TEXT /* a string that holds JSON; an object is sent as its text */
} HlForm;

typedef struct HlShape HlShape;

typedef struct HlMember
{
	const char *name;     /* on the wire */
	const char *sql_name; /* NULL: flattened, or in jsonb only */
	const HlShape *shape;
	bool required;
	bool idempotency_token;
	HlForm form;
	/*
	 * Among SQL's arguments the value "implied" goes with the sibling
	 * "implied_by": that one alone implies the value, and the value without
	 * that one is refused.
	 */
	const char *implied;
	const char *implied_by;
	const char *example; /* for the hint to one who left it out; JSON */
} HlMember;

struct HlShape
{
	const char *name;
	HlKind kind;
	bool sensitive;
	bool stream;  /* a list of events, each the one member of a union */
	bool has_min; /* of code points, of elements, or of the number itself */
	int64_t min;
	bool has_max; /* known, but the service's to judge */
	int64_t max;
	const HlMember *members; /* in the model's order */
	int nmembers;
	const HlShape *element; /* of a list, or the value of a map */
	const HlShape *key;     /* of a map */
};

/* A member of an event that is text for people. */
typedef struct HlEventText
{
	const char *event;
	const char *member;
} HlEventText;

/* What the events of a reply that is a stream mean, by AWS's names. */
typedef struct HlStream
{
	const char *member;          /* of the reply: where its events are put */
	const HlShape *event;        /* a union of those that there are */
	const char *end;             /* the last one: without it, it was cut */
	const char *failure;         /* the one that tells of an error of AWS's */
	const char *code;            /* in that one: which */
	const char *const *refusals; /* errors after which nothing was done */
	const HlEventText *told;     /* while they come; ends with NULLs */
	const char *const *idle;     /* that say nothing; ends with NULL */
} HlStream;

/* Whether a value of that shape is sensitive, or may have such a part. */
extern bool hl_shape_is_sensitive(const HlShape *shape);

/* Finds a member by its name on the wire; NULL if there is none. */
extern const HlMember *hl_shape_member(const HlShape *shape, const char *name,
									   size_t len);

#endif
