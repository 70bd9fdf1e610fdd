/*
 * profile.h
 *	  AWS's profile files (config and credentials), in the grammar shared by
 *	  AWS's SDKs. An HlProfiles starts zeroed, reads one file after the other,
 *	  owns all strings, which may be secrets, and ends in hl_profile_wipe().
 *	  Nothing here opens a file.
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
	char *name;         /* in lower case */
	HlBytes value;      /* each continuation after a newline */
	HlProfileFile file; /* that the value is from */
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
	const char *reason; /* what is wrong in the last file; quotes no value */
	bool no_memory;     /* memory was missing */
	int line;           /* of the fault, from 1 */
} HlProfiles;

/*
 * Reads a file. Its values replace those of earlier files, so the config file
 * must be read first. False: it is malformed (see reason and line), and
 * nothing of it is used.
 */
extern bool hl_profile_read(HlProfiles *profiles, HlProfileFile file,
							const char *text, size_t len);
extern void hl_profile_wipe(HlProfiles *profiles);

extern const HlProfile *hl_profile_find(const HlProfiles *profiles,
										HlProfileKind kind, const char *name);

/* Returns a property's value; NULL if there is none (or no profile). */
extern const char *hl_profile_value(const HlProfile *profile, const char *name);

/* The same, but NULL if the value is not from this file. */
extern const char *hl_profile_value_from(const HlProfile *profile,
										 HlProfileFile file, const char *name);

/*
 * Appends the value of a property that is nested in another, such as
 * max_attempts in "s3 ="; false if there is none.
 */
extern bool hl_profile_nested_value(const HlProfile *profile,
									const char *property, const char *name,
									HlBytes *value);

/*
 * Add a section or set a property, for profiles that are made of other input.
 * False: out of memory.
 */
extern bool hl_profile_add(HlProfiles *profiles, HlProfileKind kind,
						   const char *name);
extern bool hl_profile_set(HlProfiles *profiles, HlProfileKind kind,
						   const char *profile, const char *name,
						   const char *value);

#endif
