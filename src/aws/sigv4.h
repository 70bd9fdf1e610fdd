/*
 * sigv4.h
 *	  AWS Signature Version 4, the header form: from a request to the value of
 *	  its Authorization header, with the text of each stage for tests.
 *	  HlSigv4Keys and HlSigv4Signed start zeroed, are the caller's, serve many
 *	  requests and end in hl_sigv4_wipe_*; everything else is only read.
 */
#ifndef HL_AWS_SIGV4_H
#define HL_AWS_SIGV4_H

#include <openssl/evp.h>
#include "base/bytes.h"
#include "http/header.h"

#define HL_SIGV4_MAX_HEADERS 64
#define HL_SIGV4_LAST_SECOND 253402300799LL /* of the year 9999 */

typedef enum HlSigv4Outcome
{
	HL_SIGV4_OK,
	HL_SIGV4_BAD_REQUEST,     /* no method, no path, or a malformed escape */
	HL_SIGV4_BAD_HEADER,      /* control bytes, no token, or reserved */
	HL_SIGV4_NO_HOST,         /* not exactly one Host header */
	HL_SIGV4_TOO_MANY,        /* more than HL_SIGV4_MAX_HEADERS headers */
	HL_SIGV4_BAD_CREDENTIALS, /* empty, or not valid in a header */
	HL_SIGV4_BAD_SCOPE,       /* region, service or time */
	HL_SIGV4_NO_MEMORY        /* or OpenSSL failed */
} HlSigv4Outcome;

#define HL_SIGV4_PATH_AS_IS 1 /* do not normalize the path */
#define HL_SIGV4_SIGN_BODY 2  /* add and sign X-Amz-Content-Sha256 */
#define HL_SIGV4_OMIT_TOKEN 4 /* send the session token, but do not sign it */

/*
 * Path and query as in the request line, with escapes (query NULL: none).
 * Headers that proxies rewrite are not signed; X-Amz-Date, -Security-Token
 * and, with SIGN_BODY, -Content-Sha256 are. The caller must send these.
 */
typedef struct HlSigv4Request
{
	const char *method;
	const char *path;
	const char *query;
	const HlHeader *headers;
	int nheaders;
	const void *body;
	size_t body_len;
	int flags; /* HL_SIGV4_PATH_AS_IS and so on */
} HlSigv4Request;

typedef struct HlSigv4Credentials
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL or "": none */
} HlSigv4Credentials;

typedef struct HlSigv4Scope
{
	const char *region;
	const char *service;
	long long timestamp; /* seconds since 1970, UTC */
} HlSigv4Scope;

/* The signing key of the last day, region, service and secret. */
typedef struct HlSigv4Keys
{
	const EVP_MD *digest;
	EVP_MD_CTX *context;
	unsigned char scope[32]; /* digest of the key's inputs */
	unsigned char key[32];
	unsigned long derivations;
} HlSigv4Keys;

/* The header values to send, and the texts of the stages. */
typedef struct HlSigv4Signed
{
	char amz_date[17];
	char payload_hash[65];
	char signature[65];
	HlBytes canonical_request;
	HlBytes string_to_sign;
	HlBytes signed_headers;
	HlBytes authorization;
} HlSigv4Signed;

extern HlSigv4Outcome hl_sigv4_sign(HlSigv4Keys *keys,
									const HlSigv4Request *request,
									const HlSigv4Credentials *credentials,
									const HlSigv4Scope *scope,
									HlSigv4Signed *result);

/* Whether a name is a token, and a value has no control bytes except tabs. */
extern bool hl_sigv4_is_header(const HlHeader *header);
/* A static text for an outcome; it quotes nothing of the request. */
extern const char *hl_sigv4_reason(HlSigv4Outcome outcome);
extern void hl_sigv4_wipe_keys(HlSigv4Keys *keys);
extern void hl_sigv4_wipe_signed(HlSigv4Signed *result);

#endif
