/*
 * call.h
 *	  One operation performed for SQL, with everything around the sending of
 *	  it: refused where nothing may change, logged before and after, kept as
 *	  the session's last call, remembered for a rollback, raised when it fails.
 *	  The reply lives in CurrentMemoryContext.
 */
#ifndef HL_API_CALL_H
#define HL_API_CALL_H

#include "postgres.h"

#include "api/request.h"
#include "client/client.h"
#include "nodes/pg_list.h"

/* Refuses (25006) a change where PostgreSQL itself may change nothing. */
extern void hl_call_refuse_change(const HlOperation *operation);

/*
 * Fills a call with a request and finds out where it goes; false, with the
 * reason in the reply, when there are no credentials. notes: NULL, or a List
 * of HlSourceNote to add to.
 */
extern bool hl_call_prepare(HlCall *call, const HlRequest *request,
							const char *region, List **notes);

/*
 * Sends the request to the region (NULL: the one that the settings name) and
 * gives the reply, whatever it is. Throws where nothing can be sent, and when
 * interrupted.
 */
extern const HlReply *hl_call_try(const HlRequest *request, const char *region);

/* The same, but throws in every case except success. */
extern const HlReply *hl_call_perform(const HlRequest *request,
									  const char *region);

#endif
