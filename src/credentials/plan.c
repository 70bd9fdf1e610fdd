/*
 * plan.c
 *	  The sources of credentials, in the order in which they are tried.
 */
#include "postgres.h"

#include <ctype.h>

#include "credentials/environment.h"
#include "credentials/plan.h"
#include "credentials/secret.h"
#include "credentials/steps.h"
#include "server/settings.h"
#include "server/text.h"
#include "miscadmin.h"

const char hl_plan_nothing_hint[] =
	"Attach a role to the instance or container that the server runs on, or "
	"name a profile of AWS's files with healthlake.profile, or set "
	"healthlake.access_key_id and healthlake.secret_access_key; "
	"healthlake_check() shows why each source was skipped.";

#define HINT_ENVIRONMENT                                                       \
	"Correct the environment that the server is started with, and restart "    \
	"the server."

/* One row for each source. */
typedef struct Source
{
	const char *name; /* in messages */
	const char *word; /* of healthlake.credential_sources */
	HlPlanAnswer (*ask)(HlPlan *plan);
} Source;

static bool
is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

HlPlanAnswer
hl_plan_refuse(HlPlan *plan, HlPlanAnswer answer, char *reason)
{
	plan->reason = reason;
	return answer;
}

HlPlanAnswer
hl_plan_break(HlPlan *plan, char *reason, char *hint)
{
	plan->hint = hint;
	return hl_plan_refuse(plan, HL_PLAN_BROKEN, reason);
}

/* The settings: key id and secret must be set together. */
static HlPlanAnswer
ask_settings(HlPlan *plan)
{
	bool has_id = is_set(hl_settings.access_key_id);
	bool has_secret = is_set(hl_settings.secret_access_key);

	if (!has_id && !has_secret && !is_set(hl_settings.session_token))
		return hl_plan_refuse(plan, HL_PLAN_EMPTY,
							  "healthlake.access_key_id is not set");
	if (!has_id || !has_secret)
		return hl_plan_break(
			plan,
			has_id ? "healthlake.secret_access_key is not set"
				   : "healthlake.access_key_id is not set",
			"Set healthlake.access_key_id and healthlake.secret_access_key, "
			"and for temporary credentials healthlake.session_token; or reset "
			"all three, for another source of credentials.");
	plan->source = "the settings";
	plan->keys.access_key_id = hl_secret_copy(hl_settings.access_key_id);
	plan->keys.secret_access_key =
		hl_secret_copy(hl_settings.secret_access_key);
	plan->keys.session_token = is_set(hl_settings.session_token)
								   ? hl_secret_copy(hl_settings.session_token)
								   : NULL;
	plan->lasting = true;
	return HL_PLAN_FOUND;
}

/* The profile in a setting, which has precedence over the environment. */
static HlPlanAnswer
ask_named_profile(HlPlan *plan)
{
	if (!is_set(hl_settings.profile))
		return hl_plan_refuse(plan, HL_PLAN_EMPTY,
							  "healthlake.profile is not set");
	return hl_plan_profile(plan, hl_settings.profile, "healthlake.profile");
}

/*
 * Whether a key contains other characters, such as the line break at the end
 * of a file.
 */
static bool
is_miscopied(const char *value)
{
	size_t len = value == NULL ? 0 : strlen(value);

	if (len > 0 && (isspace((unsigned char) value[0]) ||
					isspace((unsigned char) value[len - 1])))
		return true;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char) value[i]))
			return true;
	return false;
}

HlPlanAnswer
hl_plan_environment(HlPlan *plan)
{
	const char *id = hl_environment_variable("AWS_ACCESS_KEY_ID");
	const char *secret = hl_environment_variable("AWS_SECRET_ACCESS_KEY");
	const char *expiration =
		hl_environment_variable("AWS_CREDENTIAL_EXPIRATION");
	static const char *const variables[] = {
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_SECURITY_TOKEN"};

	if (id == NULL)
		return hl_plan_refuse(plan, HL_PLAN_EMPTY,
							  "AWS_ACCESS_KEY_ID is not set");
	if (secret == NULL)
		return hl_plan_break(plan,
							 "AWS_ACCESS_KEY_ID is set in the server's "
							 "environment, AWS_SECRET_ACCESS_KEY is not",
							 HINT_ENVIRONMENT);
	for (size_t i = 0; i < lengthof(variables); i++)
		if (is_miscopied(hl_environment_variable(variables[i])))
			return hl_plan_break(
				plan,
				psprintf("%s in the server's environment begins or ends with "
						 "a blank, or has a line break in it",
						 variables[i]),
				HINT_ENVIRONMENT);
	plan->source = "the environment";
	plan->keys.access_key_id = id;
	plan->keys.secret_access_key = secret;
	plan->keys.session_token = hl_environment_variable("AWS_SESSION_TOKEN");
	if (plan->keys.session_token == NULL)
		plan->keys.session_token =
			hl_environment_variable("AWS_SECURITY_TOKEN");
	plan->expiration = expiration != NULL ? pstrdup(expiration) : NULL;
	plan->lasting = true;
	return HL_PLAN_FOUND;
}

/*
 * The profile of the environment; ask_named_profile() handles that of a
 * setting.
 */
static HlPlanAnswer
ask_profile(HlPlan *plan)
{
	const char *by;
	const char *name = hl_environment_profile(&by);

	return hl_plan_profile(plan, name, by);
}

static HlPlanAnswer
ask_web_identity(HlPlan *plan)
{
	const char *file = hl_environment_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role = hl_environment_variable("AWS_ROLE_ARN");
	const char *session = hl_environment_variable("AWS_ROLE_SESSION_NAME");

	if (file == NULL)
		return hl_plan_refuse(plan, HL_PLAN_EMPTY,
							  "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	if (role == NULL)
		return hl_plan_break(plan,
							 "AWS_WEB_IDENTITY_TOKEN_FILE is set, "
							 "AWS_ROLE_ARN is not",
							 HINT_ENVIRONMENT);
	if (session != NULL && !hl_sts_is_session_name(session))
		return hl_plan_break(
			plan, "AWS_ROLE_SESSION_NAME is not a valid session name",
			HINT_ENVIRONMENT);
	plan->source = "the web identity of the environment";
	plan->kind = &hl_web_identity_provider;
	plan->file = pstrdup(file);
	plan->roles[plan->nroles++] =
		(HlStsRole){.role_arn = pstrdup(role),
					.session_name = session != NULL ? pstrdup(session)
													: plan->session_name};
	return HL_PLAN_FOUND;
}

/* The endpoint of a container: of ECS, of EKS, or of a compatible program. */
HlPlanAnswer
hl_plan_container(HlPlan *plan)
{
	const char *path =
		hl_environment_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *whole =
		hl_environment_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *token =
		hl_environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *file =
		hl_environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	bool found;

	if (path == NULL && whole == NULL)
		return hl_plan_refuse(
			plan, HL_PLAN_EMPTY,
			"neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
			"AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
	found = hl_metadata_container(path, whole, &plan->url);
	hl_text_refuse_memory(plan->url.no_memory);
	if (!found)
		return hl_plan_break(
			plan,
			psprintf("AWS_CONTAINER_CREDENTIALS_%s cannot be used: %s",
					 path != NULL ? "RELATIVE_URI" : "FULL_URI",
					 plan->url.reason),
			HINT_ENVIRONMENT);
	plan->source =
		psprintf("the container endpoint %s://%s",
				 plan->url.tls ? "https" : "http", plan->url.authority);
	plan->kind = &hl_container_provider;
	plan->file = file != NULL ? pstrdup(file) : NULL;
	plan->authorization = token;
	return HL_PLAN_FOUND;
}

static bool
metadata_is_off(void)
{
	const char *value = hl_environment_variable("AWS_EC2_METADATA_DISABLED");

	return value != NULL && pg_strcasecmp(value, "true") == 0;
}

/* A setting of instance metadata, from the environment or the profile. */
static const char *
metadata_setting(const char *variable, const char *property)
{
	const char *value = hl_environment_variable(variable);

	return value != NULL ? value : hl_environment_property(property);
}

/*
 * Instance metadata, which is tried last, since only a request shows whether it
 * exists.
 */
HlPlanAnswer
hl_plan_metadata(HlPlan *plan)
{
	const char *address = metadata_setting("AWS_EC2_METADATA_SERVICE_ENDPOINT",
										   "ec2_metadata_service_endpoint");
	bool found;

	if (metadata_is_off())
		return hl_plan_refuse(plan, HL_PLAN_EMPTY,
							  "AWS_EC2_METADATA_DISABLED is true");
	found = hl_metadata_instance(
		address,
		metadata_setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
						 "ec2_metadata_service_endpoint_mode"),
		&plan->url);
	hl_text_refuse_memory(plan->url.no_memory);
	if (!found)
		return hl_plan_break(
			plan,
			psprintf("AWS_EC2_METADATA_SERVICE_ENDPOINT%s cannot be used: %s",
					 address != NULL ? "" : "_MODE", plan->url.reason),
			HINT_ENVIRONMENT);
	plan->source =
		psprintf("instance metadata at %s://%s",
				 plan->url.tls ? "https" : "http", plan->url.authority);
	plan->kind = &hl_instance_provider;
	plan->optional = address == NULL;
	return HL_PLAN_FOUND;
}

/* The sources. */
static const Source sources[] = {
	{"settings", "settings", ask_settings},
	{"named profile", "profile", ask_named_profile},
	{"environment", "environment", hl_plan_environment},
	{"profile", "profile", ask_profile},
	{"web identity", "web_identity", ask_web_identity},
	{"container", "container", hl_plan_container},
	{"instance metadata", "metadata", hl_plan_metadata},
};

/* CloudTrail shows this name. */
char *
hl_plan_session_name(void)
{
	const char *user;
	char *name;

	if (is_set(hl_settings.role_session_name))
		return pstrdup(hl_settings.role_session_name);
	name = palloc(65);
	user = GetUserNameFromId(GetSessionUserId(), true);
	hl_sts_session_name(name, user != NULL ? user : "postgres");
	return name;
}

/* Adds the role of healthlake.role_arn, which is assumed with any source. */
static void
add_role_of_settings(HlPlan *plan)
{
	if (!is_set(hl_settings.role_arn))
		return;
	plan->roles[plan->nroles++] = (HlStsRole){
		.role_arn = pstrdup(hl_settings.role_arn),
		.session_name = plan->session_name,
		.external_id = is_set(hl_settings.role_external_id)
						   ? hl_secret_copy(hl_settings.role_external_id)
						   : NULL};
}

static void
note(List **notes, const char *name, const char *text)
{
	HlSourceNote *row;

	if (notes == NULL)
		return;
	row = palloc(sizeof(HlSourceNote));
	row->name = name;
	row->text = text;
	*notes = lappend(*notes, row);
}

/* Tries one source, if healthlake.credential_sources contains it. */
static HlPlanAnswer
ask(const Source *source, HlPlan *plan)
{
	*plan = (HlPlan){.session_name = plan->session_name};
	if (!hl_settings_list_allows(hl_settings.credential_sources, source->word))
		return hl_plan_refuse(plan, HL_PLAN_EMPTY,
							  "healthlake.credential_sources leaves it out");
	return source->ask(plan);
}

bool
hl_plan_make(HlPlan *plan, const char *session_name, List **notes)
{
	plan->session_name = pstrdup(session_name);
	for (size_t i = 0; i < lengthof(sources); i++)
		switch (ask(&sources[i], plan))
		{
			case HL_PLAN_FOUND:
				note(notes, sources[i].name, NULL);
				add_role_of_settings(plan);
				return true;
			case HL_PLAN_BROKEN:
				note(notes, sources[i].name, NULL);
				return false;
			case HL_PLAN_EMPTY:
				note(notes, sources[i].name, plan->reason);
		}
	*plan = (HlPlan){.reason = "no AWS credentials found",
					 .hint = (char *) hl_plan_nothing_hint};
	return false;
}
