/*
 * sigv4.c
 *	  Signs cases in the folder format of AWS's published suite and compares
 *	  each stage.
 *
 *	  sigv4 DIR...     DIR is a case's folder, or a folder of such folders
 *	  sigv4 --stdin    a request a line, as JSON; prints Authorization values
 *	  sigv4            the project's own cases and more, as TAP
 */
#include "aws/sigv4.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "cases.h"

/* A parsed case: request and context point into the texts. */
typedef struct SigningCase
{
	HlBytes text;
	HlJsonDocument context;
	HlHeader headers[HL_SIGV4_MAX_HEADERS];
	HlSigv4Request request;
	HlSigv4Credentials credentials;
	HlSigv4Scope scope;
} SigningCase;

/* Signs with empty keys and buffers, and wipes them. */
static HlSigv4Outcome
sign_once(const HlSigv4Request *request, const HlSigv4Credentials *credentials,
		  const HlSigv4Scope *scope, HlSigv4Signed *result)
{
	HlSigv4Keys keys = {0};
	HlSigv4Outcome outcome =
		hl_sigv4_sign(&keys, request, credentials, scope, result);

	hl_sigv4_wipe_keys(&keys);
	return outcome;
}

/* The next line of a text, without its line end; NULL at the end. */
static char *
next_line(char **text, char *end)
{
	char *line = *text;
	char *newline;

	if (line >= end)
		return NULL;
	newline = memchr(line, '\n', (size_t) (end - line));
	*text = newline != NULL ? newline + 1 : end;
	if (newline != NULL)
		*newline = '\0';
	if (newline != NULL && newline > line && newline[-1] == '\r')
		newline[-1] = '\0';
	return line;
}

/* Splits "GET /path?query HTTP/1.1"; the path may contain blanks. */
static bool
read_request_line(char *line, HlSigv4Request *request)
{
	char *path = strchr(line, ' ');
	char *version = strstr(line, " HTTP/");
	char *query;

	if (path == NULL || version == NULL || path >= version)
		return false;
	*path++ = '\0';
	*version = '\0';
	query = strchr(path, '?');
	if (query != NULL)
		*query++ = '\0';
	request->method = line;
	request->path = path;
	request->query = query;
	return true;
}

/* Joins a folded line to the one before it by a blank, in place. */
static void
unfold(char *value, const char *line)
{
	size_t len = strlen(value);

	value[len] = ' ';
	memmove(value + len + 1, line, strlen(line) + 1);
}

/* Reads the raw request: lines end in LF or CRLF, and may be folded. */
static bool
read_request(SigningCase *c)
{
	char *text = c->text.data;
	char *end = text + c->text.len;
	char *line = next_line(&text, end);
	char *value = NULL;

	if (line == NULL || !read_request_line(line, &c->request))
		return false;
	while ((line = next_line(&text, end)) != NULL && *line != '\0')
	{
		if ((*line == ' ' || *line == '\t') && value != NULL)
		{
			unfold(value, line);
			continue;
		}
		value = strchr(line, ':');
		if (value == NULL || c->request.nheaders == HL_SIGV4_MAX_HEADERS)
			return false;
		*value++ = '\0';
		c->headers[c->request.nheaders++] = (HlHeader){line, value};
	}
	c->request.headers = c->headers;
	c->request.body = text;
	c->request.body_len = (size_t) (end - text);
	return true;
}

/* Reads 2015-08-30T12:36:00Z. */
static bool
read_timestamp(const char *text, long long *timestamp)
{
	struct tm tm = {0};
	int end = 0;

	sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*timestamp = timegm(&tm);
	return end > 0 && text[end] == '\0';
}

/* Reads credentials, scope and flags of a case's context. */
static bool
read_context(SigningCase *c)
{
	const HlJson *root = c->context.root;
	const HlJson *keys = hl_json_member(root, "credentials");

	c->credentials.access_key_id = cases_string(keys, "access_key_id", "");
	c->credentials.secret_access_key =
		cases_string(keys, "secret_access_key", "");
	c->credentials.session_token = cases_string(keys, "token", NULL);
	c->scope.region = cases_string(root, "region", "");
	c->scope.service = cases_string(root, "service", "");
	if (hl_json_kind(hl_json_member(root, "normalize")) == HL_JSON_FALSE)
		c->request.flags |= HL_SIGV4_PATH_AS_IS;
	if (cases_true(root, "sign_body"))
		c->request.flags |= HL_SIGV4_SIGN_BODY;
	if (cases_true(root, "omit_session_token"))
		c->request.flags |= HL_SIGV4_OMIT_TOKEN;
	return read_timestamp(cases_string(root, "timestamp", ""),
						  &c->scope.timestamp);
}

/* Reads an expected text of a case, without its final line end. */
static bool
read_expected(const char *folder, const char *name, HlBytes *text)
{
	HlBytes path = {0};
	bool read;

	hl_bytes_format(&path, "%s/%s", folder, name);
	read = cases_read_file(path.data, text);
	hl_bytes_free(&path);
	if (text->len > 0 && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	return read;
}

/* Compares one stage with its file; only the first difference is reported. */
static bool
compare_stage(const char *folder, const char *name, const char *got)
{
	HlBytes expected = {0};
	HlBytes title = {0};
	bool equal = read_expected(folder, name, &expected) &&
				 strcmp(hl_bytes_string(&expected), got) == 0;

	hl_bytes_format(&title, "%s: %s", folder, name);
	if (!equal)
		cases_result(false, hl_bytes_string(&title), got,
					 hl_bytes_string(&expected));
	hl_bytes_free(&expected);
	hl_bytes_free(&title);
	return equal;
}

/* Compares the Authorization header if the case has the signed request. */
static bool
compare_authorization(const char *folder, const char *got)
{
	HlBytes text = {0};
	bool given = read_expected(folder, "header-signed-request.txt", &text);
	char *line = text.data ? strstr(text.data, "\nAuthorization:") : NULL;
	bool equal = true;

	if (given && line != NULL)
	{
		line += strlen("\nAuthorization:");
		line[strcspn(line, "\r\n")] = '\0';
		line += strspn(line, " ");
		equal = strcmp(line, got) == 0;
	}
	if (!equal)
		cases_result(false, folder, got, line);
	hl_bytes_free(&text);
	return equal;
}

/* Signs a case and compares the stages. */
static void
compare_stages(const char *folder, SigningCase *c)
{
	HlSigv4Signed result = {0};
	HlSigv4Outcome outcome =
		sign_once(&c->request, &c->credentials, &c->scope, &result);

	if (outcome != HL_SIGV4_OK)
		cases_result(false, folder, hl_sigv4_reason(outcome), "a signature");
	else if (compare_stage(folder, "header-canonical-request.txt",
						   hl_bytes_string(&result.canonical_request)) &&
			 compare_stage(folder, "header-string-to-sign.txt",
						   hl_bytes_string(&result.string_to_sign)) &&
			 compare_stage(folder, "header-signature.txt", result.signature) &&
			 compare_authorization(folder,
								   hl_bytes_string(&result.authorization)))
		cases_result(true, folder, "", "");
	hl_sigv4_wipe_signed(&result);
}

/* Runs the case in a folder. */
static void
run_case(const char *folder)
{
	SigningCase c = {0};
	HlBytes path = {0};

	hl_bytes_format(&path, "%s/context.json", folder);
	if (cases_read_json(path.data, &c.context))
	{
		hl_bytes_reset(&path);
		hl_bytes_format(&path, "%s/request.txt", folder);
		if (cases_read_file(path.data, &c.text) && read_request(&c) &&
			read_context(&c))
			compare_stages(folder, &c);
		else
			cases_result(false, folder, "unreadable", "a request");
	}
	hl_bytes_free(&path);
	hl_bytes_free(&c.text);
	hl_json_free(&c.context);
}

/* Whether a folder holds a case. */
static bool
is_case(const char *folder)
{
	HlBytes path = {0};
	struct stat status;
	bool there;

	hl_bytes_format(&path, "%s/request.txt", folder);
	there = stat(path.data, &status) == 0;
	hl_bytes_free(&path);
	return there;
}

/* Runs the case in a folder, or those in its folders, by name. */
static void
run_folder(const char *folder)
{
	struct dirent **entries;
	int before = cases_passed + cases_failed;
	int count =
		is_case(folder) ? 0 : scandir(folder, &entries, NULL, alphasort);

	if (is_case(folder))
		run_case(folder);
	for (int i = 0; i < count; i++)
	{
		HlBytes path = {0};

		hl_bytes_format(&path, "%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && is_case(path.data))
			run_case(path.data);
		hl_bytes_free(&path);
		free(entries[i]);
	}
	if (count >= 0 && !is_case(folder))
		free(entries);
	if (cases_passed + cases_failed == before)
		cases_result(false, folder, "no case", "a folder of cases");
}

/* Reads a request from a line of JSON. */
static void
read_line(const HlJson *root, SigningCase *c)
{
	const HlJson *headers = hl_json_member(root, "headers");
	HlJsonEach each = hl_json_each(headers);
	const HlJson *pair;
	int64_t seconds;

	read_context(c);
	if (hl_json_int64(hl_json_member(root, "seconds"), &seconds))
		c->scope.timestamp = seconds;
	c->request.method = cases_string(root, "method", "");
	c->request.path = cases_string(root, "path", "");
	c->request.query = cases_string(root, "query", NULL);
	c->request.body = cases_string(root, "body", "");
	c->request.body_len = strlen(c->request.body);
	c->request.headers = c->headers;
	while ((pair = hl_json_step(&each)) != NULL &&
		   c->request.nheaders < HL_SIGV4_MAX_HEADERS)
		c->headers[c->request.nheaders++] =
			(HlHeader){hl_json_string(hl_json_element(pair, 0)),
					   hl_json_string(hl_json_element(pair, 1))};
}

/* Signs the requests on standard input with one set of keys. */
static int
run_lines(void)
{
	HlSigv4Keys keys = {0};
	HlSigv4Signed result = {0};
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0)
	{
		SigningCase c = {0};
		HlSigv4Outcome outcome = HL_SIGV4_BAD_REQUEST;

		if (hl_json_read(&c.context, line, (size_t) len))
		{
			read_line(c.context.root, &c);
			outcome = hl_sigv4_sign(&keys, &c.request, &c.credentials, &c.scope,
									&result);
		}
		printf("%s\n", outcome == HL_SIGV4_OK
						   ? hl_bytes_string(&result.authorization)
						   : hl_sigv4_reason(outcome));
		hl_json_free(&c.context);
	}
	free(line);
	hl_sigv4_wipe_signed(&result);
	hl_sigv4_wipe_keys(&keys);
	return 0;
}

static const HlHeader plain_headers[] = {{"Host", "example.com"},
										 {"Content-Type", "text/plain"}};
static const HlSigv4Request plain_request = {
	.method = "POST", .path = "/", .headers = plain_headers, .nheaders = 2};
static const HlSigv4Credentials plain_credentials = {"AKIDEXAMPLE", "a secret",
													 NULL};
static const HlSigv4Scope plain_scope = {"eu-west-2", "healthlake", 1700000000};

/* Checks the outcome of a request that cannot be signed. */
static void
check_refused(const HlSigv4Request *request,
			  const HlSigv4Credentials *credentials, const HlSigv4Scope *scope,
			  HlSigv4Outcome expected, const char *name)
{
	HlSigv4Signed result = {0};
	HlSigv4Outcome outcome = sign_once(request, credentials, scope, &result);

	is(hl_sigv4_reason(outcome), hl_sigv4_reason(expected), name);
	if (result.authorization.len > 0 || result.canonical_request.len > 0 ||
		result.signature[0] != '\0')
		ok(0, "%s: something of it was left", name);
	hl_sigv4_wipe_signed(&result);
}

/* Checks that a header is refused; NULL for its name: no header at all. */
static void
check_header(const char *header, const char *value, HlSigv4Outcome expected,
			 const char *name)
{
	HlHeader headers[2] = {plain_headers[0], {header, value}};
	HlSigv4Request request = plain_request;

	request.headers = headers;
	request.nheaders = header != NULL ? 2 : 0;
	check_refused(&request, &plain_credentials, &plain_scope, expected, name);
}

/* Headers with line ends, and headers that are reserved for the signer. */
static void
check_headers(void)
{
	HlHeader many[HL_SIGV4_MAX_HEADERS + 1];
	HlSigv4Request request = plain_request;

	check_header("X-A", "1\r\nX-B: 2", HL_SIGV4_BAD_HEADER,
				 "a line end in a value is refused");
	check_header("X-A", "1\n", HL_SIGV4_BAD_HEADER,
				 "a newline at a value's end is refused");
	check_header("X-A", "\r", HL_SIGV4_BAD_HEADER,
				 "a carriage return is refused");
	check_header("X-A: 1\nX-B", "2", HL_SIGV4_BAD_HEADER,
				 "a line end in a name is refused");
	check_header("", "2", HL_SIGV4_BAD_HEADER, "an empty name is refused");
	check_header("X A", "2", HL_SIGV4_BAD_HEADER,
				 "a blank in a name is refused");
	check_header("x-amz-DATE", "20150830T123600Z", HL_SIGV4_BAD_HEADER,
				 "a date of the caller's is refused");
	check_header("Authorization", "x", HL_SIGV4_BAD_HEADER,
				 "an authorization of the caller's is refused");
	check_header("X-Amz-Security-Token", "x", HL_SIGV4_BAD_HEADER,
				 "a token among the headers is refused");
	check_header("host", "other.example", HL_SIGV4_NO_HOST,
				 "a second host is refused");
	check_header(NULL, NULL, HL_SIGV4_NO_HOST, "no host is refused");
	request.flags = HL_SIGV4_SIGN_BODY;
	many[0] = plain_headers[0];
	many[1] = (HlHeader){"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"};
	request.headers = many;
	check_refused(&request, &plain_credentials, &plain_scope,
				  HL_SIGV4_BAD_HEADER,
				  "a digest of the caller's beside the signer's is refused");
	request.flags = 0;
	for (int i = 1; i <= HL_SIGV4_MAX_HEADERS; i++)
		many[i] = (HlHeader){"X-Many", "again"};
	request.headers = many;
	request.nheaders = HL_SIGV4_MAX_HEADERS + 1;
	check_refused(&request, &plain_credentials, &plain_scope, HL_SIGV4_TOO_MANY,
				  "more headers than fit are refused");
}

/* Credentials, scopes, paths and queries that cannot be signed. */
static void
check_arguments(void)
{
	HlSigv4Request request = plain_request;
	HlSigv4Credentials keys = plain_credentials;
	HlSigv4Scope scope = plain_scope;

	keys.session_token = "token\r\nX-Injected: yes";
	check_refused(&request, &keys, &scope, HL_SIGV4_BAD_CREDENTIALS,
				  "a line end in a session token is refused");
	keys = (HlSigv4Credentials){"AKID\nX: y", "s", NULL};
	check_refused(&request, &keys, &scope, HL_SIGV4_BAD_CREDENTIALS,
				  "a line end in a key id is refused");
	keys = (HlSigv4Credentials){"AKID", "", NULL};
	check_refused(&request, &keys, &scope, HL_SIGV4_BAD_CREDENTIALS,
				  "an empty secret is refused");
	keys = (HlSigv4Credentials){NULL, "s", NULL};
	check_refused(&request, &keys, &scope, HL_SIGV4_BAD_CREDENTIALS,
				  "no key id is refused");
	keys = (HlSigv4Credentials){"AKID", NULL, NULL};
	check_refused(&request, &keys, &scope, HL_SIGV4_BAD_CREDENTIALS,
				  "no secret is refused");
	scope.region = "us-east-1/other";
	check_refused(&request, &plain_credentials, &scope, HL_SIGV4_BAD_SCOPE,
				  "a slash in a region is refused");
	scope.region = "";
	check_refused(&request, &plain_credentials, &scope, HL_SIGV4_BAD_SCOPE,
				  "an empty region is refused");
	scope = plain_scope;
	scope.timestamp = -1;
	check_refused(&request, &plain_credentials, &scope, HL_SIGV4_BAD_SCOPE,
				  "a time before 1970 is refused");
	scope.timestamp = 253402300800;
	check_refused(&request, &plain_credentials, &scope, HL_SIGV4_BAD_SCOPE,
				  "a time after the year 9999 is refused");
	request.path = "nowhere";
	check_refused(&request, &plain_credentials, &plain_scope,
				  HL_SIGV4_BAD_REQUEST, "a path that is none is refused");
	request = plain_request;
	request.query = "a=%4";
	check_refused(&request, &plain_credentials, &plain_scope,
				  HL_SIGV4_BAD_REQUEST, "half an escape is refused");
	request.query = "%z1=1";
	check_refused(&request, &plain_credentials, &plain_scope,
				  HL_SIGV4_BAD_REQUEST, "an escape of half a digit is refused");
	request.query = "%zz=1";
	check_refused(&request, &plain_credentials, &plain_scope,
				  HL_SIGV4_BAD_REQUEST, "an escape of no digits is refused");
}

/* Dates that are difficult for calendars. */
static void
check_dates(void)
{
	static const struct
	{
		long long seconds;
		const char *text;
	} dates[] = {
		{0, "19700101T000000Z"},          {951782399, "20000228T235959Z"},
		{951782400, "20000229T000000Z"},  {951868800, "20000301T000000Z"},
		{1709164800, "20240229T000000Z"}, {4107542400, "21000301T000000Z"},
		{4107542399, "21000228T235959Z"}, {1767225599, "20251231T235959Z"},
		{1767225600, "20260101T000000Z"}, {253402300799, "99991231T235959Z"},
	};
	HlSigv4Signed result = {0};

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
	{
		HlSigv4Scope scope = {"us-east-1", "healthlake", dates[i].seconds};

		sign_once(&plain_request, &plain_credentials, &scope, &result);
		is(result.amz_date, dates[i].text, "a date of the calendar");
	}
	hl_sigv4_wipe_signed(&result);
}

/* A key is derived again when its day, region, service or secret changes. */
static void
check_key_reuse(void)
{
	HlSigv4Keys keys = {0};
	HlSigv4Signed result = {0};
	HlSigv4Scope scope = plain_scope;
	HlSigv4Credentials secrets = plain_credentials;
	char first[65];

	hl_sigv4_sign(&keys, &plain_request, &secrets, &scope, &result);
	strcpy(first, result.signature);
	scope.timestamp += 60;
	hl_sigv4_sign(&keys, &plain_request, &secrets, &scope, &result);
	ok(keys.derivations == 1, "a minute later the key is the same");
	scope.timestamp += 86400;
	hl_sigv4_sign(&keys, &plain_request, &secrets, &scope, &result);
	ok(keys.derivations == 2, "a day later it is derived again");
	scope.region = "eu-west-1";
	hl_sigv4_sign(&keys, &plain_request, &secrets, &scope, &result);
	ok(keys.derivations == 3, "for another region too");
	scope.service = "sts";
	hl_sigv4_sign(&keys, &plain_request, &secrets, &scope, &result);
	ok(keys.derivations == 4, "for another service too");
	secrets.secret_access_key = "another secret";
	hl_sigv4_sign(&keys, &plain_request, &secrets, &scope, &result);
	ok(keys.derivations == 5, "for another secret too");
	hl_sigv4_sign(&keys, &plain_request, &plain_credentials, &plain_scope,
				  &result);
	is(result.signature, first, "the first request is signed as at first");
	hl_sigv4_wipe_keys(&keys);
	hl_sigv4_wipe_signed(&result);
	ok(keys.context == NULL && keys.derivations == 0 && keys.key[0] == 0,
	   "wiped keys are as new");
}

/* A secret longer than HMAC's block is digested first. */
static void
check_long_secret(void)
{
	HlSigv4Credentials secrets = {"AKIDEXAMPLE",
								  "0123456789012345678901234567890123456789"
								  "0123456789012345678901234567890123456789",
								  NULL};
	HlSigv4Signed result = {0};

	sign_once(&plain_request, &secrets, &plain_scope, &result);
	is(result.signature,
	   "ac97822a0e94ed8440324ee912411d6dc959cf1ce42e4570b45840f070eefbfa",
	   "a secret longer than a block signs as RFC 2104 has it");
	hl_sigv4_wipe_signed(&result);
}

/*
 * Runs the project's cases, the published ones if available, and further
 * checks.
 */
static int
run_own(const char *program)
{
	char *own = cases_beside(program, "cases/sigv4");
	char *published;

	cases_as_tap = true;
	run_folder(own);
	free(own);
	published = cases_published("sigv4");
	if (published != NULL)
		run_folder(published);
	free(published);
	check_headers();
	check_arguments();
	check_dates();
	check_key_reuse();
	check_long_secret();
	return cases_end();
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return run_own(argv[0]);
	if (strcmp(argv[1], "--stdin") == 0)
		return run_lines();
	for (int i = 1; i < argc; i++)
		run_folder(argv[i]);
	return cases_end();
}
