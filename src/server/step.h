/*
 * step.h
 *	  Named points at each of which a function is called that does nothing. A
 *	  test interposes it to kill or stop a process there, since what is
 *	  guaranteed must hold then.
 */
#ifndef HL_SERVER_STEP_H
#define HL_SERVER_STEP_H

/*
 * Does nothing. The points of sending a queued request, in their order: "before
 * claim", "after claim", "before send", "after send", "after reply", "before
 * record", "after record"; of a load: "before read". A library in LD_PRELOAD
 * may define a function of this name.
 */
extern void healthlake_step(const char *point);

#endif
