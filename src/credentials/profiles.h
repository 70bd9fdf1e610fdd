/*
 * profiles.h
 *	  AWS's config and credentials files, kept until they change on disk, and
 *	  then wiped. Returned strings point into them: they are valid until the
 *	  files are read again, which happens only at the beginning of a call.
 */
#ifndef HL_CREDENTIALS_PROFILES_H
#define HL_CREDENTIALS_PROFILES_H

#include "postgres.h"

#include "aws/profile.h"

/* Reads both files unless they are unchanged. */
extern void hl_profiles_read(void);

/* Both files merged; a file with a fault is left out. */
extern const HlProfiles *hl_profiles_kept(void);

/* The fault of a file, with its name and line; NULL: none. */
extern const char *hl_profiles_fault(HlProfileFile file);

/* The hint for the fault; or NULL. */
extern const char *hl_profiles_hint(HlProfileFile file);

/* Appends what was read to the input of a digest. */
extern void hl_profiles_mark(HlBytes *bytes);

/* Wipes what was read. */
extern void hl_profiles_forget(void);

/* The hint for a missing profile; %s is the setting that names it. */
#define HL_PROFILES_MISSING_HINT                                               \
	"Correct %s, or add the profile to AWS's config file as [profile NAME], "  \
	"or to the credentials file as [NAME]."

#endif
