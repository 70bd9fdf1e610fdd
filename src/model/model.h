/*
 * model.h
 *	  HealthLake as data: its operations and their shapes, as AWS's service
 *	  model (API version 2017-07-01) has them, with the names that SQL gives
 *	  to members and what operations mean (model.toml). Everything is const
 *	  and free of PostgreSQL, so that a program can hold the tables against a
 *	  model file.
 */
#ifndef HL_MODEL_MODEL_H
#define HL_MODEL_MODEL_H

#include "aws/shape.h"
#include "model/model_names.h"

/*
 * A member of a request that AWS puts in place of what it had before, as a
 * whole: what the request leaves out of it is gone.
 */
typedef struct HlReplaced
{
	const char *member;
	const char *path; /* of the same in the properties of a description */
} HlReplaced;

/* Where what an operation makes is listed, by AWS's names of members. */
typedef struct HlListing
{
	const struct HlOperation *list;
	const char *name;  /* of what is made, in the request and in an item */
	const char *id;    /* in an item */
	const char *since; /* the list's filter by time */
	const char *made;  /* when, in an item */
	const char *wrap;  /* what the filters are in; NULL: the request itself */
} HlListing;

typedef struct HlOperation
{
	const char *name;     /* AWS's: CreateFHIRDatastore */
	const char *function; /* SQL's: healthlake_create_datastore */
	const HlShape *input;
	const HlShape *output;
	const char *host_prefix; /* "datatransformation.", or NULL */
	bool changes_something;
	bool idempotent;     /* may be repeated when its outcome is unknown */
	const char *creates; /* what a success leaves to be paid for, or NULL */
	const char *kind;    /* what it changes, in a word; NULL: it only reads */
	const char *pages; /* the reply's list, if NextToken leads to more of it */
	const struct HlOperation *describe; /* tells of what a change leads to, */
	const char *until;                  /* which is this state; NULL: none */
	const HlListing *search;    /* NULL: what it makes is listed nowhere */
	const HlReplaced *replaces; /* ends with a row of NULLs; NULL: nothing */
	const struct HlTargetStates *goals; /* of a description; see goal.h */
	int ngoals;
	const HlStream *stream; /* of a reply that is one; NULL: it is JSON */
	bool rest; /* of the data plane: its shapes say next to nothing */
} HlOperation;

/* By their names: hl_operations[HL_OPERATION_TAG_RESOURCE]. */
extern const HlOperation hl_operations[];
extern const int hl_operations_count;

/*
 * All operations there are, those of the data plane last, for whoever counts
 * them. The place of one; and the one at a place.
 */
extern int hl_operation_total(void);
extern int hl_operation_place(const HlOperation *operation);
extern const HlOperation *hl_operation_at(int place);

/* Finds an operation by AWS's name, letter for letter; NULL if none. */
extern const HlOperation *hl_operation_find(const char *name);

/*
 * What the operation means, in a word that tables keep: create, update, delete
 * (data stores), tag, import, export, transformation or read. AWS's quotas are
 * by these kinds.
 */
extern const char *hl_operation_kind(const HlOperation *operation);

/* Finds the member that carries the client token; NULL if none. */
extern const HlMember *hl_operation_token(const HlOperation *operation);

#endif
