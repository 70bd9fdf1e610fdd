/*
 * limits.h
 *	  The limits of a call. They are filled from the settings when the call is
 *	  made and must live as long as the call.
 */
#ifndef HL_ENGINE_LIMITS_H
#define HL_ENGINE_LIMITS_H

#include <stddef.h>

/* NULL and "" mean the same. */
typedef struct HlLimits
{
	const char *ca_bundle; /* NULL: the one that libcurl was built with */
	const char *proxy;     /* NULL: none, whatever the environment says */
	int connect_timeout_ms;
	int request_timeout_ms; /* of one attempt; of a stream, to the next event */
	int max_attempts;
	int max_in_flight; /* of the calls of a set; 0: no bound */
	size_t max_response_size;
} HlLimits;

#endif
