/*
 * plane.h
 *	  What differs between requests of the control plane, which create, change
 *	  and delete data stores and jobs, and those of the data plane, which write
 *	  FHIR resources. A plane is a table, chosen when a row is read; the steps of
 *	  the queue ask it and know no plane. What a FHIR request means is known to
 *	  fhir/deferred.h.
 *
 *	  The functions run in the memory of their row.
 */
#ifndef HL_QUEUE_PLANE_H
#define HL_QUEUE_PLANE_H

#include "queue/queued.h"

typedef struct HlPlane
{
	/* requests of one resource go in turn, so one runner claims at a time */
	bool is_in_turn;
	/* a read follows each sending of unknown outcome; else a search, the first */
	bool reads;
	const char *lost; /* the note on a request that is not sent again */

	/* The operation of that name; NULL: not known to this version. */
	const HlOperation *(*find)(const char *name);

	/* Whether a role may have an operation performed with a row's request. */
	bool (*permits)(const HlStore *store, const HlOperation *operation,
					const char *request, Oid role);

	/* Whether the request is one that can have been enqueued; may throw. */
	bool (*is_whole)(const HlQueued *queued);

	/* The request that the row holds. */
	HlRequest *(*make)(const HlQueued *queued);

	/*
	 * Begins a look for what an earlier sending has done, or continues it: see
	 * hl_search_look().
	 */
	HlRequest *(*look)(HlQueued *queued, const HlStore *store);

	/* Whether sending it twice has the effect of sending it once. */
	bool (*is_repeatable)(const HlQueued *queued);

	/* Whether a sending of unknown outcome goes on: is repeated, or looked for. */
	bool (*is_recoverable)(const HlQueued *queued);

	/* Turns a success that does not answer the call into a failure. */
	void (*check)(HlQueued *queued);

	/* Whether a refusal says that what was requested is so already. */
	bool (*is_done)(const HlQueued *queued);

	/* Notes in the ending what a success tells. */
	void (*note)(HlQueued *queued);
} HlPlane;

/* The plane of a row, by its column "kind". */
extern const HlPlane *hl_plane_of(const char *kind);

/* The FHIR request of a row. */
extern struct HlFhirDeferred hl_plane_deferred(const HlQueued *queued);

#endif
