/*
 * sigv4.h
 *	  AWS Signature Version 4, the header form: from a request to the value of
 *	  its Authorization header, each stage's text kept for whoever tests it.
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
	HL_SIGV4_BAD_HEADER,      /* control bytes, no token, one of the signer's */
	HL_SIGV4_NO_HOST,         /* a request names its host, exactly once */
	HL_SIGV4_TOO_MANY,        /* more than HL_SIGV4_MAX_HEADERS headers */
	HL_SIGV4_BAD_CREDENTIALS, /* an empty key, or bytes no header can have */
	HL_SIGV4_BAD_SCOPE,       /* region, service or time */
	HL_SIGV4_NO_MEMORY        /* or OpenSSL has none: every one has SHA-256 */
} HlSigv4Outcome;

#define HL_SIGV4_PATH_AS_IS 1 /* dots and doubled slashes stay in the path */
#define HL_SIGV4_SIGN_BODY 2  /* signs X-Amz-Content-Sha256 too */
#define HL_SIGV4_OMIT_TOKEN 4 /* the session token is sent, but not signed */

/*
 * Path and query as in the request line, escapes and all (NULL query: none).
 * What proxies rewrite among the headers is not signed. X-Amz-Date, -Security-
 * Token and, with SIGN_BODY, -Content-Sha256 are added; the caller sends them.
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
	int flags; /* joined */
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
	unsigned char scope[32]; /* a digest of what the key was derived for */
	unsigned char key[32];
	unsigned long derivations;
} HlSigv4Keys;

/* Header values to send, and the stages that led to them. */
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

/* What was wrong, in words that quote nothing of the request. */
extern const char *hl_sigv4_reason(HlSigv4Outcome outcome);

extern void hl_sigv4_wipe_keys(HlSigv4Keys *keys);
extern void hl_sigv4_wipe_signed(HlSigv4Signed *result);

#endif
