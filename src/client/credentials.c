/*
 * credentials.c
 *	  Where credentials come from.
 */
#include "postgres.h"

#include "client/credentials.h"
#include "client/settings.h"

typedef enum SourceAnswer
{
	SOURCE_EMPTY, /* not configured: ask the next one */
	SOURCE_FOUND,
	SOURCE_BROKEN /* configured, and of no use: ask nobody else */
} SourceAnswer;

typedef struct Source
{
	const char *name;
	SourceAnswer (*ask)(HlSigv4Credentials *credentials, const char **reason);
} Source;

/* Whether a setting has a value. */
static bool
is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

/* Asks the settings: key id and secret go together, or not at all. */
static SourceAnswer
ask_settings(HlSigv4Credentials *credentials, const char **reason)
{
	bool has_id = is_set(hl_settings.access_key_id);
	bool has_secret = is_set(hl_settings.secret_access_key);

	if (!has_id && !has_secret && !is_set(hl_settings.session_token))
		return SOURCE_EMPTY;
	if (!has_id || !has_secret)
	{
		*reason = !has_id ? "healthlake.access_key_id is not set"
						  : "healthlake.secret_access_key is not set";
		return SOURCE_BROKEN;
	}
	credentials->access_key_id = hl_settings.access_key_id;
	credentials->secret_access_key = hl_settings.secret_access_key;
	credentials->session_token =
		is_set(hl_settings.session_token) ? hl_settings.session_token : NULL;
	return SOURCE_FOUND;
}

static const Source sources[] = {
	{"settings", ask_settings},
};

/* Asks each source in turn. */
bool
hl_credentials_find(HlSigv4Credentials *credentials, const char **reason)
{
	for (size_t i = 0; i < lengthof(sources); i++)
		switch (sources[i].ask(credentials, reason))
		{
			case SOURCE_FOUND:
				return true;
			case SOURCE_BROKEN:
				return false;
			case SOURCE_EMPTY:
				break;
		}
	*reason = "no AWS credentials found";
	return false;
}
