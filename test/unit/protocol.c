/*
 * protocol.c
 *	  Runs published cases of awsJson 1.0, in botocore's format: writes the
 *	  requests and reads the replies by tables made of the cases' own shapes.
 *
 *	  protocol CASES.json...         files of cases, or folders of such files
 *	  protocol --model MODEL --stdin a request a line, as JSON; prints faults
 *	                                 and body
 *	  protocol                       the project's own cases, as TAP
 */
#include "aws/protocol.h"

#include <dirent.h>
#include <math.h>
#include <strings.h>

#include "aws/endpoint.h"
#include "aws/validate.h"
#include "cases.h"
#include "shapes.h"

/* botocore's tests use this token for requests without one. */
#define TOKEN "00000000-0000-4000-8000-000000000000"

/* A case and its suite. */
typedef struct Case
{
	const HlJson *suite;
	const HlJson *source;
	const HlJson *given; /* the operation's model */
	const char *id;
	Shapes shapes;
	const HlShape *shape; /* of the input or output */
	HlBytes why;          /* the reason of a failure */
	const char *foreign;  /* why it is not applicable */
} Case;

static bool same_value(const HlJson *one, const HlJson *other,
					   const HlShape *shape);

/* Records the first reason of a failure. */
__attribute__((format(printf, 2, 3))) static void
fail_case(Case *test, const char *format, ...)
{
	char why[2000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	if (test->why.len == 0)
		hl_bytes_append_string(&test->why, why);
}

/* Whether two numbers have the same value. */
static bool
same_number(const HlJson *one, const HlJson *other)
{
	int64_t integers[2];
	double numbers[2];

	if (hl_json_int64(one, &integers[0]) && hl_json_int64(other, &integers[1]))
		return integers[0] == integers[1];
	return hl_json_double(one, &numbers[0]) &&
		   hl_json_double(other, &numbers[1]) && numbers[0] == numbers[1];
}

/* Whether two arrays have the same elements. */
static bool
same_elements(const HlJson *one, const HlJson *other, const HlShape *shape)
{
	const HlShape *element = shape ? shape->element : NULL;

	if (hl_json_len(one) != hl_json_len(other))
		return false;
	for (size_t i = 0; i < hl_json_len(one); i++)
		if (!same_value(hl_json_element(one, i), hl_json_element(other, i),
						element))
			return false;
	return true;
}

/* Whether two structures have the same members; null is the same as missing. */
static bool
same_members(const HlJson *one, const HlJson *other, const HlShape *shape)
{
	for (int i = 0; i < shape->nmembers; i++)
	{
		const char *name = shape->members[i].name;

		if (!same_value(hl_json_member(one, name), hl_json_member(other, name),
						shape->members[i].shape))
			return false;
	}
	return true;
}

/* Whether two objects have the same members, in any order. */
static bool
same_object(const HlJson *one, const HlJson *other, const HlShape *shape)
{
	HlJsonEach each = hl_json_each(one);
	const HlJson *value;

	if (shape != NULL && shape->members != NULL)
		return same_members(one, other, shape);
	if (hl_json_len(one) != hl_json_len(other))
		return false;
	while ((value = hl_json_step(&each)) != NULL)
	{
		const HlJson *twin = hl_json_member(other, each.name);

		if (twin == NULL ||
			!same_value(value, twin, shape ? shape->element : NULL))
			return false;
	}
	return true;
}

/* Whether two values are the same, by a shape, or as JSON if it is NULL. */
static bool
same_value(const HlJson *one, const HlJson *other, const HlShape *shape)
{
	int64_t moments[2];

	if (shape != NULL && shape->kind == HL_KIND_TIMESTAMP &&
		hl_protocol_timestamp(one, &moments[0]) &&
		hl_protocol_timestamp(other, &moments[1]))
		return moments[0] == moments[1];
	if (hl_json_kind(one) != hl_json_kind(other))
		return false;
	switch (hl_json_kind(one))
	{
		case HL_JSON_NUMBER:
			return same_number(one, other);
		case HL_JSON_STRING:
			return strcmp(hl_json_string(one), hl_json_string(other)) == 0;
		case HL_JSON_ARRAY:
			return same_elements(one, other, shape);
		case HL_JSON_OBJECT:
			return same_object(one, other, shape);
		default:
			return true;
	}
}

/* Compares a request's body with the published one. */
static void
compare_body(Case *test, const HlBytes *body, const HlJson *serialized)
{
	const HlJson *published = hl_json_member(serialized, "body");
	const char *text = hl_json_string(published);
	HlJsonDocument got = {0};
	HlJsonDocument expected = {0};

	if (published != NULL &&
		(!hl_json_read(&got, body->data, body->len) ||
		 !hl_json_read(&expected, text, hl_json_len(published)) ||
		 !same_value(got.root, expected.root, NULL)))
		fail_case(test, "body %s, expected %s", hl_bytes_string(body), text);
	hl_json_free(&got);
	hl_json_free(&expected);
}

/* Compares a header with the published one. */
static void
compare_header(Case *test, const char *name, const char *value)
{
	const HlJson *metadata = hl_json_member(test->suite, "metadata");
	HlBytes expected = {0};

	if (strcasecmp(name, "Content-Type") == 0)
		hl_bytes_append_string(&expected, HL_PROTOCOL_CONTENT_TYPE);
	else if (strcasecmp(name, "X-Amz-Target") == 0)
		hl_bytes_format(&expected, "%s.%s",
						cases_string(metadata, "targetPrefix", ""),
						cases_string(test->given, "name", ""));
	if (expected.len == 0)
		test->foreign = "it needs a header that HealthLake does not have";
	else if (strcmp(hl_bytes_string(&expected), value) != 0)
		fail_case(test, "header %s is %s, expected %s", name,
				  hl_bytes_string(&expected), value);
	hl_bytes_free(&expected);
}

/* Compares the request's host and path; they may be published together. */
static void
compare_target(Case *test, const HlJson *serialized)
{
	const HlJson *endpoint = hl_json_member(test->given, "endpoint");
	HlEndpointParameters parameters = {
		.service = "healthlake",
		.region = "us-east-1",
		.url =
			cases_string(test->suite, "clientEndpoint", "https://example.com"),
		.host_prefix = cases_string(endpoint, "hostPrefix", NULL),
	};
	const char *host = cases_string(serialized, "host", NULL);
	const char *uri = cases_string(serialized, "uri", "/");
	HlEndpoint target;

	if (hl_endpoint_resolve(&parameters, &target) != HL_ENDPOINT_OK)
	{
		fail_case(test, "no endpoint: %s", target.reason);
		return;
	}
	if (strcmp(target.path, uri) != 0)
		fail_case(test, "URI %s, expected %s", target.path, uri);
	if (host != NULL &&
		(strncmp(host, target.authority, strlen(target.authority)) != 0 ||
		 strchr("/", host[strlen(target.authority)]) == NULL))
		fail_case(test, "host %s, expected %s", target.authority, host);
}

/* Adds the texts of faults to the reason of a failure. */
static void
fail_by_faults(Case *test, const HlFaults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		fail_case(test, "refused: %s", faults->list[i].text);
}

/* Writes a request and compares it. */
static void
run_input(Case *test)
{
	const HlJson *params = hl_json_member(test->source, "params");
	const HlJson *serialized = hl_json_member(test->source, "serialized");
	HlJsonEach headers = hl_json_each(hl_json_member(serialized, "headers"));
	const HlJson *header;
	HlFaults faults = {0};
	HlBytes body = {0};

	hl_validate(&faults, params, test->shape, false);
	fail_by_faults(test, &faults);
	hl_faults_free(&faults);
	hl_protocol_write_request(&body, test->shape, params, TOKEN);
	compare_body(test, &body, serialized);
	hl_bytes_free(&body);
	if (strcmp(cases_string(serialized, "method", "POST"), "POST") != 0)
		fail_case(test, "method POST, expected another");
	compare_target(test, serialized);
	while ((header = hl_json_step(&headers)) != NULL)
		compare_header(test, headers.name, hl_json_string(header));
}

/* A header of a reply, ignoring case; NULL: none. */
static const char *
find_header(const HlJson *response, const char *name)
{
	HlJsonEach each = hl_json_each(hl_json_member(response, "headers"));
	const HlJson *value;

	while ((value = hl_json_step(&each)) != NULL)
		if (strcasecmp(each.name, name) == 0)
			return hl_json_string(value);
	return NULL;
}

/* Compares the members that an error of this shape has. */
static void
compare_error_members(Case *test, const char *body, size_t len)
{
	const HlJson *errors = hl_json_member(test->given, "errors");
	const char *name = cases_string(hl_json_element(errors, 0), "shape", "");
	const HlShape *shape = shapes_find(&test->shapes, name);
	const HlJson *expected = hl_json_member(test->source, "error");
	HlJsonDocument document = {0};

	(void) !hl_json_read(&document, body, len);
	if (expected != NULL && shape != NULL &&
		!same_members(expected, document.root, shape))
		fail_case(test, "the error's members differ");
	hl_json_free(&document);
}

/* Reads an error reply, and compares. */
static void
run_error(Case *test, const HlJson *response, int status)
{
	const HlJson *published = hl_json_member(response, "body");
	HlErrorReply reply = {
		.http_status = status,
		.error_type = find_header(response, "x-amzn-errortype"),
		.body = hl_json_string(published),
		.len = hl_json_len(published),
	};
	const char *code = cases_string(test->source, "errorCode", "");
	const char *message = cases_string(test->source, "errorMessage", NULL);
	HlBytes got_code = {0};
	HlBytes got_message = {0};

	hl_protocol_read_error(&reply, &got_code, &got_message);
	if (strcmp(hl_bytes_string(&got_code), code) != 0)
		fail_case(test, "code %s, expected %s", hl_bytes_string(&got_code),
				  code);
	if (message != NULL && strcmp(hl_bytes_string(&got_message), message) != 0)
		fail_case(test, "message %s, expected %s",
				  hl_bytes_string(&got_message), message);
	compare_error_members(test, reply.body, reply.len);
	hl_bytes_free(&got_code);
	hl_bytes_free(&got_message);
}

/* Reads the reply of a success, and compares. */
static void
run_success(Case *test, const HlJson *response)
{
	const HlJson *published = hl_json_member(response, "body");
	const HlJson *result = hl_json_member(test->source, "result");
	HlJsonDocument document = {0};
	HlBytes reason = {0};

	if (!hl_protocol_read_reply(&document, test->shape,
								hl_json_string(published),
								hl_json_len(published), &reason))
	{
		if (strstr(hl_bytes_string(&reason), "is missing") != NULL)
			test->foreign = "a reply without a required member is refused";
		else
			fail_case(test, "refused: %s", hl_bytes_string(&reason));
	}
	else if (!same_members(result, document.root, test->shape))
		fail_case(test, "the result differs from %s",
				  hl_json_string(published));
	hl_bytes_free(&reason);
	hl_json_free(&document);
}

/* Reads a reply and compares. */
static void
run_output(Case *test)
{
	const HlJson *response = hl_json_member(test->source, "response");
	int64_t status = 200;

	hl_json_int64(hl_json_member(response, "status_code"), &status);
	if (status >= 300)
		run_error(test, response, (int) status);
	else
		run_success(test, response);
}

/* Why a case does not apply to HealthLake; NULL if it does. */
static const char *
find_foreign(const Case *test, const HlJson *sources, bool input)
{
	const HlJson *endpoint = hl_json_member(test->given, "endpoint");
	const HlJson *reference =
		hl_json_member(test->given, input ? "input" : "output");
	const HlJson *value =
		hl_json_member(test->source, input ? "params" : "result");

	if (hl_json_member(test->given, "requestcompression") != NULL)
		return "compressed requests do not occur in HealthLake";
	if (strchr(cases_string(endpoint, "hostPrefix", ""), '{') != NULL)
		return "host labels do not occur in HealthLake";
	return shapes_foreign(sources, reference, value);
}

/* Reports the result of a case. */
static void
finish_case(Case *test)
{
	bool held = test->why.len == 0;

	if (held && test->foreign != NULL && cases_as_tap)
		ok(1, "%s # SKIP %s", test->id, test->foreign);
	else if (held && test->foreign != NULL)
		printf("not applicable %s: %s\n", test->id, test->foreign);
	else
		cases_result(held, test->id, hl_bytes_string(&test->why),
					 "what was published");
	if (held && test->foreign == NULL && !cases_as_tap)
		printf("passed %s\n", test->id);
	hl_bytes_free(&test->why);
}

/* Runs a case of a suite. */
static void
run_case(const HlJson *suite, const HlJson *source, const Shapes *shapes)
{
	static const HlShape empty = {.name = "Empty", .kind = HL_KIND_STRUCTURE};
	bool input = hl_json_member(source, "serialized") != NULL;
	Case test = {.suite = suite,
				 .source = source,
				 .given = hl_json_member(source, "given"),
				 .id = cases_string(source, "id", "a case without a name"),
				 .shapes = *shapes};

	test.shape = shapes_refer(shapes, test.given, input ? "input" : "output");
	if (test.shape == NULL)
		test.shape = &empty;
	test.foreign = find_foreign(&test, hl_json_member(suite, "shapes"), input);
	if (test.foreign == NULL && input)
		run_input(&test);
	else if (test.foreign == NULL)
		run_output(&test);
	finish_case(&test);
}

/* Runs the suites of a file. */
static void
run_file(const char *path)
{
	HlJsonDocument document = {0};
	HlJsonEach suites;
	const HlJson *suite;

	if (!cases_read_json(path, &document))
		return;
	suites = hl_json_each(document.root);
	while ((suite = hl_json_step(&suites)) != NULL)
	{
		Shapes shapes = shapes_build(hl_json_member(suite, "shapes"));
		HlJsonEach cases = hl_json_each(hl_json_member(suite, "cases"));
		const HlJson *source;

		while ((source = hl_json_step(&cases)) != NULL)
			run_case(suite, source, &shapes);
		shapes_free(&shapes);
	}
	hl_json_free(&document);
}

/* Runs a file, or all files of a folder. */
static void
run_path(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0)
		run_file(path);
	for (int i = 0; i < count; i++)
	{
		const char *dot = strrchr(entries[i]->d_name, '.');
		HlBytes file = {0};

		hl_bytes_format(&file, "%s/%s", path, entries[i]->d_name);
		if (dot != NULL && strcmp(dot, ".json") == 0)
			run_file(hl_bytes_string(&file));
		hl_bytes_free(&file);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* Adds a member whose value is a string. */
static void
append_text(HlBytes *line, const char *name, const char *text)
{
	hl_bytes_format(line, "\"%s\":", name);
	hl_json_append_string(line, text, strlen(text));
}

/* Adds the faults of a request. */
static void
append_faults(HlBytes *line, const HlFaults *faults)
{
	static const char *const kinds[] = {"missing", "null",    "unknown",
										"type",    "minimum", "union"};

	for (size_t i = 0; i < faults->count; i++)
	{
		const HlFault *fault = &faults->list[i];

		hl_bytes_append_string(line, i > 0 ? ",{" : "{");
		append_text(line, "kind", kinds[fault->kind]);
		hl_bytes_append_char(line, ',');
		append_text(line, "path", fault->path);
		hl_bytes_append_char(line, ',');
		append_text(line, "member", fault->member ? fault->member : "");
		hl_bytes_append_char(line, ',');
		append_text(line, "text", fault->text);
		hl_bytes_append_char(line, '}');
	}
}

/* Answers {"operation": …, "params": …} with {"faults": […], "body": …}. */
static void
answer_line(const Shapes *shapes, const HlJson *operations, const HlJson *asked)
{
	const char *name = cases_string(asked, "operation", "");
	const HlJson *params = hl_json_member(asked, "params");
	const HlJson *operation = hl_json_member(operations, name);
	const HlShape *input = shapes_refer(shapes, operation, "input");
	HlFaults faults = {0};
	HlBytes line = {0};

	if (input == NULL)
	{
		printf("{}\n");
		return;
	}
	hl_validate(&faults, params, input, false);
	hl_bytes_append_string(&line, "{\"faults\":[");
	append_faults(&line, &faults);
	hl_bytes_append_string(&line, "],\"body\":");
	hl_protocol_write_request(&line, input, params,
							  cases_string(asked, "token", NULL));
	printf("%s}\n", hl_bytes_string(&line));
	fflush(stdout);
	hl_faults_free(&faults);
	hl_bytes_free(&line);
}

/* Answers requests, one on each line, by the operations of a model. */
static int
run_lines(const char *path)
{
	HlJsonDocument model = {0};
	HlJsonDocument asked = {0};
	Shapes shapes;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!cases_read_json(path, &model))
		return 1;
	shapes = shapes_build(hl_json_member(model.root, "shapes"));
	while ((len = getline(&line, &size, stdin)) > 0)
	{
		(void) !hl_json_read(&asked, line, (size_t) len);
		answer_line(&shapes, hl_json_member(model.root, "operations"),
					asked.root);
	}
	free(line);
	shapes_free(&shapes);
	hl_json_free(&asked);
	hl_json_free(&model);
	return 0;
}

/* Runs the project's cases, and the published ones if available. */
static int
run_own(const char *program)
{
	char *own = cases_beside(program, "cases/protocol");
	char *published = cases_published("protocol");

	cases_as_tap = true;
	run_path(own);
	if (published != NULL)
		run_path(published);
	free(own);
	free(published);
	return cases_end();
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return run_own(argv[0]);
	if (argc == 4 && strcmp(argv[1], "--model") == 0 &&
		strcmp(argv[3], "--stdin") == 0)
		return run_lines(argv[2]);
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	return cases_end();
}
