/*
 * sockets.h
 *	  libcurl's sockets in an epoll descriptor. That of a connection which is
 *	  kept is parked: it stays there, since the next request would put it there
 *	  again. Whoever waits asks hl_sockets_unpark() of each socket that is ready.
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
	int watched;     /* how many libcurl waits for */
	int last;        /* which it spoke of last; -1: none that is there */
	uint32_t events; /* what that waits for */
	int parked;      /* one that nobody waits for; -1: none */
	uint64_t own[HL_SOCKETS_KNOWN / 64]; /* closed by hl_sockets_close() */
} HlSockets;

/* When no socket is there: before the first, and when libcurl has ended. */
extern void hl_sockets_forget(HlSockets *sockets);

/* Notes that a socket was opened, which hl_sockets_close() will close. */
extern void hl_sockets_own(HlSockets *sockets, int fd);

/* For CURLOPT_CLOSESOCKETFUNCTION, with the sockets as its data. */
extern int hl_sockets_close(void *context, int fd);

/* What libcurl waits for; no events: for nothing any more. False: no memory. */
extern bool hl_sockets_watch(HlSockets *sockets, int fd, uint32_t events);

/* The only socket that is watched, where it waits to be read; -1: none is. */
extern int hl_sockets_alone(const HlSockets *sockets);

/* Takes a parked socket out: its peer has closed it. False: it is not parked. */
extern bool hl_sockets_unpark(HlSockets *sockets, int fd);

#endif
