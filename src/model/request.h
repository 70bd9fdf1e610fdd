/*
 * request.h
 *	  A validated request: faults that botocore would report before sending are
 *	  reported here, all at once, and the client token is generated if the
 *	  operation has one. It lives in CurrentMemoryContext, which also frees its
 *	  malloc'd parts.
 */
#ifndef HL_MODEL_REQUEST_H
#define HL_MODEL_REQUEST_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/bytes.h"
#include "base/json.h"
#include "http/header.h"
#include "model/model.h"

/* The parts of a data plane request besides operation and body. */
typedef struct HlRest
{
	const char *datastore_id;
	const char *method;
	const char *path;    /* below .../r4/, escaped: Patient/1 */
	const char *query;   /* escaped, without the question mark; or NULL */
	const char *subject; /* type, or type/id; or NULL */
	const char *entries; /* of a Bundle, for the audit trail: JSON; or NULL */
	const char *stored;  /* id of what was stored, of a Bundle type/id of each;
						  * NULL: see the reply */
	const HlHeader *headers; /* with Content-Type if it has a body */
	int nheaders;
	const char *const *wanted; /* headers of the reply */
	int nwanted;
	const char *bearer; /* "Bearer ..."; NULL: signed */
	bool repeatable;    /* after an unknown outcome */

	/* for the accounting of disclosures */
	bool discloses;         /* the reply may contain a resource */
	bool totals;            /* only the number of resources is returned */
	const char *parameters; /* JSON array of names of a search; or NULL */
	const char *asked;      /* recorded instead of AWS's path; or NULL */
	const char *criteria;   /* the form that was asked for, if query is AWS's */
} HlRest;

typedef struct HlRequest
{
	const HlOperation *operation;
	HlBytes body;             /* as sent: UTF-8, with the token */
	const char *client_token; /* NULL: none */
	const char *name;         /* of the requested object, UTF-8; or NULL */
	int64 queue_id;           /* id of the queue's row; 0: a session's call */
	const char *session_role; /* of the caller; of a row, of its creator */
	const char *current_role;
	int64 patience;     /* timeout in ms; 0: request_timeout */
	const HlRest *rest; /* NULL: control plane */
} HlRequest;

/*
 * jsonb as JSON in UTF-8, for a request. Throws 22023, before it is written, if
 * it has more bytes than healthlake.max_request_size allows, and more than in
 * jsonb: then numbers have many digits.
 */
extern char *hl_request_text(const HlOperation *operation, Jsonb *json);

/*
 * Makes a request from JSON in UTF-8. "more" (or NULL) is a second object that
 * is merged in; a member in both is an error. With "typed" the messages also
 * name SQL's arguments. Throws 22023 or 22004.
 */
extern HlRequest *hl_request_make(const HlOperation *operation,
								  const char *json, const char *more,
								  bool typed);

/*
 * Merges the arguments' JSON and "more" into one JSON text in UTF-8, palloc'd,
 * for callers that add members before they make the request. Throws as
 * hl_request_make() does, except for missing members.
 */
extern char *hl_request_gather(const HlOperation *operation, const char *json,
							   const char *more);

/*
 * The id of the object that a reply to the request is about; NULL: none. The
 * id of an OperationOutcome or of the reply to a Bundle is none.
 */
extern const char *hl_request_id(const HlRequest *request, const HlJson *reply);

/* A JSON object with one member, a UTF-8 string; palloc'd. */
extern char *hl_request_member(const char *name, const char *value);

/* Generates a client token, a version 4 UUID; palloc'd. */
extern char *hl_request_token(void);

#endif
