/*
 * item.h
 *	  Values as FHIRPath sees them: scalars and objects of a jsonb document, in
 *	  place, and computed values. An item owns nothing: it points into the
 *	  document, the parsed path or the memory of the evaluation, which all
 *	  outlive it. A collection may own its array: hl_items_free().
 */
#ifndef HL_FHIRPATH_ITEM_H
#define HL_FHIRPATH_ITEM_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "fhirpath/moment.h"

typedef enum HlKind
{
	HL_KIND_NOTHING, /* an element with extensions and without a value */
	HL_KIND_BOOLEAN,
	HL_KIND_NUMBER,
	HL_KIND_STRING,
	HL_KIND_DATE, /* its text is a string's, as those of the next two */
	HL_KIND_DATETIME,
	HL_KIND_TIME,
	HL_KIND_OBJECT
} HlKind;

typedef struct HlItem
{
	JsonbValue value;
	JsonbContainer *parent; /* the object that has it; NULL: it is no member */
	const char *key;        /* its name there */
	const char *type;       /* the FHIR type, where the name tells it */
	int keylen;
	int index; /* in the member's array, or -1 */
	HlKind kind;
	bool is_system; /* a literal or computed: of a System type */
} HlItem;

typedef struct HlItems
{
	HlItem *items;
	int count;
	int size;
	HlItem few[2]; /* the array, while it is so small */
} HlItems;

/* No path needs more items at once than this. */
#define HL_ITEMS_MAX 1000000

/* Throws 54000 if an evaluation has taken too much memory. */
extern void hl_items_check_memory(void);

extern void hl_items_init(HlItems *items);
extern void hl_items_free(HlItems *items);

/* Appends an item to be filled in; 54000 if there are too many. */
extern HlItem *hl_items_add(HlItems *items);
extern void hl_items_append(HlItems *items, const HlItem *item);
extern void hl_items_append_truth(HlItems *items, HlTruth truth);

/* The item that a document is; false if it is an array. */
extern bool hl_item_root(Jsonb *document, HlItem *item);

/* Computed items. */
extern void hl_item_set_string(HlItem *item, const char *text, int len);
extern void hl_item_set_number(HlItem *item, Numeric number);
extern void hl_item_set_boolean(HlItem *item, bool value);

/* Appends the values of a member: choice types and extensions included. */
extern void hl_item_member(const HlItem *item, const char *name, int len,
						   HlItems *out);

/* Appends all children of an item. */
extern void hl_item_children(const HlItem *item, HlItems *out);

/* The string of a member of an object; NULL if there is none. */
extern const char *hl_item_string_of(const HlItem *item, const char *name,
									 int *len);

/* The item's object, or its extensions' where it is a primitive; or NULL. */
extern JsonbContainer *hl_item_container(const HlItem *item);

/* Whether an item's value is text: a string, a date or a time. */
extern bool hl_item_is_text(const HlItem *item);

/* Reads what may be a date or time; false if it is none. */
extern bool hl_item_moment(const HlItem *item, HlMoment *moment);

/* As jsonb, and as text (NULL for objects); palloc'd. */
extern Jsonb *hl_item_to_jsonb(const HlItem *item);
extern char *hl_item_to_text(const HlItem *item);

#endif
