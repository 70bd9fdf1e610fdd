/*
 * keychain.h
 *	  Credentials in malloc'd memory, reference-counted and wiped at the last
 *	  release. Issued credentials are kept for further calls of the backend, by
 *	  a digest of all their inputs: settings, files, roles.
 */
#ifndef HL_CREDENTIALS_KEYCHAIN_H
#define HL_CREDENTIALS_KEYCHAIN_H

#include "postgres.h"

#include "aws/issued.h"
#include "aws/refresh.h"

#define HL_KEYCHAIN_KEY 32

typedef struct HlHeld
{
	int holds;
	unsigned char key[HL_KEYCHAIN_KEY];
	HlIssued issued; /* empty if only a failure is kept */
	HlLease lease;
	int64 forget_at; /* steady clock: until then the failure is valid */
	char failure[512];
	char hint[512];
} HlHeld;

/* Finds kept credentials, without holding them; NULL: none. */
extern HlHeld *hl_keychain_find(const unsigned char *key);

/*
 * Keeps credentials, replacing those with the same key. Takes "issued" over.
 * NULL: out of memory.
 */
extern HlHeld *hl_keychain_add(const unsigned char *key, HlIssued *issued);

/* Holds credentials that are not kept; the caller's release wipes them. */
extern HlHeld *hl_keychain_lend(HlIssued *issued);

extern void hl_keychain_hold(HlHeld *held);
extern void hl_keychain_release(HlHeld *held);

/* Releases everything that is kept; false: there was nothing. */
extern bool hl_keychain_forget(void);

#endif
