/*
 * assume-role.c
 *	  Resolves cases in the format of the SDKs' assume-role tests.
 *
 *	  assume-role CASES.json...
 *	  assume-role               the project's own cases and more, as TAP
 */
#include "aws/profile_chain.h"

#include "cases.h"

/* Appends a member if it is set. */
static void
append_member(HlBytes *text, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (text->data[text->len - 1] != '{')
		hl_bytes_append_char(text, ',');
	hl_bytes_format(text, "\"%s\":", name);
	hl_json_append_string(text, value, strlen(value));
}

/* Writes a chain's source in the format of the cases. */
static void
append_source(HlBytes *text, const HlProfileSource *source)
{
	static const char *const kinds[] = {
		[HL_PROFILE_SOURCE_KEYS] = "AccessKey",
		[HL_PROFILE_SOURCE_NAMED] = "NamedSource",
		[HL_PROFILE_SOURCE_WEB_IDENTITY] = "WebIdentityToken",
		[HL_PROFILE_SOURCE_SSO] = "Sso",
		[HL_PROFILE_SOURCE_LOGIN] = "LoginSession",
		[HL_PROFILE_SOURCE_PROCESS] = "CredentialProcess",
	};

	hl_bytes_append_char(text, '{');
	if (source->named != NULL)
	{
		append_member(text, kinds[source->kind], source->named);
		hl_bytes_append_char(text, '}');
		return;
	}
	hl_bytes_format(text, "\"%s\":{", kinds[source->kind]);
	append_member(text, "access_key_id", source->access_key_id);
	append_member(text, "secret_access_key", source->secret_access_key);
	append_member(text, "session_token", source->session_token);
	append_member(text, "account_id", source->account_id);
	append_member(text, "command", source->process);
	append_member(text, "role_arn", source->role_arn);
	append_member(text, "role_session_name", source->role_session_name);
	append_member(text, "web_identity_token_file",
				  source->web_identity_token_file);
	append_member(text, "login_session_arn", source->login_session);
	append_member(text, "sso_session", source->sso_session);
	append_member(text, "sso_region", source->sso_region);
	append_member(text, "sso_start_url", source->sso_start_url);
	append_member(text, "sso_account_id", source->sso_account_id);
	append_member(text, "sso_role_name", source->sso_role_name);
	hl_bytes_append_string(text, "}}");
}

/* Writes a chain in the format of the cases. */
static void
append_chain(HlBytes *text, const HlProfileChain *chain)
{
	hl_bytes_append_char(text, '[');
	append_source(text, &chain->source);
	for (int i = 0; i < chain->nroles; i++)
	{
		hl_bytes_append_string(text, ",{\"AssumeRole\":{");
		append_member(text, "role_arn", chain->roles[i].role_arn);
		append_member(text, "external_id", chain->roles[i].external_id);
		append_member(text, "role_session_name",
					  chain->roles[i].role_session_name);
		hl_bytes_append_string(text, "}}");
	}
	hl_bytes_append_char(text, ']');
}

/* Compares JSON, ignoring the order of members. */
static bool
same_json(const HlJson *a, const HlJson *b)
{
	HlJsonEach each = hl_json_each(a);
	const HlJson *node;
	size_t i = 0;

	if (hl_json_kind(a) != hl_json_kind(b) || hl_json_len(a) != hl_json_len(b))
		return false;
	if (hl_json_kind(a) == HL_JSON_STRING)
		return strcmp(hl_json_string(a), hl_json_string(b)) == 0;
	while ((node = hl_json_step(&each)) != NULL)
		if (!same_json(node, each.name != NULL ? hl_json_member(b, each.name)
											   : hl_json_element(b, i++)))
			return false;
	return true;
}

/* Reads the sections of a case. */
static void
read_sections(HlProfiles *profiles, HlProfileKind kind, const HlJson *sections)
{
	HlJsonEach section = hl_json_each(sections);
	const HlJson *properties;

	while ((properties = hl_json_step(&section)) != NULL)
	{
		HlJsonEach property = hl_json_each(properties);
		const HlJson *value;

		hl_profile_add(profiles, kind, section.name);
		while ((value = hl_json_step(&property)) != NULL)
			hl_profile_set(profiles, kind, section.name, property.name,
						   hl_json_string(value));
	}
}

/* Compares a chain with what a case expects. */
static void
compare_chain(const HlProfileChain *chain, const HlJson *expected,
			  const char *name)
{
	HlBytes got = {0};
	HlBytes wanted = {0};
	HlJsonDocument document = {0};

	append_chain(&got, chain);
	hl_json_append_node(&wanted, expected);
	(void) !hl_json_read(&document, hl_bytes_string(&got), got.len);
	cases_result(same_json(document.root, expected), name,
				 hl_bytes_string(&got), hl_bytes_string(&wanted));
	hl_bytes_free(&got);
	hl_bytes_free(&wanted);
	hl_json_free(&document);
}

static void
run_case(const HlJson *node)
{
	const HlJson *input = hl_json_member(node, "input");
	const HlJson *output = hl_json_member(node, "output");
	const char *error = cases_string(output, "Error", NULL);
	const char *name = cases_string(node, "docs", "(nameless)");
	HlProfiles profiles = {0};
	HlProfileChain chain;
	HlProfileChainOutcome outcome;

	read_sections(&profiles, HL_PROFILE_PROFILE,
				  hl_json_member(input, "profiles"));
	read_sections(&profiles, HL_PROFILE_SSO_SESSION,
				  hl_json_member(input, "sso_sessions"));
	outcome = hl_profile_chain_resolve(
		&profiles, cases_string(input, "selected_profile", "default"), true,
		&chain);
	if (error != NULL)
		cases_result(outcome == HL_PROFILE_CHAIN_BAD &&
						 strstr(chain.reason, error) != NULL,
					 name,
					 outcome == HL_PROFILE_CHAIN_OK ? "a chain" : chain.reason,
					 error);
	else if (outcome != HL_PROFILE_CHAIN_OK)
		cases_result(false, name, chain.reason, "a chain");
	else
		compare_chain(&chain, hl_json_member(output, "ProfileChain"), name);
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
		each = hl_json_each(document.root);
		while ((node = hl_json_step(&each)) != NULL)
			run_case(node);
	}
	hl_json_free(&document);
}

/*
 * A missing profile that was not required is no fault; a circular chain is
 * one.
 */
static void
check_ends(void)
{
	HlProfiles profiles = {0};
	HlProfileChain chain;
	char name[20];
	char next[20];

	ok(hl_profile_chain_resolve(&profiles, "default", false, &chain) ==
		   HL_PROFILE_CHAIN_NONE,
	   "no profile that nobody asked for is no fault");
	ok(hl_profile_chain_resolve(&profiles, "default", true, &chain) ==
		   HL_PROFILE_CHAIN_BAD,
	   "one that somebody asked for is");
	for (int i = 0; i <= HL_PROFILE_CHAIN_ROLES; i++)
	{
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(next, sizeof(next), "p%d", i + 1);
		hl_profile_set(&profiles, HL_PROFILE_PROFILE, name, "role_arn", name);
		hl_profile_set(&profiles, HL_PROFILE_PROFILE, name, "source_profile",
					   next);
	}
	hl_profile_set(&profiles, HL_PROFILE_PROFILE, next, "aws_access_key_id",
				   "a");
	hl_profile_set(&profiles, HL_PROFILE_PROFILE, next, "aws_secret_access_key",
				   "s");
	ok(hl_profile_chain_resolve(&profiles, "p0", true, &chain) ==
		   HL_PROFILE_CHAIN_BAD,
	   "a chain with too many roles is refused");
	ok(hl_profile_chain_resolve(&profiles, "p1", true, &chain) ==
			   HL_PROFILE_CHAIN_OK &&
		   chain.nroles == HL_PROFILE_CHAIN_ROLES,
	   "one with as many as may be is not");
	is(chain.roles[HL_PROFILE_CHAIN_ROLES - 1].role_arn, "p1",
	   "the profile's own role is assumed last");
	hl_profile_wipe(&profiles);
}

#define SESSION "[sso-session corp]\nsso_start_url = u\nsso_region = r\n"
#define SHARED_KEYS "aws_access_key_id = SHARED\naws_secret_access_key = s\n"
#define CONFIG_KEYS "aws_access_key_id = CONFIG\naws_secret_access_key = c\n"

/* A profile in both files, with the source that botocore 1.43 uses. */
static void
check_files(void)
{
	static const struct
	{
		const char *config;
		const char *credentials;
		const char *wanted; /* the key id, the process or "sso" */
		const char *token;
	} cases[] = {
		{"sso_session = corp\n", SHARED_KEYS, "SHARED", NULL},
		{"sso_session = corp\n" CONFIG_KEYS, "", "CONFIG", NULL},
		{"sso_start_url = u\nsso_region = r\n", SHARED_KEYS, "SHARED", NULL},
		{"sso_start_url = u\nsso_region = r\n" CONFIG_KEYS, "", "CONFIG", NULL},
		{"sso_session = corp\ncredential_process = p\n", "", "p", NULL},
		{"sso_session = corp\nsso_account_id = 1\nsso_role_name = r\n",
		 SHARED_KEYS, "sso", NULL},
		{"sso_session = corp\n", "", "sso", NULL},
		{"credential_process = p\n", SHARED_KEYS, "SHARED", NULL},
		{"", SHARED_KEYS "credential_process = p\n", "SHARED", NULL},
		{"credential_process = p\n" CONFIG_KEYS, SHARED_KEYS, "SHARED", NULL},
		{"credential_process = p\n" CONFIG_KEYS, "", "p", NULL},
		{CONFIG_KEYS, "credential_process = p\n", "p", NULL},
		{"credential_process = p\n", "aws_secret_access_key = s\n", "p", NULL},
		{"login_session = l\n", SHARED_KEYS, "SHARED", NULL},
		{"aws_session_token = t\n", SHARED_KEYS, "SHARED", NULL},
		{CONFIG_KEYS "aws_session_token = t\n", SHARED_KEYS, "SHARED", NULL},
		{CONFIG_KEYS "aws_session_token = t\n",
		 SHARED_KEYS "aws_session_token = st\n", "SHARED", "st"},
		{CONFIG_KEYS "aws_session_token = t\n", "", "CONFIG", "t"},
		{CONFIG_KEYS, "aws_session_token = st\n", "CONFIG", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HlProfiles profiles = {0};
		HlProfileChain chain = {0};
		const HlProfileSource *source = &chain.source;
		HlBytes config = {0};
		HlBytes credentials = {0};

		hl_bytes_format(&config, "[profile p]\n%s" SESSION, cases[i].config);
		hl_bytes_format(&credentials, "[p]\n%s", cases[i].credentials);
		ok(hl_profile_read(&profiles, HL_PROFILE_CONFIG,
						   hl_bytes_string(&config), config.len) &&
			   hl_profile_read(&profiles, HL_PROFILE_CREDENTIALS,
							   hl_bytes_string(&credentials),
							   credentials.len) &&
			   hl_profile_chain_resolve(&profiles, "p", true, &chain) ==
				   HL_PROFILE_CHAIN_OK,
		   "the profile of case %d of both files has a source", (int) i);
		is(source->kind == HL_PROFILE_SOURCE_SSO ? "sso"
		   : source->process != NULL             ? source->process
												 : source->access_key_id,
		   cases[i].wanted, "which is botocore's");
		is(source->session_token, cases[i].token, "and so is its token");
		hl_bytes_free(&config);
		hl_bytes_free(&credentials);
		hl_profile_wipe(&profiles);
	}
}

/*
 * Runs the project's cases, the published ones if available, and further
 * checks.
 */
static int
run_own(const char *program)
{
	char *own = cases_beside(program, "cases/profile/chains.json");
	char *published;

	cases_as_tap = true;
	run_file(own);
	free(own);
	published = cases_published("profile/assume-role-tests.json");
	if (published != NULL)
		run_file(published);
	free(published);
	check_ends();
	check_files();
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
