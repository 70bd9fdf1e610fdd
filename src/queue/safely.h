/*
 * safely.h
 *	  Work that may fail because of one row: it is done in a subtransaction, as
 *	  the owner of the table, and its error is returned instead of thrown.
 *	  Requires a transaction with SPI connected.
 */
#ifndef HL_QUEUE_SAFELY_H
#define HL_QUEUE_SAFELY_H

#include "postgres.h"

#include "audit/store.h"

/*
 * Returns NULL, or the error, in CurrentMemoryContext, after everything was
 * rolled back. Errors that concern the process are thrown: a cancel, a
 * shutdown.
 */
extern ErrorData *hl_safely(const HlStore *store, void (*work)(void *),
							void *argument);

/*
 * Takes the error that a PG_CATCH() block has, into a memory context, which
 * becomes the current one. Throws it again if it concerns the process.
 */
extern ErrorData *hl_safely_take_error(MemoryContext memory);

/* Whether an error concerns the process and not its current work. */
extern bool hl_safely_concerns_process(const ErrorData *error);

#endif
