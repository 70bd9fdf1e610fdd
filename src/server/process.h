/*
 * process.h
 *	  Runs a program that prints credentials: without a shell, with its own
 *	  environment, and for a limited time. The program does not outlive the
 *	  call, however the call ends.
 */
#ifndef HL_SERVER_PROCESS_H
#define HL_SERVER_PROCESS_H

#include "postgres.h"

#include "base/bytes.h"

/*
 * Runs a command line, for at most limit_ms, and appends its output, which is
 * a secret. Returns NULL, or the reason of a failure, palloc'd, which quotes
 * no output. May be interrupted.
 */
extern char *hl_process_run(const char *line, int limit_ms, HlBytes *printed);

#endif
