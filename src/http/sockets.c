/*
 * sockets.c
 *	  The sockets in the epoll descriptor.
 */
#include "http/sockets.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

void
hl_sockets_forget(HlSockets *sockets)
{
	sockets->watched = 0;
	sockets->last = sockets->parked = -1;
}

/* The word of "own" with the socket's bit; NULL: its number is too high. */
static uint64_t *
word_of(HlSockets *sockets, int fd, uint64_t *bit)
{
	if (fd < 0 || fd >= HL_SOCKETS_KNOWN)
		return NULL;
	*bit = UINT64_C(1) << (fd % 64);
	return &sockets->own[fd / 64];
}

void
hl_sockets_own(HlSockets *sockets, int fd)
{
	uint64_t bit;
	uint64_t *word = word_of(sockets, fd, &bit);

	if (word != NULL)
		*word |= bit;
}

static void
take_out(HlSockets *sockets, int fd)
{
	struct epoll_event event = {.data.fd = fd};

	epoll_ctl(sockets->epoll_fd, EPOLL_CTL_DEL, fd, &event);
}

/*
 * A closed socket leaves the epoll descriptor by itself, unless a child
 * process has a copy of it, between fork() and exec(). So it is removed first.
 */
int
hl_sockets_close(void *context, int fd)
{
	HlSockets *sockets = context;
	uint64_t bit;
	uint64_t *word = word_of(sockets, fd, &bit);

	if (word != NULL)
		*word &= ~bit;
	(void) hl_sockets_unpark(sockets, fd);
	return close(fd);
}

/*
 * Leaves a socket in the descriptor: only the one used last, since a
 * connection to another host may never be used again, and only one whose
 * closing we are told of, since its number may later belong to another.
 */
static bool
park(HlSockets *sockets, int fd)
{
	uint64_t bit;
	const uint64_t *word = word_of(sockets, fd, &bit);

	if (word == NULL || (*word & bit) == 0 || fd != sockets->last ||
		sockets->events != EPOLLIN)
		return false;
	if (sockets->parked >= 0)
		take_out(sockets, sockets->parked);
	sockets->parked = fd;
	return true;
}

/* Puts a socket into the epoll descriptor, or changes what it waits for. */
static bool
add(HlSockets *sockets, int fd, uint32_t events)
{
	struct epoll_event event = {.data.fd = fd, .events = events};

	if (fd == sockets->parked)
	{
		sockets->parked = -1;
		sockets->watched++;
		if (events == EPOLLIN)
			return true;
	}
	if (epoll_ctl(sockets->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
	{
		sockets->watched++;
		return true;
	}
	return errno == EEXIST &&
		   epoll_ctl(sockets->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0;
}

bool
hl_sockets_watch(HlSockets *sockets, int fd, uint32_t events)
{
	if (events != 0)
	{
		sockets->last = fd;
		sockets->events = events;
		return add(sockets, fd, events);
	}
	if (!park(sockets, fd))
		take_out(sockets, fd);
	sockets->last = -1;
	sockets->watched--;
	return true;
}

int
hl_sockets_alone(const HlSockets *sockets)
{
	return sockets->watched == 1 && sockets->parked < 0 &&
				   sockets->events == EPOLLIN
			   ? sockets->last
			   : -1;
}

bool
hl_sockets_unpark(HlSockets *sockets, int fd)
{
	if (fd != sockets->parked)
		return false;
	sockets->parked = -1;
	take_out(sockets, fd);
	return true;
}
