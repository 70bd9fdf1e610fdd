/*
 * fhir_enqueue.h
 *	  Puts FHIR requests into the queue. The column "request" has method, path
 *	  and headers; the body has a column of its own, which is emptied when the
 *	  body is no longer needed. A resource without an id gets one here, so that
 *	  it is created once however often it is sent.
 */
#ifndef HL_QUEUE_FHIR_ENQUEUE_H
#define HL_QUEUE_FHIR_ENQUEUE_H

#include "postgres.h"

#include "fmgr.h"

/*
 * All return the row's id as int8. They throw 22023 and 54000 for requests that
 * HealthLake would refuse, 42501 without the privilege for the request or the
 * data store, and 55000 while healthlake.bearer_token is set.
 */
extern Datum hl_fhir_enqueue(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_create(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_update(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_patch(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_delete(FunctionCallInfo fcinfo);
extern Datum hl_fhir_enqueue_bundle(FunctionCallInfo fcinfo);

#endif
