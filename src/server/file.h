/*
 * file.h
 *	  Small files outside of the data directory: credentials and tokens. The
 *	  caller owns the contents and wipes them. A reason is palloc'd, names the
 *	  file, and quotes no part of it.
 */
#ifndef HL_SERVER_FILE_H
#define HL_SERVER_FILE_H

#include "postgres.h"

#include <sys/stat.h>

#include "base/bytes.h"

/* The fields that change when a file changes. */
typedef struct HlFileStamp
{
	bool exists;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
	mode_t mode;
	uid_t owner;
} HlFileStamp;

/* Examines a file; if stat() fails, the file does not exist. */
extern HlFileStamp hl_file_stamp(const char *path);
extern bool hl_file_is_same(const HlFileStamp *one, const HlFileStamp *other);

/* Whether only the server's user and root can read a file. */
extern bool hl_file_is_private(const HlFileStamp *stamp);

/* Reads a whole file. Returns NULL, or the reason of a failure. */
extern char *hl_file_read(const char *path, HlBytes *bytes, HlFileStamp *stamp);

/* Removes whitespace at the end of a token. */
extern void hl_file_trim(HlBytes *bytes);

/* The home directory of the server's user; NULL: it has none. */
extern const char *hl_file_home(void);

/* Replaces a leading ~ by the home directory; palloc'd. */
extern char *hl_file_expand(const char *path);

#endif
