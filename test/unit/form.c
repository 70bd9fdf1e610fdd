/*
 * form.c
 *	  Tests of aws/form.c.
 */
#include "aws/form.h"
#include "tap.h"

/* Checks the form of parameters, or the fault and the parameter's name. */
static void
writes(const char *json, bool paged, const char *expected, HlFormFault wanted,
	   const char *wanted_name)
{
	HlJsonDocument document = {0};
	HlBytes form = {0};
	const char *name;
	HlFormFault fault;

	ok(hl_json_read(&document, json, strlen(json)), "the test's JSON is one");
	fault = hl_form_write(&form, document.root, paged, &name);
	ok(fault == wanted, "%s: fault %d", json, fault);
	if (wanted == HL_FORM_OK)
		is(hl_bytes_string(&form), expected, json);
	else
		is(name, wanted_name, json);
	hl_bytes_free(&form);
	hl_json_free(&document);
}

/* The same for valid parameters. */
static void
gives(const char *json, const char *expected)
{
	writes(json, true, expected, HL_FORM_OK, NULL);
}

/* The same for parameters that are refused. */
static void
refuses(const char *json, HlFormFault wanted, const char *name)
{
	writes(json, true, NULL, wanted, name);
}

static bool
selects(const char *json)
{
	HlJsonDocument document = {0};
	bool found;

	ok(hl_json_read(&document, json, strlen(json)), "the test's JSON is one");
	found = hl_form_has_criterion(document.root);
	hl_json_free(&document);
	return found;
}

/* Checks a value that is escaped. */
static void
escapes(const char *value, const char *expected)
{
	HlBytes bytes = {0};

	hl_form_escape(&bytes, value);
	is(hl_bytes_string(&bytes), expected, value);
	hl_bytes_free(&bytes);
}

static void
test_writing(void)
{
	gives("{}", "");
	gives("{\"birthdate\":[\"ge1980-01-01\",\"lt1990-01-01\"],"
		  "\"gender\":\"female\"}",
		  "birthdate=ge1980-01-01&birthdate=lt1990-01-01&gender=female");
	gives("{\"active\":true,\"x\":false,\"value-quantity\":1.50}",
		  "active=true&x=false&value-quantity=1.50");
	gives("{\"name:exact\":\"O'Neil & S\\u00f6hne\"}",
		  "name%3Aexact=O%27Neil%20%26%20S%C3%B6hne");
	gives("{\"code\":\"http://loinc.org|8867-4,x\\\\,y\"}",
		  "code=http%3A%2F%2Floinc.org%7C8867-4%2Cx%5C%2Cy");
	gives("{\"a\":\"1+1=2%\"}", "a=1%2B1%3D2%25");
	gives("{\"_sort\":[\"-date\",\"_id\"],\"_elements\":[\"id\",\"name\"]}",
		  "_sort=-date%2C_id&_elements=id%2Cname");
	gives("{\"_sort\":[\"date\"]}", "_sort=date");
	gives("{\"subject:Patient.name\":\"x\"}", "subject%3APatient.name=x");
	gives("{\"a&b\":\"c\"}", "a%26b=c");
	gives("{\"pages\":\"1\",\"_counted\":\"1\"}", "pages=1&_counted=1");
	refuses("[]", HL_FORM_NO_OBJECT, "");
	refuses("\"a=b\"", HL_FORM_NO_OBJECT, "");
	refuses("{\"\":\"x\"}", HL_FORM_EMPTY_NAME, "");
	refuses("{\"a\":\"b\",\"c\":null}", HL_FORM_NULL, "c");
	refuses("{\"c\":[\"a\",null]}", HL_FORM_NULL, "c");
	refuses("{\"c\":[]}", HL_FORM_EMPTY_ARRAY, "c");
	refuses("{\"c\":\"\"}", HL_FORM_EMPTY_VALUE, "c");
	refuses("{\"c\":[\"\"]}", HL_FORM_EMPTY_VALUE, "c");
	refuses("{\"c\":{\"d\":1}}", HL_FORM_NESTED, "c");
	refuses("{\"c\":[[\"d\"]]}", HL_FORM_NESTED, "c");
	refuses("{\"_count\":5}", HL_FORM_OURS, "_count");
	refuses("{\"page\":\"x\"}", HL_FORM_OURS, "page");
	refuses("{\"page:x\":\"x\"}", HL_FORM_OURS, "page:x");
	writes("{\"_count\":5,\"page\":\"x\"}", false, "_count=5&page=x",
		   HL_FORM_OK, NULL);
	writes("{\"_count\":null}", false, NULL, HL_FORM_NULL, "_count");
}

static void
test_escaping(void)
{
	escapes("Smith", "Smith");
	escapes("a,b|c$d\\e", "a\\,b\\|c\\$d\\\\e");
	escapes("", "");
	escapes("S\xc3\xb6hne", "S\xc3\xb6hne");
}

static void
test_criteria(void)
{
	static const char *const none[] = {
		"_sort",  "_elements", "_include:iterate", "_revinclude", "_summary",
		"_total", "_include",  "_format",          "_contained",
	};
	static const char *const some[] = {"_id",
									   "_lastUpdated",
									   "_tag:not",
									   "name",
									   "_has:Observation:patient:code",
									   "_sorted"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ok(!hl_form_is_criterion(none[i]), "%s selects nothing", none[i]);
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		ok(hl_form_is_criterion(some[i]), "%s selects", some[i]);
	ok(selects("{\"_sort\":\"x\",\"name\":\"y\"}"), "one of two selects");
	ok(!selects("{\"_sort\":\"x\"}") && !selects("{}") && !selects("[[]]"),
	   "none does");
}

/* Checks which criterion has an empty alternative. */
static void
leaves_open(const char *json, const char *wanted)
{
	HlJsonDocument document = {0};
	const char *found;

	ok(hl_json_read(&document, json, strlen(json)), "the test's JSON is one");
	found = hl_form_unselective(document.root);
	ok(wanted == NULL ? found == NULL
					  : found != NULL && strcmp(found, wanted) == 0,
	   "%s", json);
	hl_json_free(&document);
}

/* A value that a server may take for none. */
static void
test_alternatives(void)
{
	static const char *const open[] = {
		",", ",a", "a,", "a,,b", ",,", "\\\\\\\\,", "a, ,b", "a, ", " "};
	static const char *const closed[] = {"a",      "a,b",     "\\\\,",
										 "a\\\\,", "\\\\,,a", "a,\\\\,,b",
										 "a b",    "\\\\\\\\"};
	char json[100];

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
	{
		snprintf(json, sizeof(json), "{\"x\":\"y\",\"name\":\"%s\"}", open[i]);
		leaves_open(json, "name");
	}
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
	{
		snprintf(json, sizeof(json), "{\"name\":\"%s\"}", closed[i]);
		leaves_open(json, NULL);
	}
	leaves_open("{\"name\":[\"a\",\"b,\"]}", "name");
	leaves_open("{\"name\":[\"a\",\"b\"],\"n\":1,\"b\":true}", NULL);
	leaves_open("{\"_sort\":\"a,\",\"name\":\"a\"}", NULL);
}

/* Whether a query selects, as a conditional request has it. */
static void
test_queries(void)
{
	static const char *const some[] = {"name=a",
									   "identifier=urn%3Ax%7C1",
									   "_count=1&name=a",
									   "name=a%5C%2Cb",
									   "name=a,b&active=true",
									   "_has:Observation:x:y=a",
									   "name=a&_sort=x",
									   "name=a&"};
	static const char *const none[] = {"",
									   "_count=1",
									   "name",
									   "name=",
									   "name=,",
									   "name=a%2C",
									   "name=+",
									   "%",
									   "name=a%0",
									   "name=%00",
									   "=a",
									   "&",
									   "name=a&birthdate=",
									   "name=a&_id=%20,1"};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		ok(hl_form_query_selects(some[i]), "\"%s\" selects", some[i]);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ok(!hl_form_query_selects(none[i]), "\"%s\" does not", none[i]);
}

int
main(void)
{
	test_writing();
	test_escaping();
	test_criteria();
	test_alternatives();
	test_queries();
	return tap_end();
}
