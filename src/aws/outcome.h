/*
 * outcome.h
 *	  The outcome of a call as a value; whether it is an error is decided above
 *	  the engine. Its strings and its body belong to the call.
 */
#ifndef HL_AWS_OUTCOME_H
#define HL_AWS_OUTCOME_H

#include "base/bytes.h"
#include "base/json.h"
#include "http/header.h"

typedef enum HlOutcome
{
	HL_OUTCOME_NONE,      /* still under way */
	HL_OUTCOME_SUCCESS,   /* 2xx whose body is a JSON object, or empty */
	HL_OUTCOME_REFUSED,   /* AWS's error in a 4xx */
	HL_OUTCOME_FAULT,     /* 5xx */
	HL_OUTCOME_NOT_SENT,  /* not resolved, not connected, TLS not trusted */
	HL_OUTCOME_LOST,      /* sent, then the connection was lost */
	HL_OUTCOME_TIMED_OUT, /* sent, then request_timeout was over */
	HL_OUTCOME_MALFORMED, /* no HTTP, no JSON, too large, 3xx, foreign 4xx */
	HL_OUTCOME_NO_MEMORY, /* it was missing here, before or after sending */
	HL_OUTCOME_UNSIGNED   /* no attempt made: see network (bad key, memory) */
} HlOutcome;

/* What became of a call; true to the moment whenever an interrupt throws. */
typedef struct HlReply
{
	HlOutcome outcome;
	bool throttled;    /* and still so at the last attempt */
	bool passing;      /* the last attempt failed of what another may not */
	bool sent;         /* the first byte of some attempt left */
	bool may_have_run; /* it changes something, and nobody knows whether */
	bool too_large;    /* it was larger than max_response_size allows */
	int http_status;   /* 0: none came */
	int attempts;
	int throttles;      /* attempts that AWS throttled */
	bool dated;         /* the reply had the time of the server: */
	int clock_skew;     /* seconds that its clock is ahead of this one's */
	char *code;         /* AWS's, or the status as text; NULL: none */
	char *message;      /* AWS's; NULL: none */
	char *request_id;   /* NULL: none came */
	char *network;      /* what went wrong below AWS; NULL: nothing */
	const char *source; /* of the credentials, in words; NULL: none */
	const char *hint; /* what to do about it, where that is known better here */
	const char *passed_over; /* by whom no credentials were given; or NULL */
	bool rest;               /* FHIR's: its HTTP status says what it means */
	bool diagnosed;      /* with an OperationOutcome; "code" is its issue's */
	char *expression;    /* FHIR: what of a resource is at fault; or NULL */
	const char *subject; /* FHIR: the type, or type/id, it is about; or NULL */
	const char *headers[HL_HTTP_WANTED]; /* that were wanted; NULL: not there */
	HlBytes body;
	const HlJson *document; /* the body, read; NULL: no JSON object */
} HlReply;

#endif
