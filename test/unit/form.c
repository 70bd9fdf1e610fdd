/*
 * form.c
 *	  Tests of aws/form.c.
 */
#include "aws/form.h"
#include "tap.h"

/* Checks what becomes of parameters: the form, or the fault and its name. */
static void
writes(const char *json, const char *expected, HlFormFault wanted,
	   const char *wanted_name)
{
	HlJsonDocument document = {0};
	HlBytes form = {0};
	const char *name;
	HlFormFault fault;

	ok(hl_json_read(&document, json, strlen(json)), "the test's JSON is one");
	fault = hl_form_write(&form, document.root, &name);
	ok(fault == wanted, "%s: fault %d", json, fault);
	if (wanted == HL_FORM_OK)
		is(hl_bytes_string(&form), expected, json);
	else
		is(name, wanted_name, json);
	hl_bytes_free(&form);
	hl_json_free(&document);
}

/* The same for those that are well. */
static void
gives(const char *json, const char *expected)
{
	writes(json, expected, HL_FORM_OK, NULL);
}

/* Whether some member of parameters is a criterion. */
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
	writes("[]", NULL, HL_FORM_NO_OBJECT, "");
	writes("\"a=b\"", NULL, HL_FORM_NO_OBJECT, "");
	writes("{\"\":\"x\"}", NULL, HL_FORM_EMPTY_NAME, "");
	writes("{\"a\":\"b\",\"c\":null}", NULL, HL_FORM_NULL, "c");
	writes("{\"c\":[\"a\",null]}", NULL, HL_FORM_NULL, "c");
	writes("{\"c\":[]}", NULL, HL_FORM_EMPTY_ARRAY, "c");
	writes("{\"c\":\"\"}", NULL, HL_FORM_EMPTY_VALUE, "c");
	writes("{\"c\":[\"\"]}", NULL, HL_FORM_EMPTY_VALUE, "c");
	writes("{\"c\":{\"d\":1}}", NULL, HL_FORM_NESTED, "c");
	writes("{\"c\":[[\"d\"]]}", NULL, HL_FORM_NESTED, "c");
	writes("{\"_count\":5}", NULL, HL_FORM_OURS, "_count");
	writes("{\"page\":\"x\"}", NULL, HL_FORM_OURS, "page");
	writes("{\"page:x\":\"x\"}", NULL, HL_FORM_OURS, "page:x");
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

int
main(void)
{
	test_writing();
	test_escaping();
	test_criteria();
	return tap_end();
}
