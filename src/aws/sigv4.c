/*
 * sigv4.c
 *	  AWS Signature Version 4: canonical request, string to sign, derived key,
 *	  signature, in that order and each from the one before.
 *	  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 *
 * The stages, each computed from the one before: canonical request, string to
 * sign, derived key, signature.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
#include "aws/sigv4.h"
#include "base/calendar.h"
#include "base/percent.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE 32
#define HMAC_BLOCK_SIZE 64
#define ALGORITHM "AWS4-HMAC-SHA256"

/* The state of signing one request. */
typedef struct Signing
{
	HlSigv4Keys *keys;
	const HlSigv4Request *request;
	const HlSigv4Credentials *credentials;
	const HlSigv4Scope *scope;
	HlSigv4Signed *result;
	HlHeader headers[HL_SIGV4_MAX_HEADERS + 3]; /* sorted by name */
	int nheaders;
	bool has_token;
} Signing;

/* Positions of an encoded pair of the query. */
typedef struct QueryPair
{
	const char *text;
	size_t start;
	size_t key_len;
	size_t value_len;
} QueryPair;

/* Headers that proxies and libcurl rewrite or add, as in AWS's SDKs. */
static const char *const unsigned_headers[] = {
	"connection",
	"expect",
	"keep-alive",
	"proxy-authenticate",
	"proxy-authorization",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
	"user-agent",
	"x-amzn-trace-id",
};

static const char hex_lower[] = "0123456789abcdef";

/* Converts an ASCII letter to lower case, whatever the locale. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* Compares two header names, ignoring case. */
static int
compare_names(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b))
	{
		a++;
		b++;
	}
	return (unsigned char) lower(*a) - (unsigned char) lower(*b);
}

/* Whether a byte can be part of a header name (RFC 9110, section 5.6.2). */
static bool
is_token(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		   (c >= '0' && c <= '9') ||
		   (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Whether a string is a non-empty token. */
static bool
is_token_string(const char *string)
{
	const char *c = string;

	while (is_token((unsigned char) *c))
		c++;
	return *c == '\0' && c > string;
}

/* Whether a header's value is free of line ends and other control bytes. */
static bool
is_header_value(const char *value)
{
	for (; *value != '\0'; value++)
		if (((unsigned char) *value < 0x20 && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

bool
hl_sigv4_is_header(const HlHeader *header)
{
	return is_token_string(header->name) && is_header_value(header->value);
}

/* Whether a string can be a part of the credential scope. */
static bool
is_scope_part(const char *part)
{
	return part != NULL && *part != '\0' && is_header_value(part) &&
		   strpbrk(part, "/ \t,") == NULL;
}

/* Writes a digest as 64 lower-case digits and a zero byte. */
static void
write_hex(char *hex, const unsigned char *digest)
{
	for (int i = 0; i < DIGEST_SIZE; i++)
	{
		*hex++ = hex_lower[digest[i] >> 4];
		*hex++ = hex_lower[digest[i] & 15];
	}
	*hex = '\0';
}

/* Fetches SHA-256 and a context, once for the lifetime of the keys. */
static bool
prepare_digest(HlSigv4Keys *keys)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	if (keys->digest == NULL)
		keys->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
#else
	keys->digest = EVP_sha256();
#endif
	if (keys->context == NULL)
		keys->context = EVP_MD_CTX_new();
	return keys->digest != NULL && keys->context != NULL;
}

/* Digests two consecutive pieces. */
static bool
digest_pieces(HlSigv4Keys *keys, const HlBytes *first, const HlBytes *second,
			  unsigned char *digest)
{
	return EVP_DigestInit_ex(keys->context, keys->digest, NULL) == 1 &&
		   EVP_DigestUpdate(keys->context, first->data, first->len) == 1 &&
		   EVP_DigestUpdate(keys->context, second->data, second->len) == 1 &&
		   EVP_DigestFinal_ex(keys->context, digest, NULL) == 1;
}

/* Digests bytes; a buffer that has failed is an error. */
static bool
digest_bytes(HlSigv4Keys *keys, const void *data, size_t len,
			 unsigned char *digest)
{
	HlBytes piece = {.data = (char *) data, .len = len};
	HlBytes nothing = {0};

	return digest_pieces(keys, &piece, &nothing, digest);
}

/*
 * HMAC-SHA-256 (RFC 2104) with the digest that was fetched before: OpenSSL's
 * one-call HMAC() looks up its algorithms each time, which takes four times as
 * long. The result may overwrite the key.
 */
static bool
hmac(HlSigv4Keys *keys, const HlBytes *key, const char *text, size_t len,
	 unsigned char *result)
{
	unsigned char inner_pad[HMAC_BLOCK_SIZE] = {0};
	unsigned char outer_pad[HMAC_BLOCK_SIZE];
	unsigned char inner[DIGEST_SIZE];
	HlBytes pad = {.data = (char *) inner_pad, .len = HMAC_BLOCK_SIZE};
	HlBytes message = {.data = (char *) text, .len = len};
	bool done = true;

	if (key->len > HMAC_BLOCK_SIZE)
		done = digest_bytes(keys, key->data, key->len, inner_pad);
	else
		memcpy(inner_pad, key->data, key->len);
	for (int i = 0; i < HMAC_BLOCK_SIZE; i++)
	{
		outer_pad[i] = inner_pad[i] ^ 0x5c;
		inner_pad[i] ^= 0x36;
	}
	done = done && digest_pieces(keys, &pad, &message, inner);
	pad.data = (char *) outer_pad;
	message = (HlBytes){.data = (char *) inner, .len = DIGEST_SIZE};
	done = done && digest_pieces(keys, &pad, &message, result);
	OPENSSL_cleanse(inner_pad, sizeof(inner_pad));
	OPENSSL_cleanse(outer_pad, sizeof(outer_pad));
	OPENSSL_cleanse(inner, sizeof(inner));
	return done;
}

/* One step of the key's derivation, in place. */
static bool
derive_step(HlSigv4Keys *keys, const char *text, size_t len)
{
	HlBytes key = {.data = (char *) keys->key, .len = DIGEST_SIZE};

	return hmac(keys, &key, text, len, keys->key);
}

/* Derives the signing key of a secret for a day, a region and a service. */
static HlSigv4Outcome
derive_key(Signing *signing)
{
	HlSigv4Keys *keys = signing->keys;
	const HlSigv4Scope *scope = signing->scope;
	HlBytes secret = {.secret = true};
	HlSigv4Outcome outcome = HL_SIGV4_NO_MEMORY;

	hl_bytes_append_string(&secret, "AWS4");
	hl_bytes_append_string(&secret, signing->credentials->secret_access_key);
	if (!secret.failed &&
		hmac(keys, &secret, signing->result->amz_date, 8, keys->key) &&
		derive_step(keys, scope->region, strlen(scope->region)) &&
		derive_step(keys, scope->service, strlen(scope->service)) &&
		derive_step(keys, "aws4_request", 12))
		outcome = HL_SIGV4_OK;
	hl_bytes_wipe(&secret);
	if (outcome == HL_SIGV4_OK)
		keys->derivations++;
	return outcome;
}

/* Digests all inputs of a key, without keeping a copy of the secret. */
static bool
digest_scope(Signing *signing, unsigned char *digest)
{
	EVP_MD_CTX *context = signing->keys->context;
	const char *parts[] = {signing->scope->region, "/", signing->scope->service,
						   "/", signing->credentials->secret_access_key};
	bool done = EVP_DigestInit_ex(context, signing->keys->digest, NULL) == 1 &&
				EVP_DigestUpdate(context, signing->result->amz_date, 8) == 1;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		done =
			done && EVP_DigestUpdate(context, parts[i], strlen(parts[i])) == 1;
	return done && EVP_DigestFinal_ex(context, digest, NULL) == 1;
}

/* Derives the key, unless the last one has the same scope and secret. */
static HlSigv4Outcome
prepare_key(Signing *signing)
{
	HlSigv4Keys *keys = signing->keys;
	HlSigv4Outcome outcome = HL_SIGV4_OK;
	unsigned char scope[DIGEST_SIZE];

	if (!digest_scope(signing, scope))
		return HL_SIGV4_NO_MEMORY;
	if (keys->derivations == 0 ||
		CRYPTO_memcmp(scope, keys->scope, DIGEST_SIZE) != 0)
	{
		OPENSSL_cleanse(keys->scope, DIGEST_SIZE);
		outcome = derive_key(signing);
		if (outcome == HL_SIGV4_OK)
			memcpy(keys->scope, scope, DIGEST_SIZE);
	}
	OPENSSL_cleanse(scope, sizeof(scope));
	return outcome;
}

/* Writes a number with "count" digits. */
static char *
write_digits(char *text, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		text[i] = (char) ('0' + value % 10);
	return text + digits;
}

/* Writes the time, of 1970 or later, as 20150830T123600Z. */
static void
write_date(char *text, int64_t timestamp)
{
	int seconds = (int) (timestamp % 86400);
	int year;
	int month;
	int day;

	hl_calendar_date(timestamp / 86400, &year, &month, &day);
	text = write_digits(text, year, 4);
	text = write_digits(text, month, 2);
	text = write_digits(text, day, 2);
	*text++ = 'T';
	text = write_digits(text, seconds / 3600, 2);
	text = write_digits(text, seconds / 60 % 60, 2);
	text = write_digits(text, seconds % 60, 2);
	*text++ = 'Z';
	*text = '\0';
}

/* Whether a header is excluded from the signature. */
static bool
is_unsigned(const char *name)
{
	size_t count = sizeof(unsigned_headers) / sizeof(unsigned_headers[0]);

	for (size_t i = 0; i < count; i++)
		if (compare_names(name, unsigned_headers[i]) == 0)
			return true;
	return false;
}

/* Whether a header is one that only the signer may write. */
static bool
is_reserved(const char *name, int flags)
{
	return compare_names(name, "authorization") == 0 ||
		   compare_names(name, "x-amz-date") == 0 ||
		   compare_names(name, "x-amz-security-token") == 0 ||
		   ((flags & HL_SIGV4_SIGN_BODY) != 0 &&
			compare_names(name, "x-amz-content-sha256") == 0);
}

/* Inserts a header in order, after those of the same name. */
static void
insert_header(Signing *signing, const char *name, const char *value)
{
	int i = signing->nheaders++;

	for (; i > 0 && compare_names(signing->headers[i - 1].name, name) > 0; i--)
		signing->headers[i] = signing->headers[i - 1];
	signing->headers[i] = (HlHeader){name, value};
}

/* Checks one of the caller's headers, and inserts it if it is signed. */
static HlSigv4Outcome
take_header(Signing *signing, const HlHeader *header, int *hosts)
{
	if (!hl_sigv4_is_header(header) ||
		is_reserved(header->name, signing->request->flags))
		return HL_SIGV4_BAD_HEADER;
	if (is_unsigned(header->name))
		return HL_SIGV4_OK;
	if (signing->nheaders == HL_SIGV4_MAX_HEADERS)
		return HL_SIGV4_TOO_MANY;
	if (compare_names(header->name, "host") == 0)
		*hosts += header->value[0] != '\0' ? 1 : 2;
	insert_header(signing, header->name, header->value);
	return HL_SIGV4_OK;
}

/* Collects the signed headers by name, including the signer's own. */
static HlSigv4Outcome
gather_headers(Signing *signing)
{
	const HlSigv4Request *request = signing->request;
	HlSigv4Outcome outcome = HL_SIGV4_OK;
	int hosts = 0;

	for (int i = 0; i < request->nheaders && outcome == HL_SIGV4_OK; i++)
		outcome = take_header(signing, &request->headers[i], &hosts);
	if (outcome != HL_SIGV4_OK)
		return outcome;
	if (hosts != 1)
		return HL_SIGV4_NO_HOST;
	insert_header(signing, "x-amz-date", signing->result->amz_date);
	if (signing->has_token && (request->flags & HL_SIGV4_OMIT_TOKEN) == 0)
		insert_header(signing, "x-amz-security-token",
					  signing->credentials->session_token);
	if ((request->flags & HL_SIGV4_SIGN_BODY) != 0)
		insert_header(signing, "x-amz-content-sha256",
					  signing->result->payload_hash);
	return HL_SIGV4_OK;
}

/* Removes the last segment and the slash before it from a normalized path. */
static void
drop_segment(HlBytes *path, size_t start)
{
	while (path->len > start && hl_bytes_last(path) != '/')
		hl_bytes_cut(path, path->len - 1);
	if (path->len > start)
		hl_bytes_cut(path, path->len - 1);
}

/* Appends a piece of the path, with its escapes escaped again. */
static void
append_path_piece(HlBytes *out, const char *piece, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (piece[i] == '/')
			hl_bytes_append_char(out, '/');
		else
			hl_percent_append(out, (unsigned char) piece[i]);
}

/*
 * Appends the path without empty segments and dots (RFC 3986, section 5.2.4),
 * keeping a final slash. Every service except S3 requires this, and the
 * escaping.
 */
static void
append_normal_path(HlBytes *out, const char *path)
{
	size_t start = out->len;
	bool trailing = false;

	while (*path == '/')
	{
		size_t len = strcspn(++path, "/");

		trailing = len == 0;
		if (len == 2 && path[0] == '.' && path[1] == '.')
			drop_segment(out, start);
		else if (len > 1 || (len == 1 && path[0] != '.'))
		{
			hl_bytes_append_char(out, '/');
			append_path_piece(out, path, len);
		}
		path += len;
	}
	if (trailing || out->len == start)
		hl_bytes_append_char(out, '/');
}

static void
append_path(HlBytes *out, const char *path, bool as_is)
{
	if (as_is && *path != '\0')
		append_path_piece(out, path, strlen(path));
	else
		append_normal_path(out, path);
}

/* Adds a piece of the query, decoded once and encoded again. */
static bool
append_query_piece(HlBytes *out, const char *piece, size_t len)
{
	const char *end = piece + len;

	while (piece < end)
	{
		int c = hl_percent_take(&piece, end);

		if (c < 0)
			return false;
		hl_percent_append(out, (unsigned char) c);
	}
	return true;
}

/* Compares two runs of bytes; a prefix is less. */
static int
compare_runs(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* Orders two pairs by encoded key, then by encoded value (for qsort). */
static int
compare_pairs(const void *a, const void *b)
{
	const QueryPair *left = a;
	const QueryPair *right = b;
	int order =
		compare_runs(left->text, left->key_len, right->text, right->key_len);

	return order != 0
			   ? order
			   : compare_runs(left->text + left->key_len, left->value_len,
							  right->text + right->key_len, right->value_len);
}

/* Encodes one pair of the query and notes its place. */
static bool
encode_pair(HlBytes *encoded, const char *text, size_t len, QueryPair *pair)
{
	const char *equals = memchr(text, '=', len);
	size_t key_len = equals != NULL ? (size_t) (equals - text) : len;
	size_t value_len = equals != NULL ? len - key_len - 1 : 0;

	pair->start = encoded->len;
	if (!append_query_piece(encoded, text, key_len))
		return false;
	pair->key_len = encoded->len - pair->start;
	if (!append_query_piece(encoded, text + len - value_len, value_len))
		return false;
	pair->value_len = encoded->len - pair->start - pair->key_len;
	return true;
}

/* Adds encoded pairs in their order, each with its equals sign. */
static void
append_pairs(HlBytes *out, const HlBytes *encoded, QueryPair *pairs, int count)
{
	for (int i = 0; i < count; i++)
		pairs[i].text = encoded->data + pairs[i].start;
	qsort(pairs, (size_t) count, sizeof(QueryPair), compare_pairs);
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			hl_bytes_append_char(out, '&');
		hl_bytes_append(out, pairs[i].text, pairs[i].key_len);
		hl_bytes_append_char(out, '=');
		hl_bytes_append(out, pairs[i].text + pairs[i].key_len,
						pairs[i].value_len);
	}
}

/* Appends the encoded query pairs in order, without empty ones. */
static HlSigv4Outcome
append_query(HlBytes *out, const char *query)
{
	HlSigv4Outcome outcome = HL_SIGV4_OK;
	HlBytes encoded = {0};
	QueryPair *pairs;
	size_t room = 1;
	int count = 0;

	for (const char *c = query; *c != '\0'; c++)
		room += *c == '&';
	pairs = calloc(room, sizeof(QueryPair));
	if (pairs == NULL)
		return HL_SIGV4_NO_MEMORY;
	hl_bytes_append(&encoded, "", 0);
	while (*query != '\0' && outcome == HL_SIGV4_OK)
	{
		size_t len = strcspn(query, "&");

		if (len > 0 && !encode_pair(&encoded, query, len, &pairs[count++]))
			outcome = HL_SIGV4_BAD_REQUEST;
		query += query[len] == '&' ? len + 1 : len;
	}
	if (encoded.failed)
		outcome = HL_SIGV4_NO_MEMORY;
	if (outcome == HL_SIGV4_OK)
		append_pairs(out, &encoded, pairs, count);
	hl_bytes_free(&encoded);
	free(pairs);
	return outcome;
}

static void
append_name(HlBytes *out, const char *name)
{
	for (; *name != '\0'; name++)
		hl_bytes_append_char(out, lower(*name));
}

/*
 * Appends a header value without outer blanks, and with each run of blanks as
 * one.
 */
static void
append_value(HlBytes *out, const char *value)
{
	value += strspn(value, " \t");
	while (*value != '\0')
	{
		size_t word = strcspn(value, " \t");

		hl_bytes_append(out, value, word);
		value += word;
		value += strspn(value, " \t");
		if (*value != '\0')
			hl_bytes_append_char(out, ' ');
	}
}

/* Appends the headers, joining equal names by commas, and lists the names. */
static void
append_headers(Signing *signing, HlBytes *out, HlBytes *names)
{
	for (int i = 0; i < signing->nheaders; i++)
	{
		const HlHeader *header = &signing->headers[i];

		if (i > 0 && compare_names(header[-1].name, header->name) == 0)
			hl_bytes_append_char(out, ',');
		else
		{
			hl_bytes_append(out, "\n", i > 0);
			append_name(out, header->name);
			hl_bytes_append_char(out, ':');
			hl_bytes_append(names, ";", i > 0);
			append_name(names, header->name);
		}
		append_value(out, header->value);
	}
	hl_bytes_append_char(out, '\n');
}

/* Writes the canonical request, line by line. */
static HlSigv4Outcome
write_canonical_request(Signing *signing)
{
	const HlSigv4Request *request = signing->request;
	HlBytes *out = &signing->result->canonical_request;
	HlBytes *names = &signing->result->signed_headers;
	HlSigv4Outcome outcome = HL_SIGV4_OK;

	hl_bytes_append_string(out, request->method);
	hl_bytes_append_char(out, '\n');
	append_path(out, request->path,
				(request->flags & HL_SIGV4_PATH_AS_IS) != 0);
	hl_bytes_append_char(out, '\n');
	if (request->query != NULL)
		outcome = append_query(out, request->query);
	hl_bytes_append_char(out, '\n');
	append_headers(signing, out, names);
	hl_bytes_append_char(out, '\n');
	hl_bytes_append(out, names->data, names->len);
	hl_bytes_append_char(out, '\n');
	hl_bytes_append(out, signing->result->payload_hash, 64);
	if (outcome == HL_SIGV4_OK && (out->failed || names->failed))
		return HL_SIGV4_NO_MEMORY;
	return outcome;
}

/* Adds 20150830/us-east-1/healthlake/aws4_request. */
static void
append_scope(HlBytes *out, Signing *signing)
{
	hl_bytes_append(out, signing->result->amz_date, 8);
	hl_bytes_append_char(out, '/');
	hl_bytes_append_string(out, signing->scope->region);
	hl_bytes_append_char(out, '/');
	hl_bytes_append_string(out, signing->scope->service);
	hl_bytes_append_string(out, "/aws4_request");
}

/* Writes the string to sign, for which the canonical request is digested. */
static HlSigv4Outcome
write_string_to_sign(Signing *signing)
{
	const HlBytes *canonical = &signing->result->canonical_request;
	HlBytes *out = &signing->result->string_to_sign;
	unsigned char digest[DIGEST_SIZE];
	char hex[65];

	if (!digest_bytes(signing->keys, canonical->data, canonical->len, digest))
		return HL_SIGV4_NO_MEMORY;
	write_hex(hex, digest);
	hl_bytes_append_string(out, ALGORITHM "\n");
	hl_bytes_append(out, signing->result->amz_date, 16);
	hl_bytes_append_char(out, '\n');
	append_scope(out, signing);
	hl_bytes_append_char(out, '\n');
	hl_bytes_append(out, hex, 64);
	return out->failed ? HL_SIGV4_NO_MEMORY : HL_SIGV4_OK;
}

/* Signs the string with the derived key. */
static HlSigv4Outcome
write_signature(Signing *signing)
{
	HlSigv4Keys *keys = signing->keys;
	const HlBytes *text = &signing->result->string_to_sign;
	HlBytes key = {.data = (char *) keys->key, .len = DIGEST_SIZE};
	unsigned char digest[DIGEST_SIZE];
	HlSigv4Outcome outcome = prepare_key(signing);

	if (outcome != HL_SIGV4_OK)
		return outcome;
	if (!hmac(keys, &key, text->data, text->len, digest))
		return HL_SIGV4_NO_MEMORY;
	write_hex(signing->result->signature, digest);
	return HL_SIGV4_OK;
}

/* Writes the value of the Authorization header. */
static HlSigv4Outcome
write_authorization(Signing *signing)
{
	const HlBytes *names = &signing->result->signed_headers;
	HlBytes *out = &signing->result->authorization;

	hl_bytes_append_string(out, ALGORITHM " Credential=");
	hl_bytes_append_string(out, signing->credentials->access_key_id);
	hl_bytes_append_char(out, '/');
	append_scope(out, signing);
	hl_bytes_append_string(out, ", SignedHeaders=");
	hl_bytes_append(out, names->data, names->len);
	hl_bytes_append_string(out, ", Signature=");
	hl_bytes_append(out, signing->result->signature, 64);
	return out->failed ? HL_SIGV4_NO_MEMORY : HL_SIGV4_OK;
}

/* Refuses arguments that cannot be signed, or would inject a header. */
static HlSigv4Outcome
check_arguments(Signing *signing)
{
	const HlSigv4Request *request = signing->request;
	const HlSigv4Credentials *credentials = signing->credentials;
	const HlSigv4Scope *scope = signing->scope;

	if (!is_token_string(request->method) ||
		(request->path[0] != '\0' && request->path[0] != '/'))
		return HL_SIGV4_BAD_REQUEST;
	if (credentials->access_key_id == NULL ||
		credentials->access_key_id[0] == '\0' ||
		!is_header_value(credentials->access_key_id) ||
		credentials->secret_access_key == NULL ||
		credentials->secret_access_key[0] == '\0' ||
		(signing->has_token && !is_header_value(credentials->session_token)))
		return HL_SIGV4_BAD_CREDENTIALS;
	if (!is_scope_part(scope->region) || !is_scope_part(scope->service) ||
		scope->timestamp < 0 || scope->timestamp > HL_SIGV4_LAST_SECOND)
		return HL_SIGV4_BAD_SCOPE;
	return HL_SIGV4_OK;
}

/* Clears the result of the last request, and keeps the memory. */
static void
reset_signed(HlSigv4Signed *result)
{
	result->canonical_request.secret = true; /* it contains the session token */
	result->amz_date[0] = '\0';
	result->payload_hash[0] = '\0';
	result->signature[0] = '\0';
	hl_bytes_reset(&result->canonical_request);
	hl_bytes_reset(&result->string_to_sign);
	hl_bytes_reset(&result->signed_headers);
	hl_bytes_reset(&result->authorization);
}

/* Signs a request; the result is only valid if this returns OK. */
HlSigv4Outcome
hl_sigv4_sign(HlSigv4Keys *keys, const HlSigv4Request *request,
			  const HlSigv4Credentials *credentials, const HlSigv4Scope *scope,
			  HlSigv4Signed *result)
{
	Signing signing;
	unsigned char digest[DIGEST_SIZE];
	HlSigv4Outcome outcome;

	signing.keys = keys;
	signing.request = request;
	signing.credentials = credentials;
	signing.scope = scope;
	signing.result = result;
	signing.nheaders = 0;
	signing.has_token = credentials->session_token != NULL &&
						credentials->session_token[0] != '\0';
	reset_signed(result);
	outcome = check_arguments(&signing);
	if (outcome != HL_SIGV4_OK)
		return outcome;
	if (!prepare_digest(keys) ||
		!digest_bytes(keys, request->body, request->body_len, digest))
		return HL_SIGV4_NO_MEMORY;
	write_date(result->amz_date, scope->timestamp);
	write_hex(result->payload_hash, digest);
	outcome = gather_headers(&signing);
	if (outcome == HL_SIGV4_OK)
		outcome = write_canonical_request(&signing);
	if (outcome == HL_SIGV4_OK)
		outcome = write_string_to_sign(&signing);
	if (outcome == HL_SIGV4_OK)
		outcome = write_signature(&signing);
	if (outcome == HL_SIGV4_OK)
		outcome = write_authorization(&signing);
	if (outcome != HL_SIGV4_OK)
		reset_signed(result);
	return outcome;
}

const char *
hl_sigv4_reason(HlSigv4Outcome outcome)
{
	switch (outcome)
	{
		case HL_SIGV4_OK:
			return "signed";
		case HL_SIGV4_BAD_REQUEST:
			return "the request's method, path or query is malformed";
		case HL_SIGV4_BAD_HEADER:
			return "a header has an impossible name or value";
		case HL_SIGV4_NO_HOST:
			return "the request does not name its host exactly once";
		case HL_SIGV4_TOO_MANY:
			return "the request has too many headers";
		case HL_SIGV4_BAD_CREDENTIALS:
			return "the credentials are empty or contain control characters";
		case HL_SIGV4_BAD_SCOPE:
			return "the region, the service or the time is impossible";
		case HL_SIGV4_NO_MEMORY:
			return "out of memory";
	}
	return "unknown outcome";
}

void
hl_sigv4_wipe_keys(HlSigv4Keys *keys)
{
	EVP_MD_CTX_free(keys->context);
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	EVP_MD_free((EVP_MD *) keys->digest);
#endif
	OPENSSL_cleanse(keys, sizeof(*keys));
}

void
hl_sigv4_wipe_signed(HlSigv4Signed *result)
{
	hl_bytes_wipe(&result->canonical_request);
	hl_bytes_free(&result->string_to_sign);
	hl_bytes_free(&result->signed_headers);
	hl_bytes_free(&result->authorization);
	*result = (HlSigv4Signed){0};
}
