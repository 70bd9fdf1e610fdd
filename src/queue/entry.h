/*
 * entry.h
 *	  An entry of the audit trail on its way into healthlake_request: texts by
 *	  name, so that a session can hand it to the process that writes it. Texts
 *	  are in the encoding of the database, but for the JSON, which is UTF-8.
 */
#ifndef HL_QUEUE_ENTRY_H
#define HL_QUEUE_ENTRY_H

#include "lib/stringinfo.h"

#include "queue/store.h"

typedef enum HlEntryField
{
	/* what is known before anything is sent */
	HL_ENTRY_OPERATION,
	HL_ENTRY_REQUEST, /* JSON, masked, less the token */
	HL_ENTRY_CLIENT_TOKEN,
	HL_ENTRY_REGION,
	HL_ENTRY_ENDPOINT,
	HL_ENTRY_CURRENT_ROLE,
	HL_ENTRY_FENCE,
	HL_ENTRY_SESSION_ROLE,
	HL_ENTRY_CLIENT_ADDR,
	HL_ENTRY_APPLICATION_NAME,
	HL_ENTRY_KIND,
	HL_ENTRY_TRANSACTION, /* NULL: the row belongs to the same */
	/* at both times: that of the role, then that of the reply */
	HL_ENTRY_ACCOUNT,
	/* how it ended */
	HL_ENTRY_STATE,
	HL_ENTRY_RESPONSE, /* JSON, masked */
	HL_ENTRY_DATASTORE_ID,
	HL_ENTRY_JOB_ID,
	HL_ENTRY_SQLSTATE,
	HL_ENTRY_CODE,
	HL_ENTRY_MESSAGE,
	HL_ENTRY_AWS_REQUEST_ID,
	HL_ENTRY_ATTEMPTS,
	HL_ENTRY_MICROSECONDS,
	HL_ENTRY_SENT, /* NULL: certainly nothing was */
	HL_ENTRY_FIELDS
} HlEntryField;

typedef struct HlEntry
{
	const char *fields[HL_ENTRY_FIELDS];
} HlEntry;

/* Where a row is. */
typedef struct HlEntryPlace
{
	int64 id;
	char ctid[32];
} HlEntryPlace;

/*
 * Inserts a running row, with SPI connected; holder 0: the transaction's own,
 * which nobody else will see before it has ended.
 */
extern void hl_entry_insert(const HlStore *store, const HlEntry *entry,
							int64 holder, HlEntryPlace *place);

/* Completes it; false: it is no more where it was. */
extern bool hl_entry_end(const HlStore *store, const HlEntry *entry,
						 const HlEntryPlace *place);

/* Appends the entry to a message. */
extern void hl_entry_write(StringInfo message, const HlEntry *entry);

/* Reads it again; its texts are the message's. Throws XX000. */
extern void hl_entry_read(HlEntry *entry, const char *message, Size len);

#endif
