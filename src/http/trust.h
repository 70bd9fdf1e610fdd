/*
 * trust.h
 *	  Whose certificates are trusted: authorities in a file, or in a folder that
 *	  "openssl rehash" or the distribution has hashed. What was read of them is
 *	  kept, however often connections are closed, until the file changes, and of
 *	  a folder for a minute at most: a bundle of a distribution takes longer to
 *	  read than a call. Where libcurl
 *	  is on another TLS library than this OpenSSL, it reads them by itself.
 */
#ifndef HL_HTTP_TRUST_H
#define HL_HTTP_TRUST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <curl/curl.h>

typedef struct HlTrust
{
	bool known;         /* what the system's authorities are */
	const char *system; /* their folder or file; NULL: there are none */
	char *path;         /* what was read; NULL: nothing */
	struct stat stamp;  /* as it was then */
	int64_t read_at;    /* microseconds of the caller's clock */
	void *store;
	char reason[256]; /* why the last could not be read */
} HlTrust;

/* Whether libcurl's TLS library is this OpenSSL. */
extern bool hl_trust_is_ours(void);

/* The file or folder to use; "" stands for the system's. NULL: there is none. */
extern const char *hl_trust_path(HlTrust *trust, const char *bundle);
extern bool hl_trust_is_folder(const char *path);

/* Has an SSL_CTX trust them; now: microseconds of a clock never set back. */
extern CURLcode hl_trust_use(HlTrust *trust, const char *bundle, int64_t now,
							 void *context);

/* Gives all that was read back. */
extern void hl_trust_free(HlTrust *trust);

#endif
