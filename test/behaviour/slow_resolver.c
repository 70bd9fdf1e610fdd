/*
 * slow_resolver.c
 *	  A library to be preloaded: names that end in .slow.invalid are looked up
 *	  for two seconds, in vain. All others are as they were.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

/* Stands before libc's. */
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
