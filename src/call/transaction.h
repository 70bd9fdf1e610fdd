/*
 * transaction.h
 *	  What a transaction has done with AWS that its rollback does not undo.
 *	  A rolled-back transaction or savepoint says so for each change, to the
 *	  client as a WARNING and to the server's log; nothing is undone behind
 *	  the user's back. PREPARE TRANSACTION is refused after a change, since
 *	  another session would finish the transaction without knowing.
 */
#ifndef HL_CALL_TRANSACTION_H
#define HL_CALL_TRANSACTION_H

#include "postgres.h"

/* Registers the callbacks; called once, when the library is loaded. */
extern void hl_transaction_init(void);

/*
 * Remembers a change until the transaction ends. The sentence says what
 * stays (without a final period); the log line is the same for a machine.
 */
extern void hl_transaction_remember(const char *sentence, const char *log);

#endif
