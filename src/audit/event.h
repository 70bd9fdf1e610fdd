/*
 * event.h
 *	  Rows of healthlake_event, the append-only history. Events of queued
 *	  requests are copied from the rows of the requests, several at once.
 *	  Events of calls are made of strings, so that a session can pass them to
 *	  the process that writes them. Both are inserted as the table's owner.
 */
#ifndef HL_AUDIT_EVENT_H
#define HL_AUDIT_EVENT_H

#include "lib/stringinfo.h"

#include "audit/account.h"
#include "audit/store.h"

/* Columns of a call's event, in the order of hl_event_columns. */
typedef enum HlEventField
{
	HL_EVENT_REQUEST_ID, /* of a durable call: the id of its event "sent" */
	HL_EVENT_EVENT,
	HL_EVENT_OPERATION,
	HL_EVENT_KIND,
	HL_EVENT_REQUEST, /* JSON in UTF-8, masked, without the token */
	HL_EVENT_CLIENT_TOKEN,
	HL_EVENT_REGION,
	HL_EVENT_ENDPOINT,
	HL_EVENT_ACCOUNT,
	HL_EVENT_DATASTORE_ID,
	HL_EVENT_JOB_ID,
	HL_EVENT_TRANSACTION,
	HL_EVENT_SESSION_ROLE,
	HL_EVENT_OUTER_ROLE,
	HL_EVENT_CURRENT_ROLE,
	HL_EVENT_CLIENT_ADDR,
	HL_EVENT_APPLICATION_NAME,
	HL_EVENT_OUTCOME,
	HL_EVENT_AWS_REQUEST_ID,
	HL_EVENT_ERROR_CODE,
	HL_EVENT_ERROR_MESSAGE,
	HL_EVENT_ATTEMPTS,
	HL_EVENT_DURATION, /* as text of an interval */
	HL_EVENT_NOTE,
	HL_EVENT_RESOURCE_COUNT,
	HL_EVENT_RESOURCES, /* as text of an array, like the next one */
	HL_EVENT_PATIENTS,
	HL_EVENT_FIELDS
} HlEventField;

extern const char *const hl_event_columns[HL_EVENT_FIELDS];

/* An event of a call. Strings are in the database's encoding, except JSON. */
typedef struct HlEvent
{
	const char *fields[HL_EVENT_FIELDS];
} HlEvent;

/* An event of a queued request. */
typedef struct HlRequestEvent
{
	int64 id;         /* of the request */
	const char *home; /* of the request; NULL: this one */
	const char *event;
	const char *outcome; /* NULL: none */
	const char *note;    /* NULL: none */
	int64 microseconds;  /* -1: none */
} HlRequestEvent;

/*
 * Inserts events of queued requests, from their current rows. who: NULL, or the
 * acting role, if it may differ from the role of the request.
 */
extern void hl_event_add_requests(const HlStore *store, const HlClient *who,
								  const HlRequestEvent *events, int count);
/* Inserts one event. */
extern void hl_event_add_request(const HlStore *store, const HlClient *who,
								 const HlRequestEvent *event);

/* The id of an event of this home, from a number of the sequence. */
extern int64 hl_event_id(int64 number);

/*
 * Checks, before anything is sent, whether events of calls can be inserted. SPI
 * must be connected, as for the next.
 */
extern void hl_event_prepare(const HlStore *store);

/*
 * Inserts an event of a call; returns its id, or 0 for the end of a call that
 * has one already.
 */
extern int64 hl_event_add(const HlStore *store, const HlEvent *event);

/* Fills in the origin of the request. */
extern void hl_event_set_client(HlEvent *event, const HlClient *who);

/* Appends an event to a message, and reads it; its strings point into that. */
extern void hl_event_write(StringInfo message, const HlEvent *event);
extern void hl_event_read(HlEvent *event, const char *message, Size len);

#endif
