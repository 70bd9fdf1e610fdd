/*
 * searchset.c
 *	  Tests of aws/searchset.c.
 */
#include "aws/searchset.h"
#include "tap.h"

/* Appends an entry as text, on one line. */
static void
append_entry(HlBytes *bytes, const HlEntry *entry)
{
	static const char *const modes[] = {"match", "include", "outcome"};

	hl_bytes_format(bytes, "%s %s/%s/%s %s%s%s;", modes[entry->mode],
					entry->type, entry->id, entry->version_id,
					hl_json_string(entry->last_updated),
					entry->resource != NULL ? " resource" : "",
					entry->deleted ? " deleted" : "");
}

/* Checks the result of reading a page. */
static void
finds(const char *type, const char *json, const char *expected,
	  const char *name)
{
	HlJsonDocument document = {0};
	HlSearchset set;
	HlEntry entry;
	HlBytes bytes = {0};

	ok(hl_json_read(&document, json, strlen(json)), "the test's JSON is one");
	if (hl_searchset_read(&set, document.root))
	{
		set.type = type;
		hl_bytes_format(&bytes, "%s %d:", set.next, (int) set.total);
		while (hl_searchset_step(&set, &entry))
			append_entry(&bytes, &entry);
		ok(!hl_searchset_step(&set, &entry), "the end stays the end");
	}
	is(bytes.data, expected, name);
	hl_bytes_free(&bytes);
	hl_json_free(&document);
}

/* The same for a page of resources of any type. */
static void
reads(const char *json, const char *expected, const char *name)
{
	finds(NULL, json, expected, name);
}

/* Checks the modes of entries that name none, or an unknown one. */
static void
check_modes(void)
{
	static const char entries[] =
		"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":"
		"{\"resourceType\":\"Patient\",\"id\":\"p\"}},{\"resource\":"
		"{\"resourceType\":\"Group\",\"id\":\"g\"},\"search\":{}},"
		"{\"resource\":{\"resourceType\":\"OperationOutcome\",\"id\":"
		"\"o\"},\"search\":{\"mode\":\"x\"}}]}";

	finds("Patient", entries,
		  " -1:match Patient/p/  resource;include Group/g/  resource;"
		  "outcome OperationOutcome/o/  resource;",
		  "without a mode the type tells");
	finds("OperationOutcome", entries,
		  " -1:include Patient/p/  resource;include Group/g/  resource;"
		  "match OperationOutcome/o/  resource;",
		  "also in a search for OperationOutcomes");
	reads(entries,
		  " -1:match Patient/p/  resource;match Group/g/  resource;"
		  "outcome OperationOutcome/o/  resource;",
		  "of any type all are matches but an outcome");
}

int
main(void)
{
	check_modes();
	reads("{\"resourceType\":\"Bundle\",\"total\":2,\"link\":[{\"relation\":"
		  "\"self\",\"url\":\"x\"},{\"relation\":\"next\",\"url\":\"y\"}],"
		  "\"entry\":[{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\","
		  "\"meta\":{\"versionId\":\"3\",\"lastUpdated\":\"2026\"}},"
		  "\"search\":{\"mode\":\"match\"}},{\"resource\":{\"resourceType\":"
		  "\"Group\",\"id\":\"g\"},\"search\":{\"mode\":\"include\"}},"
		  "{\"resource\":{\"resourceType\":\"OperationOutcome\"},\"search\":"
		  "{\"mode\":\"outcome\"}}]}",
		  "y 2:match Patient/p/3 2026 resource;include Group/g/  resource;"
		  "outcome OperationOutcome//  resource;",
		  "a page of a search");
	reads("{\"resourceType\":\"Bundle\",\"entry\":[{\"request\":{\"method\":"
		  "\"DELETE\",\"url\":\"Patient/p\"},\"response\":{\"status\":\"204\","
		  "\"etag\":\"W/\\\"2\\\"\",\"lastModified\":\"2026\"}},{\"fullUrl\":"
		  "\"https://h/datastore/i/r4/Patient/q/_history/5?x/y\",\"response\":"
		  "{\"status\":\"410 Gone\"}},{\"resource\":{\"resourceType\":"
		  "\"Patient\",\"id\":\"p\"},\"request\":{\"method\":\"PUT\"}}]}",
		  " -1:match Patient/p/2 2026 deleted;match Patient/q/  deleted;"
		  "match Patient/p/  resource;",
		  "a page of a history");
	reads("{\"resourceType\":\"Bundle\"}", " -1:", "an empty page");
	reads("{\"resourceType\":\"Bundle\",\"total\":-5,\"link\":[1,{\"url\":7}],"
		  "\"entry\":null}",
		  " -1:", "members of other kinds that nobody needs");
	reads("{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":"
		  "{\"resourceType\":\"Group\",\"id\":{},\"meta\":7}}]}",
		  " -1:match Group//  resource;", "an odd resource");
	reads("{\"resourceType\":\"Patient\"}", NULL, "another resource");
	reads("[]", NULL, "no object");
	reads("{\"resourceType\":\"Bundle\",\"entry\":{\"a\":1}}", NULL,
		  "entries that are an object");
	reads("{\"resourceType\":\"Bundle\",\"entry\":[1]}", NULL,
		  "an entry that is a number");
	reads("{\"resourceType\":\"Bundle\",\"entry\":[{}]}", NULL,
		  "an entry of nothing");
	reads("{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":[]}]}", NULL,
		  "a resource that is an array");
	reads("{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"id\":"
		  "\"x\"}}]}",
		  NULL, "a resource without a type");
	reads("{\"resourceType\":\"Bundle\",\"link\":{}}", NULL,
		  "links that are an object");
	reads("{\"resourceType\":\"Bundle\",\"link\":[{\"relation\":\"next\"}]}",
		  NULL, "a next page without an address");
	reads("{\"resourceType\":\"Bundle\",\"link\":[{\"relation\":\"next\","
		  "\"url\":7}]}",
		  NULL, "a next page whose address is a number");
	reads("{\"resourceType\":\"Bundle\",\"entry\":[{\"request\":{\"url\":"
		  "\"01234567890123456789012345678901234567890123456789012345678901234"
		  "/x\"}}]}",
		  " -1:match /x/ ;", "a type that is too long for one");
	return tap_end();
}
