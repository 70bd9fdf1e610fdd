/*
 * sockets.h
 *	  libcurl's sockets in an epoll descriptor. When libcurl keeps a
 *	  connection, its socket is parked: it stays in the descriptor, since the
 *	  next request would add it again. The caller must pass each ready socket
 *	  to hl_sockets_unpark().
 */
#ifndef HL_HTTP_SOCKETS_H
#define HL_HTTP_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/* Sockets with higher numbers are never parked. */
#define HL_SOCKETS_KNOWN 1024

typedef struct HlSockets
{
	int epoll_fd;
	int watched;     /* the number of sockets libcurl waits for */
	int last;        /* the one it named last; -1: none, or removed */
	uint32_t events; /* what it waits for on that one */
	int parked;      /* a socket of an idle connection; -1: none */
	uint64_t own[HL_SOCKETS_KNOWN /
				 64]; /* bits of those that hl_sockets_close() will close */
} HlSockets;

/*
 * Resets the state: before first use, and after libcurl has closed all
 * sockets.
 */
extern void hl_sockets_forget(HlSockets *sockets);

/* Records that a socket was opened which hl_sockets_close() will close. */
extern void hl_sockets_own(HlSockets *sockets, int fd);

/* CURLOPT_CLOSESOCKETFUNCTION, with the HlSockets as its data. */
extern int hl_sockets_close(void *context, int fd);

/*
 * Sets the events that libcurl waits for; 0: none any more. False: out of
 * memory.
 */
extern bool hl_sockets_watch(HlSockets *sockets, int fd, uint32_t events);

/*
 * The watched socket if there is exactly one and it waits for input; else -1.
 */
extern int hl_sockets_alone(const HlSockets *sockets);

/* Removes a parked socket whose peer has closed it. False: it is not parked. */
extern bool hl_sockets_unpark(HlSockets *sockets, int fd);

#endif
