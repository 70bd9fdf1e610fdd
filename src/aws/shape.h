/*
 * shape.h
 *	  Shapes of AWS's models: the kind of a value, its bounds and, for a
 *	  structure, its members. The tables are const. The validator, and the
 *	  reader and writer of bodies, walk them.
 */
#ifndef HL_AWS_SHAPE_H
#define HL_AWS_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum HlKind
{
	HL_KIND_STRING,
	HL_KIND_INTEGER, /* 32 bits in AWS; any exact int64 is accepted */
	HL_KIND_LONG,
	HL_KIND_DOUBLE,
	HL_KIND_BOOLEAN,
	HL_KIND_TIMESTAMP,
	HL_KIND_STRUCTURE,
	HL_KIND_UNION, /* a structure with exactly one member set */
	HL_KIND_LIST,
	HL_KIND_MAP
} HlKind;

/* How SQL may write a member if that differs from its JSON. */
typedef enum HlForm
{
	HL_FORM_PLAIN,
	HL_FORM_TAGS, /* a list of {Key, Value}; SQL's argument may be {"k": "v"} */
	HL_FORM_JSON_TEXT /* a string of JSON; an object is sent as text */
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
	 * In SQL's arguments, setting the member "implied_by" implies the value
	 * "implied" of this one, and that value without "implied_by" is refused.
	 */
	const char *implied;
	const char *implied_by;
	const char *example; /* JSON, for the hint if it is missing */
} HlMember;

struct HlShape
{
	const char *name;
	HlKind kind;
	bool sensitive;
	bool stream;  /* a list of events; each is a member of a union */
	bool has_min; /* code points, elements, or the number itself */
	int64_t min;
	bool has_max; /* not checked here but by the service */
	int64_t max;
	const HlMember *members; /* in the model's order */
	int nmembers;
	const HlShape *element; /* of a list, or the value of a map */
	const HlShape *key;     /* of a map */
};

/* A member of an event that has text to be shown to the user. */
typedef struct HlEventText
{
	const char *event;
	const char *member;
} HlEventText;

/* The meaning of the events of a streamed reply, by AWS's names. */
typedef struct HlStream
{
	const char *member;   /* of the reply that holds the events */
	const HlShape *event; /* a union of all events */
	const char *end; /* the last event; without it the reply was truncated */
	const char *failure;         /* the event that reports an error */
	const char *code;            /* its member with the error code */
	const char *const *refusals; /* error codes that mean nothing was done */
	const HlEventText *told;     /* shown as they arrive; ends with NULLs */
	const char *const *idle;     /* without content; ends with NULL */
} HlStream;

/*
 * Whether a value of that shape is sensitive or may contain a sensitive part.
 */
extern bool hl_shape_is_sensitive(const HlShape *shape);

/* Finds a member by its name on the wire; NULL if there is none. */
extern const HlMember *hl_shape_member(const HlShape *shape, const char *name,
									   size_t len);

#endif
