/*
 * secret.h
 *	  Copies of secrets in palloc'd memory. A reload of the configuration frees
 *	  the string of a setting, and a changed file that of a profile, so a copy
 *	  is needed across waits.
 */
#ifndef HL_CREDENTIALS_SECRET_H
#define HL_CREDENTIALS_SECRET_H

/*
 * Copies to CurrentMemoryContext; the copy is wiped when that is reset or
 * deleted, and must not be freed before. NULL for NULL.
 */
extern char *hl_secret_copy(const char *value);

#endif
