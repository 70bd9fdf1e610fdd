/*
 * secret.c
 *	  Copies of secrets that are wiped with their memory context.
 */
#include "postgres.h"

#include "credentials/secret.h"
#include "server/owned.h"
#include "utils/palloc.h"

/* A copy, and what wipes it. */
typedef struct Secret
{
	size_t len;
	char value[FLEXIBLE_ARRAY_MEMBER];
} Secret;

/* Memory context callback. */
static void
wipe(void *argument)
{
	Secret *secret = argument;

	explicit_bzero(secret->value, secret->len);
}

char *
hl_secret_copy(const char *value)
{
	Secret *secret;
	size_t len;

	if (value == NULL)
		return NULL;
	len = strlen(value);
	secret = hl_owned_create(offsetof(Secret, value) + len + 1, wipe);
	secret->len = len;
	memcpy(secret->value, value, len + 1);
	return secret->value;
}
