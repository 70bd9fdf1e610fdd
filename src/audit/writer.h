/*
 * writer.h
 *	  The process that writes the durable audit trail of a database, and its
 *	  messages: a session sends a head and an event, and the writer sends an
 *	  answer. Both belong to the same server, so numbers are in its native
 *	  format.
 */
#ifndef HL_AUDIT_WRITER_H
#define HL_AUDIT_WRITER_H

#include "postgres.h"

#define HL_WRITER_TYPE "healthlake audit writer"

/* Sizes of both queues, in one segment. */
#define HL_WRITER_QUEUE ((Size) 64 * 1024)
#define HL_WRITER_ANSWERS ((Size) 16 * 1024)

/* How long a call waits for its event before it is refused, in milliseconds. */
#define HL_WRITER_PATIENCE 5000

/* The orders of a writer; they must fit into bgw_extra. */
typedef struct HlWriterOrders
{
	Oid database;
	Oid owner;
} HlWriterOrders;

typedef enum HlWriterVerb
{
	HL_WRITER_BEGIN,    /* a call is about to be sent */
	HL_WRITER_WITHDRAW, /* it is not sent after all; no answer */
	HL_WRITER_END       /* it has ended */
} HlWriterVerb;

typedef struct HlWriterHead
{
	uint64 serial; /* of the call, in its session */
	HlWriterVerb verb;
} HlWriterHead;

typedef struct HlWriterAnswer
{
	HlWriterHead head;
	int64 id;     /* of the event "sent" */
	int sqlstate; /* 0: success */
	char message[1024];
} HlWriterAnswer;

/* Where the process begins; found by name in the library. */
#pragma GCC visibility push(default)
extern void healthlake_writer_main(Datum argument);
#pragma GCC visibility pop

#endif
