/*
 * profiles.c
 *	  Reads AWS's config and credentials files.
 */
#include "postgres.h"

#include "access/xact.h"

#include "base/line.h"
#include "credentials/profiles.h"
#include "server/clock.h"
#include "server/file.h"
#include "server/settings.h"
#include "server/text.h"
#include "storage/ipc.h"

#define FILES 2

/* A statement checks the files at most once in this time, in milliseconds. */
#define LOOKED_AT_FOR 1000

/* One of the two files. */
typedef struct Source
{
	char path[MAXPGPATH];
	bool named; /* by a setting or variable: it must exist */
	HlFileStamp stamp;
	char fault[512]; /* "": none */
	bool exposed;    /* the fault: other users can read it */
} Source;

/* The parsed files, and their state when they were read. */
static struct
{
	bool read;
	bool guarded;
	TimestampTz statement; /* time and statement of the last check */
	int64 looked_at;
	uint64 generation; /* of the settings */
	Source sources[FILES];
	HlProfiles profiles;
} kept;

static void
forget_at_exit(int code, Datum unused)
{
	hl_profiles_forget();
}

void
hl_profiles_forget(void)
{
	hl_profile_wipe(&kept.profiles);
	kept.read = false;
}

/* Finds the path of a file and its origin. */
static void
locate(HlProfileFile file, Source *source)
{
	bool config = file == HL_PROFILE_CONFIG;
	const char *setting =
		config ? hl_settings.config_file : hl_settings.credentials_file;
	const char *variable =
		getenv(config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
	const char *standard = config ? "~/.aws/config" : "~/.aws/credentials";
	char *path;

	*source = (Source){.named = setting != NULL && setting[0] != '\0'};
	if (source->named)
		path = hl_file_expand(setting);
	else if (variable != NULL && variable[0] != '\0')
		path = hl_file_expand(variable);
	else
		path = hl_file_expand(standard);
	strlcpy(source->path, path, sizeof(source->path));
	pfree(path);
	source->stamp = hl_file_stamp(source->path);
}

/* Records the fault of a file. */
static void
blame(Source *source, const char *fault)
{
	hl_line_copy(source->fault, sizeof(source->fault), fault, strlen(fault));
}

/* Whether a file contains secrets, so that only the server may read it. */
static bool
holds_secrets(const HlProfiles *profiles)
{
	for (int i = 0; i < profiles->count; i++)
		if (hl_profile_value(&profiles->profiles[i], "aws_secret_access_key") ||
			hl_profile_value(&profiles->profiles[i], "aws_session_token"))
			return true;
	return false;
}

/* Refuses a file with secrets that others can read. */
static bool
is_exposed(HlProfileFile file, Source *source, const HlProfiles *alone)
{
	source->exposed = !hl_file_is_private(&source->stamp) &&
					  (file == HL_PROFILE_CREDENTIALS || holds_secrets(alone));
	if (source->exposed)
		blame(source,
			  psprintf("file \"%s\" has group or world access", source->path));
	return source->exposed;
}

/*
 * Reads a file, or records its fault. Lack of memory is thrown, since as a
 * fault it would be kept until the file changes.
 */
static void
take_in(HlProfileFile file, Source *source)
{
	HlBytes bytes = {0};
	HlProfiles alone = {0};
	char *reason;
	bool lost;

	if (!source->stamp.exists && !source->named)
		return;
	reason = hl_file_read(source->path, &bytes, &source->stamp);
	if (reason != NULL)
		blame(source, reason);
	else if (!hl_profile_read(&alone, file, hl_bytes_string(&bytes), bytes.len))
		blame(source, psprintf("file \"%s\", line %d: %s", source->path,
							   alone.line, alone.reason));
	else if (!is_exposed(file, source, &alone) &&
			 !hl_profile_read(&kept.profiles, file, hl_bytes_string(&bytes),
							  bytes.len))
		blame(source, kept.profiles.reason);
	lost = bytes.failed || alone.no_memory || kept.profiles.no_memory;
	hl_profile_wipe(&alone);
	hl_bytes_wipe(&bytes);
	hl_text_refuse_memory(lost);
}

/*
 * Whether the files were checked recently: they are checked in each statement,
 * and once a second in long ones and in workers.
 */
static bool
was_looked_at(void)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	int64 now = hl_clock_steady_ms();
	bool lately = kept.read && kept.generation == hl_settings_generation &&
				  kept.statement == statement &&
				  now - kept.looked_at < LOOKED_AT_FOR;

	if (!lately)
	{
		kept.statement = statement;
		kept.looked_at = now;
	}
	return lately;
}

void
hl_profiles_read(void)
{
	Source now[FILES];
	bool same = kept.read && kept.generation == hl_settings_generation;

	if (was_looked_at())
		return;

	for (int i = 0; i < FILES; i++)
	{
		locate((HlProfileFile) i, &now[i]);
		same = same && strcmp(now[i].path, kept.sources[i].path) == 0 &&
			   now[i].named == kept.sources[i].named &&
			   hl_file_is_same(&now[i].stamp, &kept.sources[i].stamp);
	}
	if (same)
		return;
	hl_profiles_forget();
	if (!kept.guarded)
		on_proc_exit(forget_at_exit, (Datum) 0);
	kept.guarded = true;
	memcpy(kept.sources, now, sizeof(now));
	for (int i = 0; i < FILES; i++)
		take_in((HlProfileFile) i, &kept.sources[i]);
	kept.read = true;
	kept.generation = hl_settings_generation;
}

const HlProfiles *
hl_profiles_kept(void)
{
	if (!kept.read)
		hl_profiles_read();
	return &kept.profiles;
}

const char *
hl_profiles_fault(HlProfileFile file)
{
	const char *fault = kept.sources[file].fault;

	return fault[0] != '\0' ? fault : NULL;
}

const char *
hl_profiles_hint(HlProfileFile file)
{
	return kept.sources[file].exposed
			   ? "File must have permissions u=rw (0600) or less if owned by "
				 "the server's user, or permissions u=rw,g=r (0640) or less if "
				 "owned by root."
			   : NULL;
}

void
hl_profiles_mark(HlBytes *bytes)
{
	for (int i = 0; i < FILES; i++)
	{
		const Source *source = &kept.sources[i];
		const HlFileStamp *stamp = &source->stamp;

		hl_bytes_append(bytes, source->path, strlen(source->path) + 1);
		hl_bytes_append(bytes, &stamp->device, sizeof(stamp->device));
		hl_bytes_append(bytes, &stamp->inode, sizeof(stamp->inode));
		hl_bytes_append(bytes, &stamp->size, sizeof(stamp->size));
		hl_bytes_append(bytes, &stamp->changed.tv_sec,
						sizeof(stamp->changed.tv_sec));
		hl_bytes_append(bytes, &stamp->changed.tv_nsec,
						sizeof(stamp->changed.tv_nsec));
	}
}
