/*
 * untold.h
 *	  What a function has changed in AWS, for as long as nobody was told.
 *
 *	  An error after a change would hide it: users repeat the statement, and
 *	  drivers do so by themselves. Each function has its own state, since a
 *	  trigger on the audit trail may call another while the first one's change
 *	  is being recorded. It is in the caller's stack: it needs no memory.
 */
#ifndef HL_CALL_UNTOLD_H
#define HL_CALL_UNTOLD_H

#include "postgres.h"

#include "engine/engine.h"
#include "model/request.h"

typedef struct HlUntold
{
	uint64 count; /* changes that may have been made */
	const HlOperation *operation;
	char client_token[129]; /* of the last one, like the rest */
	char id[259];           /* or "Patient/1" */
	bool unrecorded;        /* carried out; the audit trail is being written */
	bool done;              /* carried out */
	bool told;              /* the user was told of its outcome */
	struct HlUntold *outer; /* of the function that is interrupted by this */
} HlUntold;

/* Begins and ends a function; each one ends, also after an error. */
extern void hl_untold_begin(HlUntold *untold);
extern void hl_untold_end(const HlUntold *untold);

/*
 * Turns a caught error that hides a change of a function that has ended into
 * 38M01 with token and id, or returns.
 */
extern void hl_untold_retell(const HlUntold *untold);

/*
 * For call.c, in the innermost function: notes a change if the request may
 * have made one, with the id of the object or NULL; false: it made none.
 */
extern bool hl_untold_note(const HlRequest *request, const HlReply *reply,
						   const char *id);
/* Records that change by a function; an error in it has the change. */
extern void hl_untold_record(void (*work)(const void *), const void *argument);
extern bool hl_untold_is_recording(void);

/* For callers that raise an error which reports the changes so far. */
extern void hl_untold_note_told(void);

#endif
