/*
 * send.h
 *	  Makes a call of a claimed row. Settings, privileges and guard rails may
 *	  have changed since it was enqueued, so all of them are checked again.
 */
#ifndef HL_QUEUE_SEND_H
#define HL_QUEUE_SEND_H

#include "queue/queued.h"

/*
 * Makes the call of a claimed row, or the next one of its search, or its
 * ending. A call that could not be prepared has ended already. In a
 * transaction; may be interrupted.
 */
extern void hl_send_prepare(HlQueued *queued, const HlStore *store);

#endif
