/*
 * recent.h
 *	  The last creations of data stores by sessions, whether or not they are
 *	  recorded in the history: those of the server's databases in shared
 *	  memory if the library is preloaded, otherwise those of the session. What
 *	  a rollback undoes in the history, and what ended in an error, is here.
 */
#ifndef HL_CALL_RECENT_H
#define HL_CALL_RECENT_H

#include "postgres.h"

#include "audit/creations.h"
#include "model/request.h"

/* Requests shared memory; called once by _PG_init(). */
extern void hl_recent_init(void);

/* Notes a creation that is about to be sent; ignores other requests. */
extern void hl_recent_begin(const HlRequest *request, const HlCall *call);

/* Notes its outcome, or that of a deletion. Throws nothing. */
extern void hl_recent_end(const HlRequest *request, const HlReply *reply);

/*
 * Appends those of a name (UTF-8) at the address of a call to a List of
 * HlCreation.
 */
extern List *hl_recent_add(List *creations, const HlRequest *request,
						   const HlCall *call, const char *name);

#endif
