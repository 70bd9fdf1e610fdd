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

/* The end of a call, as the room above has determined it. */
typedef struct HlCallEnd
{
	int sqlstate; /* 0: a success */
	int64 microseconds;
	bool interrupted;
	const char *message; /* of the error; NULL: a success, or interrupted */
	const HlDisclosed *disclosed; /* NULL: not accounted for */
} HlCallEnd;

typedef struct HlAuditAccount HlAuditAccount;

/* Registers the transaction callbacks; called once by _PG_init(). */
extern void hl_audit_init(void);

/* Whether a request is recorded as a disclosure (healthlake.audit_reads). */
extern bool hl_audit_accounts(const HlRequest *request);

/*
 * Call this before anything is sent; if it throws, nothing may be sent. NULL:
 * this call is not recorded. Palloc'd.
 */
extern HlAuditAccount *hl_audit_begin(const HlRequest *request,
									  const HlCall *call);

/*
 * Records the end. An interrupted call ends while an error is handled: then it
 * throws nothing and accesses no table.
 */
extern void hl_audit_end(HlAuditAccount *account, const HlRequest *request,
						 const HlCall *call, const HlCallEnd *end);

#endif
