/*
 * profiles.h
 *	  AWS's config and credentials files, kept as they were read until they
 *	  change on disk, and then wiped. Returned strings point into them: they
 *	  are valid until the files are read again, which happens only at the
 *	  beginning of a call.
 */
#ifndef HL_CREDENTIALS_PROFILES_H
#define HL_CREDENTIALS_PROFILES_H

#include "postgres.h"

#include "aws/profile.h"

/* Reads both files, unless they are as they were. */
extern void hl_profiles_read(void);

/* Both files as one, as they were read; one that has a fault is left out. */
extern const HlProfiles *hl_profiles_kept(void);

/* What is wrong with a file, with its name and line; NULL: nothing. */
extern const char *hl_profiles_fault(HlProfileFile file);

/* What to do about it; NULL: nothing better than that. */
extern const char *hl_profiles_hint(HlProfileFile file);

/* Where a file is, or would be, and whether it is there; palloc'd. */
extern char *hl_profiles_path(HlProfileFile file, bool *exists);

/* Digests what was read, for whoever keeps what came of it. */
extern void hl_profiles_mark(HlBytes *bytes);

/* Wipes what was read. */
extern void hl_profiles_forget(void);

/* What to do about a profile that is not there; %s names it. */
#define HL_PROFILES_MISSING_HINT                                               \
	"Correct %s, or add the profile to AWS's config file as [profile NAME], "  \
	"or to the credentials file as [NAME]."

#endif
