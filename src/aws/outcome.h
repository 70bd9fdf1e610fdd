/*
 * outcome.h
 *	  The outcome of a call as a value; src/call/error.c decides what is an
 *	  error. Strings and body belong to the call.
 */
#ifndef HL_AWS_OUTCOME_H
#define HL_AWS_OUTCOME_H

#include "base/bytes.h"
#include "base/json.h"
#include "http/header.h"

typedef enum HlOutcome
{
	HL_OUTCOME_NONE,      /* not ended yet */
	HL_OUTCOME_SUCCESS,   /* 2xx whose body is a JSON object, or empty */
	HL_OUTCOME_REFUSED,   /* 4xx with AWS's error */
	HL_OUTCOME_FAULT,     /* 5xx */
	HL_OUTCOME_NOT_SENT,  /* DNS, connection or TLS failed */
	HL_OUTCOME_LOST,      /* sent, then the connection was lost */
	HL_OUTCOME_TIMED_OUT, /* sent, then request_timeout elapsed */
	HL_OUTCOME_MALFORMED, /* no HTTP or JSON, too large, 3xx, 4xx of a proxy */
	HL_OUTCOME_NO_MEMORY, /* out of memory, before or after sending */
	HL_OUTCOME_UNSIGNED   /* not attempted; network says why */
} HlOutcome;

/*
 * The result of a call. It is up to date at any time, since an interrupt may
 * throw.
 */
typedef struct HlReply
{
	HlOutcome outcome;
	bool throttled;    /* the last attempt was throttled */
	bool passing;      /* another attempt might succeed */
	bool sent;         /* the first byte of an attempt was sent */
	bool may_have_run; /* it changes something, and its outcome is unknown */
	bool too_large;    /* larger than max_response_size */
	int http_status;   /* 0: no reply */
	int attempts;
	int throttles;           /* throttled attempts */
	bool dated;              /* the reply had a usable Date: see clock_skew */
	int clock_skew;          /* seconds the server's clock is ahead */
	char *code;              /* AWS's code, or the HTTP status; NULL: none */
	char *message;           /* AWS's; NULL: none */
	char *request_id;        /* NULL: none */
	char *network;           /* a failure below HTTP, in words; NULL: none */
	const char *source;      /* of the credentials, in words; NULL: none */
	const char *hint;        /* the provider's advice; or NULL */
	const char *passed_over; /* sources that had no credentials; or NULL */
	bool rest;               /* of the FHIR API: http_status has the meaning */
	bool diagnosed;          /* an OperationOutcome came; code is its issue's */
	char *expression;        /* FHIR: path of the faulty element; or NULL */
	const char *subject;     /* FHIR: the type, or type/id; or NULL */
	const char *headers[HL_HTTP_WANTED]; /* wanted; NULL: not there */
	HlBytes body;
	const HlJson *document; /* the parsed body; NULL: no JSON object */
} HlReply;

#endif
