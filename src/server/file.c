/*
 * file.c
 *	  Reads small files outside the data directory.
 */
#include "postgres.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "server/file.h"
#include "storage/fd.h"

#define MAX_SIZE (1024 * 1024)

/* Copies the fields that identify a version of a file. */
static HlFileStamp
stamp_of(const struct stat *status)
{
	HlFileStamp stamp = {.exists = true,
						 .device = status->st_dev,
						 .inode = status->st_ino,
						 .size = status->st_size,
						 .changed = status->st_mtim,
						 .mode = status->st_mode,
						 .owner = status->st_uid};

	return stamp;
}

HlFileStamp
hl_file_stamp(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return (HlFileStamp){0};
	return stamp_of(&status);
}

bool
hl_file_is_same(const HlFileStamp *one, const HlFileStamp *other)
{
	return one->exists == other->exists && one->device == other->device &&
		   one->inode == other->inode && one->size == other->size &&
		   one->changed.tv_sec == other->changed.tv_sec &&
		   one->changed.tv_nsec == other->changed.tv_nsec &&
		   one->mode == other->mode && one->owner == other->owner;
}

/*
 * The rule of PostgreSQL for its own key file: a file of root may be readable
 * by its group.
 */
bool
hl_file_is_private(const HlFileStamp *stamp)
{
	mode_t forbidden = stamp->owner == 0 && geteuid() != 0
						   ? S_IWGRP | S_IXGRP | S_IRWXO
						   : S_IRWXG | S_IRWXO;

	return (stamp->mode & forbidden) == 0;
}

static char *
read_all(int fd, const char *path, HlBytes *bytes)
{
	char piece[4096];
	char *reason = NULL;
	ssize_t len;

	while ((len = read(fd, piece, sizeof(piece))) > 0 &&
		   bytes->len + len <= MAX_SIZE)
		hl_bytes_append(bytes, piece, len);
	if (len < 0)
		reason = psprintf("could not read file \"%s\": %m", path);
	else if (len > 0)
		reason = psprintf("file \"%s\" is larger than 1 MB", path);
	else if (bytes->failed)
		reason = pstrdup("out of memory");
	explicit_bzero(piece, sizeof(piece));
	return reason;
}

char *
hl_file_read(const char *path, HlBytes *bytes, HlFileStamp *stamp)
{
	/* the backend must not block on a FIFO */
	int fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY |
										 O_CLOEXEC | PG_BINARY);
	struct stat status;
	char *reason;

	bytes->secret = true;
	hl_bytes_reset(bytes);
	if (fd < 0)
		return psprintf("could not open file \"%s\": %m", path);
	if (fstat(fd, &status) != 0)
		reason = psprintf("could not read file \"%s\": %m", path);
	else if (!S_ISREG(status.st_mode))
		reason = psprintf("\"%s\" is not a file", path);
	else
	{
		*stamp = stamp_of(&status);
		reason = read_all(fd, path, bytes);
	}
	CloseTransientFile(fd);
	return reason;
}

/* Removes whitespace at the end. */
void
hl_file_trim(HlBytes *bytes)
{
	while (bytes->len > 0 && strchr(" \t\r\n", hl_bytes_last(bytes)) != NULL)
		hl_bytes_cut(bytes, bytes->len - 1);
}

/* The home directory of the server's user. */
const char *
hl_file_home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (home != NULL && home[0] != '\0')
		return home;
	user = getpwuid(geteuid());
	return user != NULL ? user->pw_dir : NULL;
}

/* Replaces a ~ by the home directory. */
char *
hl_file_expand(const char *path)
{
	const char *home = path[0] == '~' && (path[1] == '/' || path[1] == '\0')
						   ? hl_file_home()
						   : NULL;

	return home != NULL ? psprintf("%s%s", home, path + 1) : pstrdup(path);
}
