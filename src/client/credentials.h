/*
 * credentials.h
 *	  The credentials of a call: a table of sources, asked in order. What is
 *	  found points into the source's own memory and holds for the call at
 *	  hand, until settings can change again; nothing is copied.
 */
#ifndef HL_CLIENT_CREDENTIALS_H
#define HL_CLIENT_CREDENTIALS_H

#include "aws/sigv4.h"

/*
 * Finds credentials. False, with a sentence that says why and quotes no
 * secret, when no source has any or when one that is configured is broken.
 */
extern bool hl_credentials_find(HlSigv4Credentials *credentials,
								const char **reason);

#endif
