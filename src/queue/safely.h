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
 * Gives NULL, or the error, in CurrentMemoryContext, after all was undone.
 * Throws what is meant for this process: a cancel, a shutdown.
 */
extern ErrorData *hl_safely(const HlStore *store, void (*work)(void *),
							void *argument);

/* Whether an error is meant for this process, whatever it was doing. */
extern bool hl_safely_concerns_process(const ErrorData *error);

#endif
