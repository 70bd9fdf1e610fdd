/*
 * asked.h
 *	  The patients that a request to the data plane names: in its path, in the
 *	  parameters of a search, in the URLs of a Bundle's entries, and in the
 *	  input of an operation. A reply discloses something of them even if it
 *	  does not name them.
 */
#ifndef HL_AUDIT_ASKED_H
#define HL_AUDIT_ASKED_H

#include "audit/names.h"
#include "model/request.h"

extern void hl_asked_add(HlNames *patients, const HlRequest *request);

#endif
