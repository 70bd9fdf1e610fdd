/*
 * rowset.h
 *	  The complete set of rows that a function in FROM returns, which may be
 *	  spilled to disk.
 */
#ifndef HL_SERVER_ROWSET_H
#define HL_SERVER_ROWSET_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/execnodes.h"

/*
 * Begins the set: setResult and setDesc (the columns of the function's result)
 * are set. Throws 0A000 if the caller accepts no set.
 */
extern ReturnSetInfo *hl_rowset_begin(FunctionCallInfo fcinfo);

#endif
