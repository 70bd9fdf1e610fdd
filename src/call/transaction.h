/*
 * transaction.h
 *	  Changes in AWS that a rollback of the transaction does not undo. A
 *	  rollback, also to a savepoint, reports each of them to the client as a
 *	  WARNING and in the server's log. PREPARE TRANSACTION is refused after a
 *	  change, since the session that rolls back would not know of it.
 */
#ifndef HL_CALL_TRANSACTION_H
#define HL_CALL_TRANSACTION_H

#include "postgres.h"

#include "model/model.h"

/*
 * A change that AWS has carried out. Strings are in the database encoding;
 * NULL: missing.
 */
typedef struct HlChange
{
	const HlOperation *operation;
	const char *client_token;
	const char *name;
	const char *subject; /* of the data plane: "Patient", or "Patient/1" */
	const char *id;
	const char *session_role;
	const char *current_role;
} HlChange;

/* Registers the callbacks; called once, when the library is loaded. */
extern void hl_transaction_init(void);

/* Whether AWS has carried out changes that a rollback would not undo. */
extern bool hl_transaction_is_changed(void);

/* Remembers a change until the transaction ends; copies the strings. */
extern void hl_transaction_remember(const HlChange *change);

#endif
