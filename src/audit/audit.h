/*
 * audit.h
 *	  The audit trail of calls that change something. With healthlake.audit =
 *	  on an event is inserted into the caller's own transaction when the call
 *	  has ended; with durable a background worker commits an event before
 *	  anything is sent, and another when the call has ended.
 */
#ifndef HL_AUDIT_AUDIT_H
#define HL_AUDIT_AUDIT_H

#include "audit/disclosed.h"
#include "engine/engine.h"
#include "model/request.h"

/* How a call ended, as the room above has found. */
typedef struct HlCallEnd
{
	int sqlstate; /* 0: a success */
	int64 microseconds;
	bool interrupted;
	const char *message; /* of the error; NULL: a success, or interrupted */
	const HlDisclosed *disclosed; /* NULL: nobody must account for it */
} HlCallEnd;

typedef struct HlAuditAccount HlAuditAccount;

/* Registers the transaction callbacks; called once by _PG_init(). */
extern void hl_audit_init(void);

/* Whether a request is one to account for, as healthlake.audit_reads has it. */
extern bool hl_audit_accounts(const HlRequest *request);

/*
 * Call this before anything is sent; where it throws, nothing may be sent.
 * NULL: nothing is recorded of this call. Palloc'd.
 */
extern HlAuditAccount *hl_audit_begin(const HlRequest *request,
									  const HlCall *call);

/*
 * Records the end. An interrupted call ends while an error is being handled:
 * then nothing is thrown, and no table is looked at.
 */
extern void hl_audit_end(HlAuditAccount *account, const HlRequest *request,
						 const HlCall *call, const HlCallEnd *end);

#endif
