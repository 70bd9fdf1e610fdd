/*
 * fuzz_profile.c
 *	  Arbitrary bytes as a config file and as a credentials file. Profiles can
 *	  be written and read again as the same; every chain of profiles ends in a
 *	  source or a reason.
 */
#include "aws/profile_chain.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Writes a section of a config file. */
static void
write_section(HlBytes *text, const HlProfile *profile)
{
	static const char *const words[] = {"profile", "sso-session", "services"};

	hl_bytes_format(text, "[%s %s]\n", words[profile->kind], profile->name);
	for (int i = 0; i < profile->nproperties; i++)
	{
		const HlProfileProperty *property = &profile->properties[i];

		hl_bytes_format(text, "%s=", property->name);
		for (size_t j = 0; j < property->value.len; j++)
			hl_bytes_append(text,
							property->value.data[j] == '\n'
								? "\n\t"
								: &property->value.data[j],
							property->value.data[j] == '\n' ? 2 : 1);
		hl_bytes_append_char(text, '\n');
	}
}

/* Compares sections and properties, in order. */
static bool
same_profiles(const HlProfiles *a, const HlProfiles *b)
{
	bool same = a->count == b->count;

	for (int i = 0; same && i < a->count; i++)
	{
		const HlProfile *one = &a->profiles[i];
		const HlProfile *other = &b->profiles[i];

		same = one->kind == other->kind &&
			   strcmp(one->name, other->name) == 0 &&
			   one->nproperties == other->nproperties;
		for (int j = 0; same && j < one->nproperties; j++)
			same = strcmp(one->properties[j].name, other->properties[j].name) ==
					   0 &&
				   strcmp(hl_bytes_string(&one->properties[j].value),
						  hl_bytes_string(&other->properties[j].value)) == 0;
	}
	return same;
}

/* Checks that written profiles are read as the same. */
static void
must_read_again(const HlProfiles *profiles)
{
	HlProfiles again = {0};
	HlBytes text = {0};

	for (int i = 0; i < profiles->count; i++)
		write_section(&text, &profiles->profiles[i]);
	must(hl_profile_read(&again, HL_PROFILE_CONFIG, hl_bytes_string(&text),
						 text.len));
	must(same_profiles(profiles, &again));
	hl_bytes_free(&text);
	hl_profile_wipe(&again);
}

/* Checks that every profile's chain ends. */
static void
must_end(const HlProfiles *profiles)
{
	HlProfileChain chain;
	HlBytes value = {0};

	for (int i = 0; i < profiles->count; i++)
	{
		const HlProfile *profile = &profiles->profiles[i];

		if (hl_profile_chain_resolve(profiles, profile->name, true, &chain) ==
			HL_PROFILE_CHAIN_OK)
			must(chain.source.profile != NULL && chain.reason[0] == '\0');
		else
			must(chain.reason[0] != '\0');
		for (int j = 0; j < profile->nproperties; j++)
			hl_profile_nested_value(profile, profile->properties[j].name, "a",
									&value);
	}
	hl_bytes_free(&value);
}

/* The input: one file before the first 0xff, the other after it. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *text = (const char *) bytes;
	const char *cut = size > 0 ? memchr(text, 0xff, size) : NULL;
	size_t len = cut != NULL ? (size_t) (cut - text) : size;
	HlProfiles profiles = {0};
	bool read = hl_profile_read(&profiles, HL_PROFILE_CONFIG, text, len);

	must(read == (profiles.reason == NULL));
	if (cut != NULL)
		hl_profile_read(&profiles, HL_PROFILE_CREDENTIALS, cut + 1,
						size - len - 1);
	if (size == 0 || memchr(text, '\r', size) == NULL)
		must_read_again(&profiles);
	must_end(&profiles);
	hl_profile_wipe(&profiles);
	return 0;
}
