/*
 * profile.h
 *	  AWS's profile files (config and credentials), by the grammar that its
 *	  SDKs share. An HlProfiles starts zeroed, takes in one file after the
 *	  other, owns all strings, which may be secrets, and ends in
 *	  hl_profile_wipe(). Nothing here opens a file.
 */
#ifndef HL_AWS_PROFILE_H
#define HL_AWS_PROFILE_H

#include "base/bytes.h"

typedef enum HlProfileFile
{
	HL_PROFILE_CONFIG,     /* [default], [profile x], [sso-session x] ... */
	HL_PROFILE_CREDENTIALS /* [default], [x] */
} HlProfileFile;

typedef enum HlProfileKind
{
	HL_PROFILE_PROFILE,
	HL_PROFILE_SSO_SESSION,
	HL_PROFILE_SERVICES
} HlProfileKind;

typedef struct HlProfileProperty
{
	char *name;    /* in lower case */
	HlBytes value; /* continued lines follow a newline each */
} HlProfileProperty;

typedef struct HlProfile
{
	HlProfileKind kind;
	char *name;
	HlProfileProperty *properties;
	int nproperties;
} HlProfile;

typedef struct HlProfiles
{
	HlProfile *profiles;
	int count;
	const char *reason; /* what is wrong in the last file; quotes nothing */
	bool no_memory;     /* nothing is wrong but that memory is missing */
	int line;           /* and in which line, from 1 */
} HlProfiles;

/*
 * Takes in a file: a later file's values replace an earlier one's, so that the
 * config file goes first. False: it is malformed, and nothing of it is taken.
 */
extern bool hl_profile_read(HlProfiles *profiles, HlProfileFile file,
							const char *text, size_t len);
extern void hl_profile_wipe(HlProfiles *profiles);

extern const HlProfile *hl_profile_find(const HlProfiles *profiles,
										HlProfileKind kind, const char *name);

/* Returns a property's value; NULL if there is none (or no profile). */
extern const char *hl_profile_value(const HlProfile *profile, const char *name);

/* Writes the value of a property within a property; false: there is none. */
extern bool hl_profile_nested_value(const HlProfile *profile,
									const char *property, const char *name,
									HlBytes *value);

/* Add a section, set a property: for those who make them of other things. */
extern bool hl_profile_add(HlProfiles *profiles, HlProfileKind kind,
						   const char *name);
extern bool hl_profile_set(HlProfiles *profiles, HlProfileKind kind,
						   const char *profile, const char *name,
						   const char *value);

#endif
