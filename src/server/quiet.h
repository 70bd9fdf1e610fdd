/*
 * quiet.h
 *	  Keeps a backend from sending messages to its client. One that has to send
 *	  something to a client that does not read waits without end, and no
 *	  timeout ends that: meanwhile it must hold nothing for which others wait.
 *	  What is kept from the client is still written to the server's log.
 *
 *	  Errors and the message of a termination are kept from it as well, since
 *	  PostgreSQL sends them before it ends the transaction. So whoever begins
 *	  catches errors, ends the transaction and this, and throws them again.
 */
#ifndef HL_SERVER_QUIET_H
#define HL_SERVER_QUIET_H

/* From here on nothing is sent. Without a client it does nothing. */
extern void hl_quiet_begin(void);

/* Ends that; call it when nothing is held any more. May be called twice. */
extern void hl_quiet_end(void);

#endif
