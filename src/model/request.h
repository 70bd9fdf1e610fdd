/*
 * request.h
 *	  A validated request: what botocore would refuse before sending is refused
 *	  here, with all faults at once, and the client token is filled in if the
 *	  operation has one. It lives, with its malloc'd parts, in
 *	  CurrentMemoryContext.
 */
#ifndef HL_MODEL_REQUEST_H
#define HL_MODEL_REQUEST_H

#include "postgres.h"

#include "base/bytes.h"
#include "http/header.h"
#include "model/model.h"

/* What a request to the data plane has beside its operation and body. */
typedef struct HlRest
{
	const char *datastore_id;
	const char *method;
	const char *path;    /* below .../r4/, escaped: Patient/1 */
	const char *query;   /* escaped, less the question mark; NULL: none */
	const char *subject; /* the type, or type/id, it is about; NULL: neither */
	const char *entries; /* of a Bundle: JSON of what they do; NULL: none */
	const HlHeader *headers; /* Content-Type among them, where it has a body */
	int nheaders;
	const char *const *wanted; /* headers of the reply */
	int nwanted;
	const char *bearer; /* "Bearer ..."; NULL: it is signed */
	bool repeatable;    /* when its outcome is unknown */

	/* for those who must account for disclosures */
	bool discloses;         /* the reply may have a resource not known before */
	bool totals;            /* nobody sees more of these than their number */
	const char *parameters; /* JSON of a search's names of them; NULL: none */
	const char *asked;      /* in place of a path that AWS gave; NULL: path */
} HlRest;

typedef struct HlRequest
{
	const HlOperation *operation;
	HlBytes body;             /* as it is sent: UTF-8, the token in it */
	const char *client_token; /* NULL: the operation has none */
	const char *name;         /* of what is asked for, UTF-8; NULL: none */
	int64 queue_id; /* of the row that it comes from; 0: a session's call */
	const char *session_role; /* who has it done; of a row, who enqueued it */
	const char *current_role;
	int64 patience;     /* milliseconds that it may take; 0: the settings' */
	const HlRest *rest; /* NULL: it is of the control plane */
} HlRequest;

/*
 * Makes the request from JSON in UTF-8. "more" (NULL: none) is a second
 * object, merged in; a member that both give is refused. With "typed" the
 * faults also name SQL's arguments. Throws 22023 or 22004.
 */
extern HlRequest *hl_request_make(const HlOperation *operation,
								  const char *json, const char *more,
								  bool typed);

/*
 * The arguments' JSON and "more" as one JSON text in UTF-8. Throws as
 * hl_request_make() does for every fault but a member that is missing, for
 * whoever fills in members before making the request. Palloc'd.
 */
extern char *hl_request_gather(const HlOperation *operation, const char *json,
							   const char *more);

/* JSON with one member, a string in UTF-8; palloc'd. */
extern char *hl_request_member(const char *name, const char *value);

/* A new client token: a UUIDv4, palloc'd. */
extern char *hl_request_token(void);

#endif
