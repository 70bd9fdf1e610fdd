/*
 * arrays.h
 *	  One-dimensional arrays without null elements, palloc'd.
 */
#ifndef HL_SERVER_ARRAYS_H
#define HL_SERVER_ARRAYS_H

#include "postgres.h"

#include "utils/array.h"

extern ArrayType *hl_arrays_text(Datum *texts, int count);
extern ArrayType *hl_arrays_int8(Datum *numbers, int count);

#endif
