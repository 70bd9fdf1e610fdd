/*
 * keychain.h
 *	  Credentials in memory of their own, reference-counted and wiped at the
 *	  last release. Issued ones are kept for further calls of the backend,
 *	  under a digest of all that they came from: settings, files, roles.
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
	HlIssued issued; /* empty where only a failure is remembered */
	HlLease lease;
	int64 forget_at; /* until then, steady, the failure holds */
	char failure[512];
	char hint[512];
} HlHeld;

/* What is kept under a key; NULL: nothing. */
extern HlHeld *hl_keychain_find(const unsigned char *key);

/* Keeps something under a key, in place of what was there; NULL: no memory. */
extern HlHeld *hl_keychain_add(const unsigned char *key, HlIssued *issued);

/* Holds something that is not kept: it is wiped by its one release. */
extern HlHeld *hl_keychain_lend(HlIssued *issued);

extern void hl_keychain_hold(HlHeld *held);
extern void hl_keychain_release(HlHeld *held);

/* Lets go of everything; false: there was nothing. */
extern bool hl_keychain_forget(void);

#endif
