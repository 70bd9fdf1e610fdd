/*
 * fhir_enqueue.h
 *	  FHIR requests are put into the queue: the row keeps method, path and
 *	  headers in "request", and the body beside them, until it is of no more use.
 *	  A resource without an id gets one here, so that it is created once however
 *	  often it is sent.
 */
#ifndef HL_QUEUE_FHIR_ENQUEUE_H
#define HL_QUEUE_FHIR_ENQUEUE_H

#include "postgres.h"

#include "fmgr.h"

/*
 * All give the row's id as int8. They throw 22023 and 54000 for what HealthLake
 * would refuse, 42501 without the right to what the request does or to the data
 * store, 55000 while healthlake.bearer_token is set.
 */
extern Datum hl_fhir_enqueue(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_create(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_update(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_patch(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_delete(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_bundle(FunctionCallInfo fcinfo);

#endif
