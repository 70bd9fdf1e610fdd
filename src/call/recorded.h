/*
 * recorded.h
 *	  Whether a data store of a name was created lately, or is about to be, as
 *	  far as this database has recorded it, or the server remembers it: AWS's
 *	  list may not have it yet.
 */
#ifndef HL_CALL_RECORDED_H
#define HL_CALL_RECORDED_H

#include "postgres.h"

#include "audit/creations.h"
#include "model/request.h"

/*
 * So long after its creation a data store may be unknown to AWS's readers, in
 * milliseconds.
 */
#define HL_RECORDED_SETTLING_TIME (5 * 60 * 1000)

/*
 * The recorded creations of that name (database encoding) in a region (NULL:
 * that of the settings), a List of HlCreation.
 */
extern List *hl_recorded_find(const HlRequest *request, const char *region,
							  const char *name);

/* Whether a creation has no id, or that of one before it in the list. */
extern bool hl_recorded_is_repeated(const List *creations,
									const HlCreation *creation);

/* Whether its data store may be too new for AWS's readers. */
extern bool hl_recorded_is_settling(const HlCreation *creation);

/* Raises that AWS does not describe one that is too new (55006). */
extern void hl_recorded_refuse_hidden(const HlCreation *creation,
									  const char *name)
	__attribute__((noreturn));

/*
 * Raises that a request is open (55006), or that the outcome of one is unknown
 * (38M01), unless it has the client token of this one.
 */
extern void hl_recorded_refuse_open(const List *creations, const char *name);

#endif
