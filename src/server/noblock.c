/*
 * noblock.c
 *	  A layer above the functions by which PostgreSQL sends messages.
 *
 * PostgreSQL calls them through PqCommMethods, which points to those of the
 * layer until nothing is left in the send buffer.
 */
#include "postgres.h"

/* libpq.h would need headers of Kerberos, for what is not used here */
#undef ENABLE_GSS

#include "libpq/libpq.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"

#include "server/noblock.h"

/* The bytes that may be left in the send buffer before another message. */
#define MAX_LEFT (1024 * 1024)

/* The type of ErrorResponse. */
#define ERROR_MESSAGE 'E'

static const PQcommMethods *below = NULL;
static PQcommMethods layer;

/* The bytes that were put into the send buffer since it was empty. */
static Size left = 0;

/* Whether the last message was an error. */
static bool after_error = false;

/*
 * PostgreSQL reports an error, also FATAL, before it ends the transaction, and
 * then flushes.
 */
static bool
must_not_wait(void)
{
	return after_error || InterruptHoldoffCount > 0 || CritSectionCount > 0;
}

static void
remove_if_empty(void)
{
	if (below->is_send_pending())
		return;
	PqCommMethods = below;
	left = 0;
}

/*
 * putmessage: pqcomm.c's putmessage_noblock enlarges the buffer, and then calls
 * PqCommMethods->putmessage itself.
 */
static int
put(char type, const char *body, size_t length)
{
	after_error = type == ERROR_MESSAGE;
	if (!must_not_wait())
		return below->putmessage(type, body, length);
	left += length;
	PqCommMethods = below;
	below->putmessage_noblock(type, body, length);
	PqCommMethods = &layer;
	return 0;
}

/* flush: writes what the socket takes, or everything. */
static int
flush(void)
{
	int result = must_not_wait() ? below->flush_if_writable() : below->flush();

	remove_if_empty();
	return result;
}

bool
hl_noblock_begin(void)
{
	/* a message queue has no putmessage_noblock (libpq/pqmq.c) */
	if (whereToSendOutput == DestRemote && MyProcPort == NULL)
		return false;
	if (whereToSendOutput != DestRemote || PqCommMethods == &layer)
		return left < MAX_LEFT;
	below = PqCommMethods;
	layer = *below;
	layer.putmessage = put;
	layer.flush = flush;
	PqCommMethods = &layer;
	return true;
}
