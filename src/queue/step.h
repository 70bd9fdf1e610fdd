/*
 * step.h
 *	  The points between the parts of sending a queued request, by name. What
 *	  holds at each when a process dies there is the queue's promise, so a test
 *	  can interpose the function that is called at each of them.
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
