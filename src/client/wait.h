/*
 * wait.h
 *	  How a backend waits: for a descriptor, its latch and the postmaster's
 *	  death at once, in one set of events that is kept for its life. What an
 *	  interrupt has to say is thrown from here.
 */
#ifndef HL_CLIENT_WAIT_H
#define HL_CLIENT_WAIT_H

/* An HlWait of aws/http.h; epoll_fd must be the same at every call. */
extern void hl_wait_for(void *context, int epoll_fd, long timeout_ms);

#endif
