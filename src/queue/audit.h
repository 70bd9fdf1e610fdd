/*
 * audit.h
 *	  The audit trail of calls that change something: healthlake.audit = on
 *	  writes a row in the caller's own transaction, durable has one committed
 *	  by a process of its own before anything is sent.
 */
#ifndef HL_QUEUE_AUDIT_H
#define HL_QUEUE_AUDIT_H

/* Becomes the witness of calls; called when the library is loaded. */
extern void hl_audit_init(void);

#endif
