/*
 * model.h
 *	  HealthLake as data: its operations and their shapes, from AWS's service
 *	  model (API version 2017-07-01), with SQL names of members and the meaning
 *	  of operations (model.toml). Everything is const and free of PostgreSQL,
 *	  so that a program can compare the tables with a model file.
 */
#ifndef HL_MODEL_MODEL_H
#define HL_MODEL_MODEL_H

#include "aws/shape.h"
#include "model/model_names.h"

/*
 * A member of a request that AWS replaces as a whole: what the request omits
 * of it is deleted.
 */
typedef struct HlReplaced
{
	const char *member;
	const char *path; /* of the member in the reply of a description */
} HlReplaced;

/*
 * How the objects that an operation creates are listed, by AWS's member names.
 */
typedef struct HlListing
{
	const struct HlOperation *list;
	const char *name;  /* of the object, in the request and in an item */
	const char *id;    /* in an item */
	const char *since; /* the list's filter by time */
	const char *made;  /* creation time, in an item */
	const char *wrap;  /* member with the filters; NULL: the request */
} HlListing;

typedef struct HlOperation
{
	const char *name;     /* AWS's: CreateFHIRDatastore */
	const char *function; /* SQL's: healthlake_create_datastore */
	const HlShape *input;
	const HlShape *output;
	const char *host_prefix; /* "datatransformation.", or NULL */
	bool changes_something;
	bool idempotent;     /* repeatable after an unknown outcome */
	const char *creates; /* billed object that a success creates, or NULL */
	const char *kind;    /* what it changes; NULL: it only reads */
	const char *pages; /* list of the reply that NextToken continues; or NULL */
	const struct HlOperation
		*describe;              /* reads the state of the changed object, */
	const char *until;          /* which ends as this; NULL: none */
	const HlListing *search;    /* NULL: its objects are not listed */
	const HlReplaced *replaces; /* ends with NULLs; or NULL */
	const struct HlTargetStates *goals; /* see target_states.h */
	int ngoals;
	const HlStream *stream; /* of a streamed reply; NULL: JSON */
	bool rest;              /* of the data plane; its shapes are empty */
} HlOperation;

/* Indexed by name: hl_operations[HL_OPERATION_TAG_RESOURCE]. */
extern const HlOperation hl_operations[];
extern const int hl_operations_count;

/*
 * All operations, those of the data plane last: their number, the index of
 * one, and the one at an index.
 */
extern int hl_operation_total(void);
extern int hl_operation_place(const HlOperation *operation);
extern const HlOperation *hl_operation_at(int place);

/* Finds an operation by AWS's exact name; NULL: none. */
extern const HlOperation *hl_operation_find(const char *name);

/*
 * The kind of an operation, as stored in tables: create, update, delete (data
 * stores), tag, import, export, transformation or read. AWS's quotas are by
 * these kinds.
 */
extern const char *hl_operation_kind(const HlOperation *operation);

/* The member with the client token; NULL: none. */
extern const HlMember *hl_operation_token(const HlOperation *operation);

#endif
