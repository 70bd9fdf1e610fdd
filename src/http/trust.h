/*
 * trust.h
 *	  The trusted certificate authorities: a file, or a folder that "openssl
 *	  rehash" or the distribution has hashed. What was read is kept across
 *	  connections, since reading a distribution's bundle takes longer than a
 *	  call: of a file until it changes, of a folder for at most a minute. If
 *	  libcurl uses another TLS library than this OpenSSL, libcurl reads the
 *	  authorities itself.
 */
#ifndef HL_HTTP_TRUST_H
#define HL_HTTP_TRUST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <curl/curl.h>

typedef struct HlTrust
{
	bool known;         /* system was determined */
	const char *system; /* folder or file of the system; NULL: none */
	char *path;         /* what store was read from; NULL: nothing */
	struct stat stamp;  /* of path when it was read */
	int64_t read_at;    /* in microseconds of the caller's clock */
	void *store;
	char reason[256]; /* why path could not be read */
} HlTrust;

/* Whether libcurl's TLS library is this OpenSSL. */
extern bool hl_trust_is_ours(void);

/* The file or folder to use; bundle "" is the system's. NULL: there is none. */
extern const char *hl_trust_path(HlTrust *trust, const char *bundle);
extern bool hl_trust_is_folder(const char *path);

/*
 * Makes an SSL_CTX (context) trust the bundle. now is in microseconds of a
 * monotonic clock.
 */
extern CURLcode hl_trust_use(HlTrust *trust, const char *bundle, int64_t now,
							 void *context);

extern void hl_trust_free(HlTrust *trust);

#endif
