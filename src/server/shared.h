/*
 * shared.h
 *	  Shared memory of the extension. Without preloading it is taken from the
 *	  reserve that PostgreSQL has for extensions.
 */
#ifndef HL_SERVER_SHARED_H
#define HL_SERVER_SHARED_H

#include "postgres.h"

/*
 * Asks for so many bytes when the server starts; for _PG_init. Does nothing
 * where the library is not preloaded.
 */
extern void hl_shared_request(Size size);

#endif
