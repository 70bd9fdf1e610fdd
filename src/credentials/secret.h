/*
 * secret.h
 *	  Copies of secrets in palloc'd memory. A setting's string is freed by a
 *	  reload of the configuration file, and a profile's when its file changes,
 *	  so whoever waits in between needs a copy.
 */
#ifndef HL_CREDENTIALS_SECRET_H
#define HL_CREDENTIALS_SECRET_H

/*
 * A copy in CurrentMemoryContext, wiped when that is reset or deleted; it must
 * not be freed before. NULL for NULL.
 */
extern char *hl_secret_copy(const char *value);

#endif
