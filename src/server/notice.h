/*
 * notice.h
 *	  Messages to the client that are not written to the server's log, whatever
 *	  the value of log_min_messages.
 */
#ifndef HL_SERVER_NOTICE_H
#define HL_SERVER_NOTICE_H

#include "postgres.h"

/* Installs emit_log_hook; called once, when the library is loaded. */
extern void hl_notice_init(void);

/*
 * Sends a NOTICE immediately. Throws at an interrupt, also while the client does
 * not read.
 */
extern void hl_notice_tell(const char *text);

#endif
