/*
 * profile.c
 *	  Reads cases in the format of the SDKs' profile parser tests.
 *
 *	  profile CASES.json...
 *	  profile               the project's own cases and more, as TAP
 */
#include "aws/profile.h"

#include "cases.h"

/* Counts the sections of a kind. */
static size_t
count_sections(const HlProfiles *profiles, HlProfileKind kind)
{
	size_t count = 0;

	for (int i = 0; i < profiles->count; i++)
		count += profiles->profiles[i].kind == kind;
	return count;
}

/* Whether a section has exactly the expected properties. */
static bool
same_properties(const HlProfile *profile, const HlJson *expected)
{
	HlJsonEach each = hl_json_each(expected);
	const HlJson *node;

	if (profile == NULL || profile->nproperties != (int) hl_json_len(expected))
		return false;
	while ((node = hl_json_step(&each)) != NULL)
	{
		const char *value = hl_profile_value(profile, each.name);

		if (value == NULL || strcmp(value, hl_json_string(node)) != 0)
			return false;
	}
	return true;
}

/* Whether there are exactly the expected sections. */
static bool
same_sections(const HlProfiles *profiles, HlProfileKind kind,
			  const HlJson *expected)
{
	HlJsonEach each = hl_json_each(expected);
	const HlJson *node;

	if (count_sections(profiles, kind) != hl_json_len(expected))
		return false;
	while ((node = hl_json_step(&each)) != NULL)
		if (!same_properties(hl_profile_find(profiles, kind, each.name), node))
			return false;
	return true;
}

/* Writes sections as text, for a failure. */
static void
describe(const HlProfiles *profiles, HlBytes *text)
{
	for (int i = 0; i < profiles->count; i++)
	{
		const HlProfile *profile = &profiles->profiles[i];

		hl_bytes_format(text, "[%d %s] ", (int) profile->kind, profile->name);
		for (int j = 0; j < profile->nproperties; j++)
		{
			hl_bytes_format(text, "%s=", profile->properties[j].name);
			hl_json_append_string(
				text, hl_bytes_string(&profile->properties[j].value),
				profile->properties[j].value.len);
			hl_bytes_append_char(text, ' ');
		}
	}
}

/* Reads a file of a case, if it has one. */
static bool
read_input(HlProfiles *profiles, HlProfileFile file, const HlJson *text)
{
	return hl_json_kind(text) != HL_JSON_STRING ||
		   hl_profile_read(profiles, file, hl_json_string(text),
						   hl_json_len(text));
}

static void
run_case(const HlJson *node)
{
	const HlJson *input = hl_json_member(node, "input");
	const HlJson *output = hl_json_member(node, "output");
	const HlJson *config = hl_json_member(output, "config");
	const HlJson *sessions = hl_json_member(config, "sso_sessions");
	const char *error = cases_string(output, "errorContaining", NULL);
	const char *name = cases_string(node, "name", "(nameless)");
	HlProfiles profiles = {0};
	HlBytes got = {0};
	HlBytes expected = {0};
	bool read = read_input(&profiles, HL_PROFILE_CONFIG,
						   hl_json_member(input, "configFile")) &&
				read_input(&profiles, HL_PROFILE_CREDENTIALS,
						   hl_json_member(input, "credentialsFile"));

	describe(&profiles, &got);
	hl_json_append_node(&expected, config);
	if (error != NULL)
		cases_result(!read && strstr(profiles.reason, error) != NULL, name,
					 read ? hl_bytes_string(&got) : profiles.reason, error);
	else if (!read)
		cases_result(false, name, profiles.reason, hl_bytes_string(&expected));
	else
		cases_result(
			same_sections(&profiles, HL_PROFILE_PROFILE,
						  hl_json_member(config, "profiles")) &&
				(sessions == NULL ||
				 same_sections(&profiles, HL_PROFILE_SSO_SESSION, sessions)),
			name, hl_bytes_string(&got), hl_bytes_string(&expected));
	hl_bytes_free(&got);
	hl_bytes_free(&expected);
	hl_profile_wipe(&profiles);
}

static void
run_file(const char *path)
{
	HlJsonDocument document = {0};
	HlJsonEach each;
	const HlJson *node;

	if (cases_read_json(path, &document))
	{
		each = hl_json_each(hl_json_member(document.root, "tests"));
		while ((node = hl_json_step(&each)) != NULL)
			run_case(node);
	}
	hl_json_free(&document);
}

/* Reads a text as a config file. */
static bool
read_config(HlProfiles *profiles, const char *text)
{
	return hl_profile_read(profiles, HL_PROFILE_CONFIG, text, strlen(text));
}

/*
 * A malformed file does not change earlier profiles, and its fault has a line
 * number.
 */
static void
check_refusals(void)
{
	HlProfiles profiles = {0};

	ok(read_config(&profiles, "[default]\nregion = eu-west-2\n"),
	   "a file is read");
	ok(!read_config(&profiles,
					"[default]\nregion = us-east-1\n\naws_secret_access_key\n"),
	   "a malformed one is not");
	ok(profiles.line == 4, "the line is told");
	ok(strstr(profiles.reason, "secret") == NULL, "but not quoted");
	is(hl_profile_value(
		   hl_profile_find(&profiles, HL_PROFILE_PROFILE, "default"), "region"),
	   "eu-west-2", "and nothing of it is taken in");
	ok(!hl_profile_read(&profiles, HL_PROFILE_CONFIG, "[default]\na = b\0c",
						17),
	   "a zero byte is refused");
	hl_profile_wipe(&profiles);
	ok(hl_profile_read(&profiles, HL_PROFILE_CONFIG, NULL, 0),
	   "no text is no fault");
	ok(hl_profile_value(NULL, "region") == NULL, "no profile has no values");
	hl_profile_wipe(&profiles);
}

/* Settings of a service, nested in a services section. */
static void
check_services(void)
{
	HlProfiles profiles = {0};
	HlBytes value = {0};
	const HlProfile *services;

	read_config(&profiles, "[services local]\n"
						   "dynamodb =\n"
						   "  endpoint_url = http://localhost:8000\n"
						   "healthlake = \n"
						   "  Endpoint_URL = https://one.example # the first\n"
						   "\n"
						   "\tendpoint_URL=https://two.example\n"
						   "  ca_bundle =\n"
						   "sts = https://flat.example\n"
						   "  endpoint_url = https://three.example\n");
	services = hl_profile_find(&profiles, HL_PROFILE_SERVICES, "local");
	ok(services != NULL, "a services section is one");
	ok(hl_profile_find(&profiles, HL_PROFILE_PROFILE, "local") == NULL,
	   "and no profile");
	ok(hl_profile_nested_value(services, "healthlake", "endpoint_url", &value),
	   "a nested property is found");
	is(hl_bytes_string(&value), "https://two.example", "the last one counts");
	ok(hl_profile_nested_value(services, "healthlake", "ca_bundle", &value),
	   "an empty one is found");
	is(hl_bytes_string(&value), "", "and is empty");
	ok(!hl_profile_nested_value(services, "healthlake", "region", &value),
	   "one that is not there is not");
	ok(!hl_profile_nested_value(services, "sts", "endpoint_url", &value),
	   "nothing is nested in a value");
	ok(!hl_profile_nested_value(services, "s3", "endpoint_url", &value),
	   "nor in no property");
	hl_bytes_free(&value);
	hl_profile_wipe(&profiles);
}

/*
 * Runs the project's cases, the published ones if available, and further
 * checks.
 */
static int
run_own(const char *program)
{
	char *own = cases_beside(program, "cases/profile/files.json");
	char *published;

	cases_as_tap = true;
	run_file(own);
	free(own);
	published = cases_published("profile/profile-parser-tests.json");
	if (published != NULL)
		run_file(published);
	free(published);
	check_refusals();
	check_services();
	return cases_end();
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return run_own(argv[0]);
	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	return cases_end();
}
