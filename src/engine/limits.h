/*
 * limits.h
 *	  The limits of a call. They are copied from the settings when the call is
 *	  made, and must live as long as the call.
 */
#ifndef HL_ENGINE_LIMITS_H
#define HL_ENGINE_LIMITS_H

#include <stddef.h>

/* Strings: NULL and "" have the same meaning. */
typedef struct HlLimits
{
	const char *ca_bundle; /* NULL: libcurl's default */
	const char *proxy;     /* NULL: none; the environment is ignored */
	int connect_timeout_ms;
	int request_timeout_ms; /* of an attempt, or between two events */
	int max_attempts;
	int max_in_flight; /* of a set of calls; 0: unlimited */
	size_t max_response_size;
} HlLimits;

#endif
