/*
 * trust.c
 *	  Certificate authorities, read once.
 *
 * libcurl reads them for each connection, or keeps what it has read of a file
 * (never of a folder) with its multi handle for a while. Here an X509_STORE is
 * kept instead, and given to each SSL_CTX. A folder is not read at all: OpenSSL
 * looks the one authority up that it needs, by its hash, and keeps that.
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

/* How libcurl verifies: an intermediate that is trusted is enough. */
#define VERIFY_FLAGS (X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN)

/* How long what was found in a folder is kept, in microseconds. */
#define FOLDER_KEPT (60 * INT64_C(1000000))

/* Whether a name is a hash as OpenSSL looks for: 02265526.0. */
static bool
is_hash(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
		   name[9] >= '0' && name[9] <= '9';
}

/* Whether there is a folder that has such names. */
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

/* What libcurl was built with: the folder if it is hashed, else the file. */
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

/* Forgets what was read. */
static void
forget(HlTrust *trust)
{
	X509_STORE_free(trust->store);
	free(trust->path);
	trust->store = NULL;
	trust->path = NULL;
}

/*
 * Whether a file or folder is as it was when it was read. Who writes a file may
 * set its time of modification, but not that of its change.
 */
static bool
is_same(const struct stat *now, const struct stat *then)
{
	return now->st_dev == then->st_dev && now->st_ino == then->st_ino &&
		   now->st_size == then->st_size &&
		   now->st_ctim.tv_sec == then->st_ctim.tv_sec &&
		   now->st_ctim.tv_nsec == then->st_ctim.tv_nsec;
}

/* Says why authorities cannot be had. */
static CURLcode
refuse(HlTrust *trust, const char *why, const char *path)
{
	snprintf(trust->reason, sizeof(trust->reason), "%s: %s", why, path);
	return CURLE_SSL_CACERT_BADFILE;
}

/* Puts a file or folder into the store. */
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
 * Whether what was read of a path may still be used. What becomes of the files
 * in a folder, or of what their links lead to, does not change the folder.
 */
static bool
is_fresh(const HlTrust *trust, const char *path, const struct stat *stamp,
		 int64_t now)
{
	return trust->store != NULL && strcmp(trust->path, path) == 0 &&
		   is_same(stamp, &trust->stamp) &&
		   (!S_ISDIR(stamp->st_mode) || now - trust->read_at < FOLDER_KEPT);
}

/* Reads what a path has, unless that is what is there. */
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
	/* what is left there would be taken for the fault of something else */
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
