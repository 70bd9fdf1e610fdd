/*
 * creations.h
 *	  What the history and the queue of this database have of recent requests
 *	  to create an object of a name. AWS's lists may lack a new data store for
 *	  minutes. The rows are read as their owner, whatever the current role may
 *	  see; what belongs to others has neither token nor id of a request.
 */
#ifndef HL_AUDIT_CREATIONS_H
#define HL_AUDIT_CREATIONS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "engine/engine.h"
#include "model/model.h"

/* So long ago a request is recent, in milliseconds; so long a token is valid. */
#define HL_CREATIONS_RECENT (60 * 60 * 1000)

/* A request that has created an object, or may have, or will. */
typedef struct HlCreation
{
	const char *id;           /* of what it has created; NULL: not known */
	TimestampTz since;        /* when it was created, at the latest */
	bool open;                /* a queued request that has not ended */
	bool mine;                /* the current role may see it */
	bool same;                /* it has the client token that was passed */
	int64 request;            /* id of a queued request of mine; 0: none */
	const char *client_token; /* of mine; NULL: none */
} HlCreation;

/*
 * Makes one of an id (NULL: not known) and a token (NULL: none), which it keeps;
 * wanted is the token that was passed, or NULL.
 */
extern HlCreation *hl_creations_make(const char *id, const char *token,
									 bool mine, const char *wanted);

/*
 * Returns a List of HlCreation, palloc'd, in the database's encoding, newest
 * first. The call has its address; name and token are in the database's
 * encoding, too.
 */
extern List *hl_creations_find(const HlOperation *operation, const HlCall *call,
							   const char *name, const char *client_token);

#endif
