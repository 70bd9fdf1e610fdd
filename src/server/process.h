/*
 * process.h
 *	  A program that prints credentials, run by a backend: without a shell,
 *	  with an environment of its own, for so long and no longer. It does not
 *	  outlive the call, whatever ends that.
 */
#ifndef HL_SERVER_PROCESS_H
#define HL_SERVER_PROCESS_H

#include "postgres.h"

#include "base/bytes.h"

/*
 * Runs a command line and gives what it prints, which is a secret; NULL, or
 * why not, palloc'd and without a word of what it printed. May be interrupted.
 */
extern char *hl_process_run(const char *line, int limit_ms, HlBytes *printed);

#endif
