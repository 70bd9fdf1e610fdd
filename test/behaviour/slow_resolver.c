/*
 * slow_resolver.c
 *	  A library to be preloaded: lookups of names that end in .slow.invalid
 *	  take two seconds and fail. Others are unchanged.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

/* Replaces libc's. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
				struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	const char *slow = ".slow.invalid";

	if (node == NULL || strlen(node) < strlen(slow) ||
		strcmp(node + strlen(node) - strlen(slow), slow) != 0)
		return real(node, service, hints, result);
	sleep(2);
	return EAI_NONAME;
}
