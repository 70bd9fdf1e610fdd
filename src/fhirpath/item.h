/*
 * item.h
 *	  Makes and reads values, and those of a document in place: members,
 *	  choices, extensions of primitives. Ownership is as in value.h.
 */
#ifndef HL_FHIRPATH_ITEM_H
#define HL_FHIRPATH_ITEM_H

#include "postgres.h"

#include "fhirpath/moment.h"
#include "fhirpath/value.h"

/* The maximum number of items in a collection. */
#define HL_ITEMS_MAX 1000000

/* Throws 54000 if an evaluation has taken too much memory, or will with more. */
extern void hl_items_check_memory(Size more);
extern void hl_items_init(HlItems *items);
extern void hl_items_free(HlItems *items);
/* Appends an uninitialized item; throws 54000 if there are too many. */
extern HlItem *hl_items_add(HlItems *items);
extern void hl_items_append(HlItems *items, const HlItem *item);
extern void hl_items_append_truth(HlItems *items, HlTruth truth);
/* Removes elements without values, which SQL cannot show. */
extern void hl_items_keep_values(HlItems *items);

/* The item of a document; false if it is an array. */
extern bool hl_item_root(Jsonb *document, HlItem *item);

/* Computed items. The text of a string must live as long. */
extern void hl_item_set_string(HlItem *item, const char *text, int len);
extern void hl_item_set_number(HlItem *item, Numeric number, bool is_decimal);
extern void hl_item_set_boolean(HlItem *item, bool value);

/*
 * Finds the innermost resource that an item of a document is in, and the one
 * that contains that resource, or is it.
 */
extern void hl_item_resource(const HlItem *root, const HlItem *item,
							 HlItem *resource, HlItem *container);

/* Appends the values of a member, including choice types and extensions. */
extern void hl_item_member(const HlItem *item, const char *name, int len,
						   HlItems *out);

/* Appends all children of an item. */
extern void hl_item_children(const HlItem *item, HlItems *out);

/* A string member of an object; NULL: missing. */
extern const char *hl_item_string_of(const HlItem *item, const char *name,
									 int *len);

/* What the definitions know an item's parent by; "": by nothing. */
extern const char *hl_item_owner(const HlItem *item, int *len);

/* The type of a choice's value ("valueDate"), or NULL. */
extern const char *hl_item_choice_type(const HlItem *item);

/* The object of an item, or of a primitive's extensions; or NULL. */
extern JsonbContainer *hl_item_container(const HlItem *item);
/* Whether a number is a Decimal, as far as its name or its form shows. */
extern bool hl_item_is_decimal(const HlItem *item);
/* Whether an item's value is text: a string, a date or a time. */
extern bool hl_item_is_text(const HlItem *item);

/* Reads a date or time; false if it is none. */
extern bool hl_item_moment(const HlItem *item, HlMoment *moment);

/* Converts an item to jsonb, or to text (objects: NULL); palloc'd. */
extern Jsonb *hl_item_to_jsonb(const HlItem *item);
extern char *hl_item_to_text(const HlItem *item);

#endif
