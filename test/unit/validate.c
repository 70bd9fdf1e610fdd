/*
 * validate.c
 *	  The validation of requests, on shapes of every kind.
 *	  test/judge/validator.py compares it with botocore's for each operation.
 */
#include "aws/validate.h"

#include <stdlib.h>

#include "tap.h"

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const HlShape String = {.name = "String", .kind = HL_KIND_STRING};
static const HlShape Boolean = {.name = "Boolean", .kind = HL_KIND_BOOLEAN};
static const HlShape Double = {
	.name = "Double", .kind = HL_KIND_DOUBLE, .has_min = true, .min = 0};
static const HlShape Timestamp = {.name = "Timestamp",
								  .kind = HL_KIND_TIMESTAMP};
static const HlShape Long = {.name = "Long", .kind = HL_KIND_LONG};
static const HlShape Days = {.name = "Days",
							 .kind = HL_KIND_INTEGER,
							 .has_min = true,
							 .min = 1,
							 .has_max = true,
							 .max = 30};
static const HlShape Name = {.name = "Name",
							 .kind = HL_KIND_STRING,
							 .has_min = true,
							 .min = 2,
							 .has_max = true,
							 .max = 4};

static const HlMember tag[] = {
	{"Key", NULL, &Name, .required = true},
	{"Value", NULL, &String, .required = true},
};
static const HlShape Tag = {.name = "Tag",
							.kind = HL_KIND_STRUCTURE,
							.members = tag,
							.nmembers = LENGTH(tag)};
static const HlShape Tags = {.name = "Tags",
							 .kind = HL_KIND_LIST,
							 .has_min = true,
							 .min = 1,
							 .element = &Tag};
static const HlShape Lists = {
	.name = "Lists", .kind = HL_KIND_LIST, .element = &Tags};

static const HlMember kms[] = {
	{"CmkType", "cmk_type", &String, .required = true},
	{"KmsKeyId", "kms_key_id", &Name},
};
static const HlShape Kms = {.name = "Kms",
							.kind = HL_KIND_STRUCTURE,
							.members = kms,
							.nmembers = LENGTH(kms)};

static const HlMember choice[] = {
	{"Left", NULL, &String},
	{"Right", NULL, &Kms},
};
static const HlShape Choice = {.name = "Choice",
							   .kind = HL_KIND_UNION,
							   .members = choice,
							   .nmembers = LENGTH(choice)};

static const HlShape Map = {.name = "Map",
							.kind = HL_KIND_MAP,
							.has_min = true,
							.min = 1,
							.key = &Name,
							.element = &Tag};

static const HlMember request[] = {
	{"DatastoreName", "name", &Name},
	{"TypeVersion", "type_version", &String, .required = true},
	{"Kms", NULL, &Kms},
	{"Tags", "tags", &Tags, .form = HL_FORM_TAGS},
	{"Days", "days", &Days},
	{"Long", "long", &Long},
	{"Double", "double", &Double},
	{"Enabled", "enabled", &Boolean},
	{"Since", "since", &Timestamp},
	{"Metadata", "metadata", &String, .form = HL_FORM_JSON_TEXT},
	{"Choice", NULL, &Choice},
	{"Map", NULL, &Map},
	{"Lists", NULL, &Lists},
};
static const HlShape Request = {.name = "Request",
								.kind = HL_KIND_STRUCTURE,
								.members = request,
								.nmembers = LENGTH(request)};
static const HlShape Empty = {.name = "Empty", .kind = HL_KIND_STRUCTURE};

/* A request with the required TypeVersion, and further members. */
#define WITH(rest) "{\"TypeVersion\":\"R4\"," rest "}"
#define KNOWN                                                                  \
	"the known members are DatastoreName, TypeVersion, Kms, Tags, Days, "      \
	"Long, Double, Enabled, Since, Metadata, Choice, Map, Lists"

static const char *const letters = "MNUTIO"; /* by HlFaultKind */

/* A request, and its faults as "kind path text", one on each line. */
static const struct
{
	const char *request;
	const char *faults;
} cases[] = {
	/* valid */
	{"{\"TypeVersion\":\"\"}", ""},
	{WITH("\"DatastoreName\":\"\xC3\xA4\xF0\x9D\x84\x9E\""), ""},
	{WITH("\"DatastoreName\":\"far longer than the maximum\""), ""},
	{WITH("\"DatastoreName\":null,\"Unknown\":null,\"Tags\":null"), ""},
	{WITH("\"DatastoreName\":1,\"DatastoreName\":\"last\""), ""},
	{WITH("\"Tags\":[{\"Key\":\"ab\",\"Value\":\"\"}]"), ""},
	{WITH("\"Days\":1,\"Long\":-9223372036854775808"), ""},
	{WITH("\"Days\":31,\"Double\":1e2"), ""},
	{WITH("\"Double\":\"NaN\",\"Enabled\":false"), ""},
	{WITH("\"Since\":1704164645.678"), ""},
	{WITH("\"Since\":\"1704164645.678\""), ""},
	{WITH("\"Since\":\"2024-01-02T03:04:05+01:00\""), ""},
	{WITH("\"Since\":\"2024-01-02\""), ""},
	{WITH("\"Metadata\":\"{\\\"a\\\":1}\""), ""},
	{WITH("\"Metadata\":{\"a\":[null]}"), ""},
	{WITH("\"Choice\":{\"Left\":\"\"}"), ""},
	{WITH("\"Choice\":{\"Left\":null,\"Right\":{\"CmkType\":\"x\"}}"), ""},
	{WITH("\"Map\":{}"), ""},
	{WITH("\"Map\":{\"ab\":{\"Key\":\"ab\",\"Value\":\"\"}}"), ""},
	{WITH("\"Lists\":[]"), ""},
	/* the request itself */
	{"[]", "T input the request must be an object, not an array\n"},
	{"null", "T input the request must be an object, not null\n"},
	{"\"x\"", "T input the request must be an object, not a string\n"},
	/* missing */
	{"{}", "M input/TypeVersion required member \"TypeVersion\" is missing\n"},
	{"{\"TypeVersion\":null}",
	 "M input/TypeVersion required member \"TypeVersion\" is missing\n"},
	{WITH("\"Tags\":[{\"Key\":\"ab\",\"Value\":\"\"},{\"Value\":\"v\"}]"),
	 "M Tags[1]/Key required member \"Tags[1].Key\" is missing\n"},
	{WITH("\"Kms\":{}"),
	 "M Kms/CmkType required member \"Kms.CmkType\" is missing\n"},
	/* unknown */
	{WITH("\"Zebra\":1"),
	 "U input/Zebra unknown member \"Zebra\"; " KNOWN "\n"},
	{WITH("\"\":1"), "U input/ unknown member \"\"; " KNOWN "\n"},
	{WITH("\"DatastorName\":\"x\""),
	 "U input/DatastorName unknown member \"DatastorName\" (did you mean "
	 "\"DatastoreName\"?); " KNOWN "\n"},
	{WITH("\"datastore_name\":\"x\""),
	 "U input/datastore_name unknown member \"datastore_name\" (did you mean "
	 "\"DatastoreName\"?); " KNOWN "\n"},
	{WITH("\"name\":\"x\""),
	 "U input/name unknown member \"name\" (did you mean "
	 "\"DatastoreName\"?); " KNOWN "\n"},
	{WITH("\"KmsKeyId\":\"x\""),
	 "U input/KmsKeyId unknown member \"KmsKeyId\" (did you mean "
	 "\"Kms.KmsKeyId\"?); " KNOWN "\n"},
	{WITH("\"Tags\":[{\"key\":\"ab\",\"Value\":\"v\"}]"),
	 "M Tags[0]/Key required member \"Tags[0].Key\" is missing\n"
	 "U Tags[0]/key unknown member \"Tags[0].key\" (did you mean \"Key\"?); "
	 "the known members are Key, Value\n"},
	/* types */
	{WITH("\"DatastoreName\":7"),
	 "T DatastoreName \"DatastoreName\" must be a string, not a number\n"},
	{WITH("\"DatastoreName\":[\"x\"]"),
	 "T DatastoreName \"DatastoreName\" must be a string, not an array\n"},
	{WITH("\"Tags\":{\"a\":\"b\"}"),
	 "T Tags \"Tags\" must be an array, not an object\n"},
	{WITH("\"Tags\":[7]"),
	 "T Tags[0] \"Tags[0]\" must be an object, not a number\n"},
	{WITH("\"Kms\":\"x\""), "T Kms \"Kms\" must be an object, not a string\n"},
	{WITH("\"Days\":true"),
	 "T Days \"Days\" must be an integer, not a boolean\n"},
	{WITH("\"Days\":\"7\""),
	 "T Days \"Days\" must be an integer, not a string\n"},
	{WITH("\"Days\":7.0"), "T Days \"Days\" must be an integer\n"},
	{WITH("\"Days\":1e1"), "T Days \"Days\" must be an integer\n"},
	{WITH("\"Long\":9223372036854775808"),
	 "T Long \"Long\" must be an integer of at most 64 bits\n"},
	{WITH("\"Double\":true"),
	 "T Double \"Double\" must be a number, not a boolean\n"},
	{WITH("\"Double\":\"1\""),
	 "T Double \"Double\" must be a number, not a string\n"},
	{WITH("\"Enabled\":\"true\""),
	 "T Enabled \"Enabled\" must be a boolean, not a string\n"},
	{WITH("\"Enabled\":1"),
	 "T Enabled \"Enabled\" must be a boolean, not a number\n"},
	{WITH("\"Since\":\"tomorrow\""),
	 "T Since \"Since\" must be a timestamp, such as 2026-11-23T15:08:00Z\n"},
	{WITH("\"Since\":1e300"),
	 "T Since \"Since\" must be within the years 1 to 9999\n"},
	{WITH("\"Since\":false"),
	 "T Since \"Since\" must be a timestamp, not a boolean\n"},
	{WITH("\"Metadata\":[1]"),
	 "T Metadata \"Metadata\" must be a string or an object, not an array\n"},
	{WITH("\"Choice\":\"Left\""),
	 "T Choice \"Choice\" must be an object, not a string\n"},
	{WITH("\"Map\":[]"), "T Map \"Map\" must be an object, not an array\n"},
	/* null in lists and maps */
	{WITH("\"Tags\":[null]"), "N Tags[0] \"Tags[0]\" must not be null\n"},
	{WITH("\"Map\":{\"ab\":null}"), "N Map.ab \"Map.ab\" must not be null\n"},
	/* minima */
	{WITH("\"DatastoreName\":\"\xF0\x9D\x84\x9E\""),
	 "I DatastoreName \"DatastoreName\" must have at least 2 characters, "
	 "not 1\n"},
	{WITH("\"Tags\":[]"),
	 "I Tags \"Tags\" must have at least 1 element, not 0\n"},
	{WITH("\"Days\":0"), "I Days \"Days\" must be at least 1, not 0\n"},
	{WITH("\"Double\":-0.5"), "I Double \"Double\" must be at least 0\n"},
	{WITH("\"Map\":{\"a\":{\"Key\":\"ab\",\"Value\":\"\"}}"),
	 "I Map (key: a) \"Map (key: a)\" must have at least 2 characters, "
	 "not 1\n"},
	{WITH("\"Lists\":[[],[{\"Key\":\"a\",\"Value\":\"\"}]]"),
	 "I Lists[0] \"Lists[0]\" must have at least 1 element, not 0\n"
	 "I Lists[1][0].Key \"Lists[1][0].Key\" must have at least 2 characters, "
	 "not 1\n"},
	/* unions */
	{WITH("\"Choice\":{}"),
	 "O Choice \"Choice\" must have exactly one of its members (Left, Right), "
	 "not 0\n"},
	{WITH("\"Choice\":{\"Left\":null}"),
	 "O Choice \"Choice\" must have exactly one of its members (Left, Right), "
	 "not 0\n"},
	{WITH("\"Choice\":{\"Left\":\"x\",\"Right\":{}}"),
	 "O Choice \"Choice\" must have exactly one of its members (Left, Right), "
	 "not 2\n"
	 "M Choice.Right/CmkType required member \"Choice.Right.CmkType\" is "
	 "missing\n"},
	{WITH("\"Choice\":{\"Up\":1}"),
	 "U Choice/Up unknown member \"Choice.Up\"; the known members are Left, "
	 "Right\n"},
	/* several at once, in the order of the model */
	{"{\"Days\":\"x\",\"Zebra\":1,\"Kms\":{\"KmsKeyId\":7},\"Tags\":[null,"
	 "{\"Key\":\"\"}]}",
	 "M input/TypeVersion required member \"TypeVersion\" is missing\n"
	 "U input/Zebra unknown member \"Zebra\"; " KNOWN "\n"
	 "M Kms/CmkType required member \"Kms.CmkType\" is missing\n"
	 "T Kms.KmsKeyId \"Kms.KmsKeyId\" must be a string, not a number\n"
	 "N Tags[0] \"Tags[0]\" must not be null\n"
	 "M Tags[1]/Value required member \"Tags[1].Value\" is missing\n"
	 "I Tags[1].Key \"Tags[1].Key\" must have at least 2 characters, not 0\n"
	 "T Days \"Days\" must be an integer, not a string\n"},
};

/* The faults of a list, one on each line. */
static void
list_faults(HlBytes *lines, const HlFaults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
	{
		const HlFault *fault = &faults->list[i];

		hl_bytes_format(lines, "%c %s%s%s %s\n", letters[fault->kind],
						fault->path, fault->member ? "/" : "",
						fault->member ? fault->member : "", fault->text);
	}
}

/* Reads a request that must be JSON. */
static HlJsonDocument
must_read(const char *text, size_t len)
{
	HlJsonDocument document = {0};

	if (!hl_json_read(&document, text, len))
		printf("Bail out! %s: %s\n", text, document.reason);
	return document;
}

/* Every request has exactly the faults it should have. */
static void
test_cases(void)
{
	for (int i = 0; i < LENGTH(cases); i++)
	{
		HlJsonDocument document =
			must_read(cases[i].request, strlen(cases[i].request));
		HlFaults faults = {0};
		HlBytes lines = {0};
		bool fine = hl_validate(&faults, document.root, &Request, false);

		list_faults(&lines, &faults);
		ok(fine == (cases[i].faults[0] == '\0') && !faults.failed &&
			   strcmp(hl_bytes_string(&lines), cases[i].faults) == 0,
		   "%s", cases[i].request);
		if (strcmp(hl_bytes_string(&lines), cases[i].faults) != 0)
			printf("#      got: %s\n# expected: %s\n", hl_bytes_string(&lines),
				   cases[i].faults);
		hl_bytes_free(&lines);
		hl_faults_free(&faults);
		hl_json_free(&document);
	}
}

/* If unknown members are allowed, all other checks remain. */
static void
test_allowed(void)
{
	static const char text[] =
		WITH("\"New\":{\"x\":[]},\"Kms\":{\"New\":1},\"Choice\":{\"New\":1}");
	HlJsonDocument document = must_read(text, strlen(text));
	HlFaults faults = {0};
	HlBytes lines = {0};

	ok(!hl_validate(&faults, document.root, &Request, true),
	   "unknown members are allowed, missing ones are not");
	list_faults(&lines, &faults);
	is(hl_bytes_string(&lines),
	   "M Kms/CmkType required member \"Kms.CmkType\" is missing\n",
	   "an unknown member of a union is one member");
	hl_faults_free(&faults);
	ok(!hl_validate(&faults, document.root, &Empty, false) && faults.count == 4,
	   "a shape without members knows none");
	is(faults.list[1].text, "unknown member \"New\"", "and lists none");
	hl_bytes_free(&lines);
	hl_faults_free(&faults);
	hl_json_free(&document);
}

/* The memory for faults is limited. */
static void
test_bombs(void)
{
	HlBytes text = {0};
	HlJsonDocument document;
	HlFaults faults = {0};

	hl_bytes_append_string(&text, "{\"TypeVersion\":\"R4\",\"Tags\":[0");
	for (int i = 0; i < 200000; i++)
		hl_bytes_append_string(&text, ",0");
	hl_bytes_append_string(&text, "]");
	for (int i = 0; i < 200000; i++)
		hl_bytes_append_string(&text, ",\"Tagz\":0");
	hl_bytes_append_string(&text, "}");
	document = must_read(text.data, text.len);
	ok(!hl_validate(&faults, document.root, &Request, false) &&
		   faults.count == HL_FAULTS_KEPT &&
		   faults.count + faults.more == 400001 && !faults.failed,
	   "%zu faults are kept, %zu more are counted", faults.count, faults.more);
	hl_faults_free(&faults);
	hl_json_free(&document);

	hl_bytes_reset(&text);
	hl_bytes_append_string(&text, "{\"TypeVersion\":\"R4\",\"Map\":{\"");
	for (int i = 0; i < 100000; i++)
		hl_bytes_append_string(&text, "\xE2\x82\xAC");
	hl_bytes_append_string(&text, "\":7}}");
	document = must_read(text.data, text.len);
	hl_validate(&faults, document.root, &Request, false);
	ok(faults.count == 1 && strlen(faults.list[0].path) == 4 + 126 + 3,
	   "an endless name is cut between two characters");
	hl_faults_free(&faults);
	hl_json_free(&document);
	hl_bytes_free(&text);
}

int
main(void)
{
	test_cases();
	test_allowed();
	test_bombs();
	return tap_end();
}
