/*
 * shared.h
 *	  Shared memory of the extension's own. Without preloading it comes out of
 *	  the reserve that PostgreSQL leaves for extensions.
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
