/*
 * credentials.c
 *	  Tests of texts of credential providers: STS's forms and XML, the JSON of
 *	  the others, addresses, command lines, and the times of renewal.
 */
#include "aws/command.h"
#include "aws/issued.h"
#include "aws/metadata.h"
#include "aws/refresh.h"
#include "aws/sts.h"
#include "base/xml.h"

#include <stdlib.h>

#include "tap.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)

/* A reply of STS with one part replaced. */
static char *
role_reply(const char *part, const char *other)
{
	static const char whole[] =
		"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/"
		"2011-06-15/\">\n<AssumeRoleResult>\n<AssumedRoleUser>\n"
		"<Arn>arn:aws:sts::123456789012:assumed-role/ward/me</Arn>\n"
		"</AssumedRoleUser>\n<Credentials>\n"
		"<AccessKeyId>ASIAEXAMPLE</AccessKeyId>\n"
		"<SecretAccessKey>sec&amp;ret&#x2b;</SecretAccessKey>\n"
		"<SessionToken>tok/en==</SessionToken>\n"
		"<Expiration>2030-11-09T13:34:41Z</Expiration>\n"
		"</Credentials>\n</AssumeRoleResult>\n<ResponseMetadata>"
		"<RequestId>1</RequestId></ResponseMetadata>\n"
		"</AssumeRoleResponse>\n";
	const char *at = strstr(whole, part);
	char *reply = malloc(sizeof(whole) + strlen(other) + 1);

	if (at == NULL || reply == NULL)
		abort();
	sprintf(reply, "%.*s%s%s", (int) (at - whole), whole, other,
			at + strlen(part));
	return reply;
}

/* Valid and invalid replies of STS. */
static void
check_role_replies(void)
{
	static const struct
	{
		const char *part;
		const char *other;
		const char *reason; /* NULL: it is valid */
	} cases[] = {
		{"<AssumeRoleResponse xmlns",
		 "<?xml version=\"1.0\" encoding='UTF-8'?>\n<AssumeRoleResponse xmlns",
		 NULL},
		{"<SessionToken>tok/en==</SessionToken>", "",
		 "the session token is missing"},
		{"<SessionToken>tok/en==</SessionToken>", "<SessionToken/>",
		 "the session token is empty"},
		{"tok/en==", "tok en", "the session token has a byte"},
		{"tok/en==", "tok&#10;en", "the session token has a byte"},
		{"tok/en==", "tok\xc3\xa9", "the session token has a byte"},
		{"tok/en==", "tok\xff", "it is not STS's XML (the text is not UTF-8"},
		{"tok/en==", "&token;", "it is not STS's XML (there is an entity"},
		{"tok/en==", "a<b/>", "it is not STS's XML (there is text beside"},
		{"tok/en==", "<!-- -->", "it is not STS's XML (a name is missing"},
		{"tok/en==", "<![CDATA[x]]>", "it is not STS's XML (a name"},
		{"<AssumeRoleResponse xmlns", "<!DOCTYPE x><AssumeRoleResponse xmlns",
		 "it is not STS's XML (a name is missing"},
		{"xmlns=\"", "xmlns=", "it is not STS's XML (an attribute's value"},
		{"2030-11-09T13:34:41Z", "soon", "the expiration is not a time"},
		{"2030-11-09T13:34:41Z", "1", "the expiration is not a time"},
		{"<Expiration>2030-11-09T13:34:41Z</Expiration>", "",
		 "the expiration is missing"},
		{"<AccessKeyId>", "<AccessKeyId>A</AccessKeyId><AccessKeyId>",
		 "the access key id is missing"},
		{"<AssumeRoleResult>", "<AssumeRoleResult x=\"<\">",
		 "it is not STS's XML (there is a <"},
		{"</AssumeRoleResponse>", "",
		 "it is not STS's XML (the text is cut off"},
		{"</AssumeRoleResponse>", "</AssumeRoleResponse><b/>",
		 "it is not STS's XML (there is more than one"},
		{"</AssumeRoleResponse>", "</AssumeRoleResponse>x",
		 "it is not STS's XML (there is text outside"},
		{"</AssumeRoleResult>", "</AssumeRole>",
		 "it is not STS's XML (a tag ends"},
		{"&#x2b;", "&#x110000;", "it is not STS's XML (there is a character"},
		{"&#x2b;", "&#xd800;", "it is not STS's XML (there is a character"},
		{"&#x2b;", "&#;", "it is not STS's XML (a character reference"},
		{"AssumeRoleResponse", "html", "it is not STS's XML (a tag ends"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char *reply = role_reply(cases[i].part, cases[i].other);
		HlIssued issued = {0};
		bool read = hl_sts_read_role(&issued, false, reply, strlen(reply));
		bool fine = cases[i].reason == NULL
						? read
						: !read && strncmp(issued.reason, cases[i].reason,
										   strlen(cases[i].reason)) == 0;

		ok(fine, "STS: %s in place of %s", cases[i].other, cases[i].part);
		if (!fine)
			printf("# got: %s\n", read ? "credentials" : issued.reason);
		if (read)
			is(hl_bytes_string(&issued.secret_access_key), "sec&ret+",
			   "and its entities are read");
		hl_issued_wipe(&issued);
		free(reply);
	}
}

/* Every truncated reply is invalid. */
static void
check_cut_replies(void)
{
	char *reply = role_reply("ward/me", "ward/me");
	size_t len = strlen(reply) - 1; /* without the final newline */
	size_t taken = 0;

	for (size_t i = 0; i < len; i++)
	{
		HlIssued issued = {0};

		taken += hl_sts_read_role(&issued, false, reply, i);
		hl_issued_wipe(&issued);
	}
	ok(taken == 0, "STS: no part of a reply is taken for the whole");
	free(reply);
}

/* Errors, identities and forms of STS. */
static void
check_sts(void)
{
	static const char error[] =
		"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
		"<Message>not\r\n&lt;you&gt;\x7f</Message></Error></ErrorResponse>";
	static const char who[] =
		"<GetCallerIdentityResponse><GetCallerIdentityResult>"
		"<Arn>arn:x</Arn><UserId>u</UserId><Account>123456789012</Account>"
		"</GetCallerIdentityResult></GetCallerIdentityResponse>";
	HlBytes code = {0}, message = {0}, form = {0};
	HlStsIdentity identity = {0};
	HlStsRole role = {.role_arn = "arn:aws:iam::1:role/a",
					  .session_name = "me@ward",
					  .external_id = "a b~",
					  .duration = "900"};
	char name[65];

	ok(hl_sts_read_error(error, strlen(error), &code, &message), "an error");
	is(hl_bytes_string(&code), "AccessDenied", "and its code");
	is(hl_bytes_string(&message), "not  <you> ", "and its message, one line");
	ok(!hl_sts_read_error("<a/>", 4, &code, &message), "no error of STS's");
	ok(hl_sts_read_identity(&identity, who, strlen(who)), "an identity");
	is(hl_bytes_string(&identity.account), "123456789012", "and its account");
	ok(!hl_sts_read_identity(&identity, "<a/>", 4), "no identity");
	hl_sts_write_role(&form, &role);
	is(hl_bytes_string(&form),
	   "Action=AssumeRole&Version=2011-06-15&"
	   "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa&RoleSessionName=me%40ward&"
	   "ExternalId=a+b~&DurationSeconds=900",
	   "a form");
	hl_bytes_reset(&form);
	role = (HlStsRole){.role_arn = "r", .web_identity_token = "t\n"};
	hl_sts_write_role(&form, &role);
	is(hl_bytes_string(&form),
	   "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=r&"
	   "WebIdentityToken=t%0A",
	   "a form with a web identity");
	ok(hl_sts_is_duration("900") && hl_sts_is_duration("43200") &&
		   !hl_sts_is_duration("899") && !hl_sts_is_duration("43201") &&
		   !hl_sts_is_duration("1h") && !hl_sts_is_duration(""),
	   "durations");
	ok(hl_sts_is_session_name("a.b") && !hl_sts_is_session_name("a") &&
		   !hl_sts_is_session_name("a b") && !hl_sts_is_session_name("a~b"),
	   "session names");
	hl_sts_session_name(name, "d\xc3\xb6 x");
	is(name, "d---x", "a session name of anything");
	hl_sts_session_name(name, "");
	is(name, "--", "a session name of nothing");
	hl_bytes_free(&code);
	hl_bytes_free(&message);
	hl_bytes_wipe(&form);
	hl_bytes_free(&identity.account);
	hl_bytes_free(&identity.arn);
}

static void
check_json(void)
{
#define KEYS "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\""
#define UNTIL "\"Expiration\":\"2030-01-01T00:00:00Z\""
	static const struct
	{
		HlIssuedForm form;
		const char *text;
		const char *reason;
	} cases[] = {
		{HL_ISSUED_CONTAINER, "{" KEYS ",\"Token\":\"T\"," UNTIL "}", ""},
		{HL_ISSUED_CONTAINER, "{" KEYS "," UNTIL "}",
		 "the session token is missing"},
		{HL_ISSUED_CONTAINER, "{" KEYS ",\"Token\":\"T\"}",
		 "the expiration is missing"},
		{HL_ISSUED_CONTAINER, "{", "it is not JSON (it ends too early"},
		{HL_ISSUED_CONTAINER, "[]", "it is not a JSON object"},
		{HL_ISSUED_CONTAINER, "", "it is not JSON"},
		{HL_ISSUED_CONTAINER, "{\"AccessKeyId\":1}",
		 "AccessKeyId is not a string"},
		{HL_ISSUED_METADATA, "{" KEYS ",\"Token\":\"T\"," UNTIL "}",
		 "Code is not Success"},
		{HL_ISSUED_METADATA,
		 "{\"Code\":\"Success\"," KEYS ",\"Token\":\"T\"," UNTIL "}", ""},
		{HL_ISSUED_METADATA, "{\"Code\":\"Failed\",\"Message\":\"no\"}",
		 "Code is not Success"},
		{HL_ISSUED_PROCESS, "{\"Version\":1," KEYS "}", ""},
		{HL_ISSUED_PROCESS, "{\"Version\":1," KEYS ",\"SessionToken\":null}",
		 ""},
		{HL_ISSUED_PROCESS, "{\"Version\":1," KEYS "," UNTIL "}", ""},
		{HL_ISSUED_PROCESS, "{\"Version\":2," KEYS "}", "Version is not 1"},
		{HL_ISSUED_PROCESS, "{\"Version\":\"1\"," KEYS "}", "Version is not 1"},
		{HL_ISSUED_PROCESS, "{" KEYS "}", "Version is not 1"},
		{HL_ISSUED_PROCESS, "{\"Version\":1,\"AccessKeyId\":\"A\"}",
		 "the secret access key is missing"},
		{HL_ISSUED_PROCESS, "{\"Version\":1,\"SecretAccessKey\":\"A\"}",
		 "the access key id is missing"},
		{HL_ISSUED_PROCESS, "{\"Version\":1," KEYS ",\"Expiration\":\"x\"}",
		 "the expiration is not a time"},
		{HL_ISSUED_PROCESS, "{\"Version\":1," KEYS ",\"Expiration\":12}",
		 "Expiration is not a string"},
		{HL_ISSUED_PROCESS,
		 "{\"Version\":1,\"AccessKeyId\":\"A\\r\\nX: y\","
		 "\"SecretAccessKey\":\"S\"}",
		 "the access key id has a byte"},
		{HL_ISSUED_PORTAL,
		 "{\"roleCredentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":"
		 "\"S\",\"sessionToken\":\"T\",\"expiration\":1893456000000}}",
		 ""},
		{HL_ISSUED_PORTAL,
		 "{\"roleCredentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":"
		 "\"S\",\"sessionToken\":\"T\",\"expiration\":9223372036854775807}}",
		 "the expiration is not a time"},
		{HL_ISSUED_PORTAL, "{\"roleCredentials\":null}",
		 "it is not a JSON object"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HlIssued issued = {0};
		bool read = hl_issued_read(&issued, cases[i].form, cases[i].text,
								   strlen(cases[i].text));
		bool fine = cases[i].reason[0] == '\0'
						? read
						: !read && strncmp(issued.reason, cases[i].reason,
										   strlen(cases[i].reason)) == 0;

		ok(fine, "JSON: %s", cases[i].text);
		if (!fine)
			printf("# got: %s\n", read ? "credentials" : issued.reason);
		if (!read)
			ok(issued.access_key_id.data == NULL &&
				   issued.secret_access_key.data == NULL,
			   "and nothing is left of it");
		if (read && issued.expires)
			ok(issued.expires_at == INT64_C(1893456000) * SECOND,
			   "and when it ends");
		hl_issued_wipe(&issued);
	}
}

static void
check_sign_ons(void)
{
	static const struct
	{
		const char *text;
		const char *reason;
	} cases[] = {
		{"{\"accessToken\":\"t\",\"expiresAt\":\"2030-01-01T00:00:00UTC\"}",
		 ""},
		{"{\"accessToken\":\"t\",\"expiresAt\":\"2030-01-01T00:00:00Z\"}", ""},
		{"{\"expiresAt\":\"2030-01-01T00:00:00Z\"}",
		 "accessToken is missing, or no header can hold it"},
		{"{\"accessToken\":\"t\"}", "expiresAt is not a time"},
		{"nothing", "it is not JSON"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HlSignOn sign_on = {0};

		ok(hl_sso_read(&sign_on, cases[i].text, strlen(cases[i].text)) ==
			   (cases[i].reason[0] == '\0'),
		   "sign-on: %s", cases[i].text);
		is(sign_on.reason, cases[i].reason, "and why");
		hl_sso_wipe(&sign_on);
	}
}

static void
check_addresses(void)
{
	static const struct
	{
		const char *path, *whole, *authority, *at;
	} containers[] = {
		{"/v2/x?y=z", "https://h", "169.254.170.2", "/v2/x?y=z"},
		{"v2", NULL, NULL, NULL},
		{"@evil.example/", NULL, NULL, NULL},
		{NULL, "http://169.254.170.23/v1/credentials", "169.254.170.23",
		 "/v1/credentials"},
		{NULL, "http://[fd00:ec2::23]/v1", "[fd00:ec2::23]", "/v1"},
		{NULL, "http://localhost:8080/get", "localhost:8080", "/get"},
		{NULL, "http://127.0.0.1/", "127.0.0.1", "/"},
		{NULL, "http://[::1]:80/a", "[::1]", "/a"},
		{NULL, "http://192.0.2.1/get", NULL, NULL},
		{NULL, "http://169.254.170.2.example/get", NULL, NULL},
		{NULL, "https://anywhere.example/get", "anywhere.example", "/get"},
		{NULL, "http://user:word@127.0.0.1/", NULL, NULL},
		{NULL, "ftp://127.0.0.1/", NULL, NULL},
		{NULL, "127.0.0.1", NULL, NULL},
		{NULL, "http://127.0.0.1/a b", NULL, NULL},
		{NULL, "http://127.0.0.1/a#b", NULL, NULL},
	};
	HlMetadataUrl url;

	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
	{
		bool found = hl_metadata_container(containers[i].path,
										   containers[i].whole, &url);

		ok(found == (containers[i].at != NULL) &&
			   (!found ||
				(strcmp(url.authority, containers[i].authority) == 0 &&
				 strcmp(url.path, containers[i].at) == 0)),
		   "container: %s %s",
		   containers[i].path != NULL ? containers[i].path : "",
		   containers[i].whole != NULL ? containers[i].whole : "");
	}
	ok(hl_metadata_instance(NULL, NULL, &url) && !url.tls &&
		   strcmp(url.authority, "169.254.169.254") == 0 && url.path[0] == '\0',
	   "instance metadata");
	ok(hl_metadata_instance("", "ipv6", &url) &&
		   strcmp(url.authority, "[fd00:ec2::254]") == 0,
	   "over IPv6");
	ok(!hl_metadata_instance("", "IPv5", &url), "over something else");
	ok(hl_metadata_instance("http://127.0.0.1:1/x/", "IPv5", &url) &&
		   strcmp(url.path, "/x") == 0,
	   "at an address of its own");
	ok(!hl_metadata_instance("http://example.com/", NULL, &url),
	   "not in clear to anywhere");
	ok(hl_metadata_is_role("ward-server") && !hl_metadata_is_role("") &&
		   !hl_metadata_is_role("a/b") && !hl_metadata_is_role("<html>"),
	   "names of roles");
}

static void
check_commands(void)
{
	static const struct
	{
		const char *line;
		const char *words; /* each followed by |; NULL: refused */
	} cases[] = {
		{"/bin/a b", "/bin/a|b|"},
		{"  a\t'b c'  \"d e\" ", "a|b c|d e|"},
		{"a \"$HOME\" `x` $(y) ;z", "a|$HOME|`x`|$(y)|;z|"},
		{"a \\\"b\\ c\"\\\"\\\\\\n\"'\\'", "a|\"b c\"\\\\n\\|"},
		{"a ''", "a||"},
		{"", NULL},
		{"'' a", NULL},
		{"a 'b", NULL},
		{"a \\", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HlCommand command;
		HlBytes words = {0};

		if (hl_command_split(&command, cases[i].line))
			for (int j = 0; j < command.count; j++)
				hl_bytes_format(&words, "%s|", command.words[j]);
		is(words.data, cases[i].words, cases[i].line);
		hl_bytes_free(&words);
		hl_command_free(&command);
	}
}

/* The times at which credentials are renewed. */
static void
check_windows(void)
{
	static const struct
	{
		int lifetime; /* minutes */
		int left;     /* seconds */
		HlRefreshNeed need;
	} cases[] = {
		{15, 301, HL_REFRESH_NONE},     {15, 300, HL_REFRESH_ADVISED},
		{20, 300, HL_REFRESH_ADVISED},  {21, 901, HL_REFRESH_NONE},
		{21, 900, HL_REFRESH_ADVISED},  {89, 901, HL_REFRESH_NONE},
		{90, 3600, HL_REFRESH_ADVISED}, {90, 3601, HL_REFRESH_NONE},
		{360, 61, HL_REFRESH_ADVISED},  {360, 60, HL_REFRESH_MANDATORY},
		{360, -5, HL_REFRESH_MANDATORY}};
	HlLease lease = {.expires = true, .stable = true};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		lease.expires_at = cases[i].lifetime * MINUTE;
		ok(hl_refresh_need(&lease, lease.expires_at - cases[i].left * SECOND,
						   0) == cases[i].need,
		   "%d minutes, %d seconds before the end", cases[i].lifetime,
		   cases[i].left);
	}
	lease.retry_at = hl_refresh_retry_at(0, 0.5);
	ok(lease.retry_at == 450 * SECOND, "after a failure, in 300 to 600 s");
	lease.expires_at = 0;
	ok(hl_refresh_need(&lease, 0, 449 * SECOND) == HL_REFRESH_NONE &&
		   hl_refresh_need(&lease, 0, 450 * SECOND) == HL_REFRESH_MANDATORY,
	   "and not before, although they have ended");
	ok(hl_refresh_may_serve(&lease, 449 * SECOND), "until then they serve");
	lease.refused = true;
	ok(hl_refresh_need(&lease, 449 * SECOND, 0) == HL_REFRESH_MANDATORY &&
		   !hl_refresh_may_serve(&lease, 449 * SECOND),
	   "but not what AWS has refused");
	lease = (HlLease){.expires = true, .expires_at = 20 * SECOND};
	ok(hl_refresh_need(&lease, 9 * SECOND, 0) == HL_REFRESH_NONE &&
		   hl_refresh_need(&lease, 10 * SECOND, 0) == HL_REFRESH_MANDATORY &&
		   !hl_refresh_may_serve(&lease, 10 * SECOND),
	   "a program's end ten seconds early, and for good");
	lease = (HlLease){0};
	ok(hl_refresh_need(&lease, INT64_MAX, 0) == HL_REFRESH_NONE &&
		   hl_refresh_may_serve(&lease, INT64_MAX),
	   "what does not expire");
	ok(hl_refresh_forget_at(0, 0) == SECOND &&
		   hl_refresh_forget_at(0, 1) == 5 * SECOND,
	   "what is final is remembered for 1 to 5 s");
}

int
main(void)
{
	check_role_replies();
	check_cut_replies();
	check_sts();
	check_json();
	check_sign_ons();
	check_addresses();
	check_commands();
	check_windows();
	return tap_end();
}
