/*
 * trust.c
 *	  Certificate authorities, read once.
 *
 * libcurl reads them for each connection, or caches for a while what it has
 * read of a file (never of a folder). Here an X509_STORE is kept instead and
 * given to each SSL_CTX. A folder is not read as a whole: OpenSSL looks up the
 * authority it needs by its hash, and keeps it.
 */
#include "http/trust.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

/* As libcurl does: a trusted intermediate certificate is enough. */
#define VERIFY_FLAGS (X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN)

/* How long certificates found in a folder are kept, in microseconds. */
#define FOLDER_KEPT (60 * INT64_C(1000000))

/* Whether a file name is a subject hash as OpenSSL uses: 02265526.0. */
static bool
is_hash(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
		   name[9] >= '0' && name[9] <= '9';
}

static bool
is_hashed(const char *path)
{
	DIR *folder = path == NULL ? NULL : opendir(path);
	struct dirent *entry;
	bool found = false;

	if (folder == NULL)
		return false;
	while (!found && (entry = readdir(folder)) != NULL)
		found = is_hash(entry->d_name);
	closedir(folder);
	return found;
}

/* libcurl's default: the folder if it is hashed, else the file. */
static const char *
system_path(void)
{
	curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

	if (version->age < CURLVERSION_SEVENTH)
		return NULL;
	return is_hashed(version->capath) ? version->capath : version->cainfo;
}

const char *
hl_trust_path(HlTrust *trust, const char *bundle)
{
	if (bundle[0] != '\0')
		return bundle;
	if (!trust->known)
		trust->system = system_path();
	trust->known = true;
	return trust->system;
}

bool
hl_trust_is_ours(void)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	const char *name = curl_version_info(CURLVERSION_NOW)->ssl_version;
	const char *ours = OpenSSL_version(OPENSSL_VERSION_STRING);
	size_t len = strlen(ours);

	return name != NULL && strncmp(name, "OpenSSL/", 8) == 0 &&
		   strncmp(name + 8, ours, len) == 0 && name[8 + len] == '\0';
#else
	return false;
#endif
}

static void
forget(HlTrust *trust)
{
	X509_STORE_free(trust->store);
	free(trust->path);
	trust->store = NULL;
	trust->path = NULL;
}

/*
 * Whether a file or folder is unchanged since it was read. A writer can set
 * the modification time, but not the change time (ctime).
 */
static bool
is_same(const struct stat *now, const struct stat *then)
{
	return now->st_dev == then->st_dev && now->st_ino == then->st_ino &&
		   now->st_size == then->st_size &&
		   now->st_ctim.tv_sec == then->st_ctim.tv_sec &&
		   now->st_ctim.tv_nsec == then->st_ctim.tv_nsec;
}

static CURLcode
refuse(HlTrust *trust, const char *why, const char *path)
{
	snprintf(trust->reason, sizeof(trust->reason), "%s: %s", why, path);
	return CURLE_SSL_CACERT_BADFILE;
}

static CURLcode
fill_store(HlTrust *trust, const char *path)
{
	bool folder = S_ISDIR(trust->stamp.st_mode);

	if (folder && !is_hashed(path))
		return refuse(trust, "no hashed certificates in folder", path);
	X509_STORE_set_flags(trust->store, VERIFY_FLAGS);
	if (X509_STORE_load_locations(trust->store, folder ? NULL : path,
								  folder ? path : NULL) == 1)
		return CURLE_OK;
	if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
		return CURLE_OUT_OF_MEMORY;
	return refuse(trust, "error setting certificate file", path);
}

/*
 * Whether the store may still be used. Changes to files in a folder, or to
 * targets of its links, do not change the folder; hence the time limit.
 */
static bool
is_fresh(const HlTrust *trust, const char *path, const struct stat *stamp,
		 int64_t now)
{
	return trust->store != NULL && strcmp(trust->path, path) == 0 &&
		   is_same(stamp, &trust->stamp) &&
		   (!S_ISDIR(stamp->st_mode) || now - trust->read_at < FOLDER_KEPT);
}

/* Reads a path unless the store already has it. */
static CURLcode
read_path(HlTrust *trust, const char *path, int64_t now)
{
	struct stat stamp;
	CURLcode code;

	trust->reason[0] = '\0';
	if (stat(path, &stamp) != 0)
	{
		forget(trust);
		return refuse(trust, "error setting certificate file", path);
	}
	if (is_fresh(trust, path, &stamp, now))
		return CURLE_OK;
	forget(trust);
	trust->stamp = stamp;
	trust->read_at = now;
	trust->path = strdup(path);
	trust->store = X509_STORE_new();
	if (trust->path != NULL && trust->store != NULL)
		code = fill_store(trust, path);
	else
		code = CURLE_OUT_OF_MEMORY;
	if (code != CURLE_OK)
		forget(trust);
	/* a queued error would be reported with a later failure */
	ERR_clear_error();
	return code;
}

CURLcode
hl_trust_use(HlTrust *trust, const char *bundle, int64_t now, void *context)
{
	const char *path = hl_trust_path(trust, bundle);
	CURLcode code = CURLE_OK;

	if (path == NULL)
		forget(trust);
	else
		code = read_path(trust, path, now);
	if (code == CURLE_OK && trust->store != NULL)
		SSL_CTX_set1_cert_store(context, trust->store);
	return code;
}

bool
hl_trust_is_folder(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

void
hl_trust_free(HlTrust *trust)
{
	forget(trust);
}
