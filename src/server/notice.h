/*
 * notice.h
 *	  Messages for the client that are not written to the server's log,
 *	  whatever log_min_messages says.
 */
#ifndef HL_SERVER_NOTICE_H
#define HL_SERVER_NOTICE_H

#include "postgres.h"

/* Installs the hook that keeps it from the log; called once, at loading. */
extern void hl_notice_init(void);

/* Sends a NOTICE immediately, without handling interrupts. */
extern void hl_notice_tell(const char *text);

#endif
