/*
 * step.h
 *	  Named points between the parts of sending a queued request, at each of
 *	  which a function is called that does nothing. A test interposes it to
 *	  kill a process there, since the guarantees of the queue are about what
 *	  holds then.
 */
#ifndef HL_QUEUE_STEP_H
#define HL_QUEUE_STEP_H

/*
 * Does nothing. The points, in their order: "before claim", "after claim",
 * "before send", "after send", "after reply", "before record", "after record".
 * A library in LD_PRELOAD may define a function of this name.
 */
extern void healthlake_step(const char *point);

#endif
