/*
 * link.c
 *	  Tests of aws/link.c.
 */
#include "aws/link.h"
#include "tap.h"

#define ID "0123456789abcdef0123456789abcdef"
#define BELOW "/datastore/" ID "/r4/"
#define HERE "https://proxy.example:8443/hl" BELOW
#define AWS "https://healthlake.us-east-1.amazonaws.com" BELOW

static const HlTarget proxy = {.authority = "proxy.example:8443",
							   .path = "/hl/"};
static const HlTarget local = {
	.plain = true, .authority = "127.0.0.1:8080", .path = "/"};

/* Checks the result of a link, as path?query; NULL: refused. */
static void
reads_at(const HlTarget *target, const char *text, const char *expected)
{
	HlLinkBase base = {
		.target = target, .region = "us-east-1", .datastore_id = ID};
	HlLink link = {0};
	HlLinkOutcome outcome = hl_link_read(&base, text, &link);
	char got[HL_LINK_LONGEST * 3 + 2];

	snprintf(got, sizeof(got), "%s%s%s", hl_bytes_string(&link.path),
			 link.query.len > 0 ? "?" : "", hl_bytes_string(&link.query));
	is(outcome == HL_LINK_OK ? got : NULL, expected, text);
	ok((outcome == HL_LINK_REFUSED) == (link.reason != NULL),
	   "a reason where it is refused");
	hl_link_free(&link);
}

/* The same with a custom endpoint. */
static void
reads(const char *text, const char *expected)
{
	reads_at(&proxy, text, expected);
}

/* HealthLake's links, to the endpoint in use or to the public one. */
static void
test_taken(void)
{
	reads(HERE "Patient?_count=100&page=QUJD==",
		  "Patient?_count=100&page=QUJD%3D%3D");
	reads(AWS "Patient?_count=100&page=QUJD==",
		  "Patient?_count=100&page=QUJD%3D%3D");
	reads(AWS "Patient?page=a+b/c%2Bd%2fe", "Patient?page=a%2Bb%2Fc%2Bd%2Fe");
	reads(AWS "Patient?page=%253D", "Patient?page=%253D");
	reads(AWS "Patient?a&&b=&=c&", "Patient?a=&b=&=c");
	reads(AWS "Patient?name=%C3%A4?&x=1", "Patient?name=%C3%A4%3F&x=1");
	reads(AWS "Patient?", "Patient");
	reads(AWS "Patient/p.1/_history/2", "Patient/p.1/_history/2");
	reads(AWS "Patient/p/$everything?page=x", "Patient/p/$everything?page=x");
	reads(AWS "Patient/p/%24everything", "Patient/p/$everything");
	reads(AWS "Patient/...", "Patient/...");
	reads("HTTPS://HealthLake.us-east-1.amazonaws.com:443" BELOW "Patient/p",
		  "Patient/p");
	reads("export/1a2b", "export/1a2b");
	reads("Patient?a=b:c", "Patient?a=b%3Ac");
	reads("/hl" BELOW "export/1a2b", "export/1a2b");
	reads(BELOW "export/1a2b", "export/1a2b");
	/* of a server behind TLS */
	reads("http://proxy.example:8443/hl" BELOW "Patient?page=x",
		  "Patient?page=x");
	reads_at(&local, "http://127.0.0.1:8080" BELOW "Patient?page=x",
			 "Patient?page=x");
}

/* Other hosts, and texts that a parser could read as one. */
static void
test_other_places(void)
{
	reads("https://evil.example" BELOW "Patient?page=x", NULL);
	reads("https://proxy.example" BELOW "Patient", NULL);
	reads("https://proxy.example:8443" BELOW "Patient", NULL);
	reads("https://proxy.example:84430/hl" BELOW "Patient", NULL);
	reads("http://proxy.example:8444/hl" BELOW "Patient", NULL);
	reads("http://evil.example:8443/hl" BELOW "Patient", NULL);
	reads("http://healthlake.us-east-1.amazonaws.com" BELOW "Patient", NULL);
	reads("http://healthlake.us-east-1.amazonaws.com" BELOW "Patient", NULL);
	reads("https://healthlake.us-east-2.amazonaws.com" BELOW "Patient", NULL);
	reads("https://healthlake.us-east-1.amazonaws.com." BELOW "Patient", NULL);
	reads("https://healthlake.us-east-1.amazonaws.com.evil" BELOW "Patient",
		  NULL);
	reads("https://healthlake.us-east-1.amazonaws.com@evil.example" BELOW "P",
		  NULL);
	reads("https://a:b@proxy.example:8443/hl" BELOW "Patient", NULL);
	reads("https:////proxy.example:8443/hl" BELOW "Patient", NULL);
	reads("https:/proxy.example:8443/hl" BELOW "Patient", NULL);
	reads("https:\\\\proxy.example:8443\\hl" BELOW "Patient", NULL);
	reads("https://proxy.example:8443\\@evil.example/hl" BELOW "P", NULL);
	reads("https://proxy.example:8443?@evil/hl" BELOW "Patient", NULL);
	reads("//evil.example" BELOW "Patient", NULL);
	reads("//evil.example/hl" BELOW "Patient", NULL);
	reads("ftp://proxy.example:8443/hl" BELOW "Patient", NULL);
	reads("javascript:alert", NULL);
	reads("urn:uuid:00010203-0405-4607-8809-0a0b0c0d0e0f", NULL);
	reads_at(&local, "https://127.0.0.1:8080" BELOW "Patient", NULL);
	reads_at(&local, "http://localhost:8080" BELOW "Patient", NULL);
	reads_at(&local, "http://2130706433:8080" BELOW "Patient", NULL);
}

/* Paths that leave the data store, and ambiguous bytes. */
static void
test_malformed(void)
{
	char text[HL_LINK_LONGEST + 200] = AWS "Patient?page=";

	reads("", NULL);
	reads("/", NULL);
	reads(HERE, NULL);
	reads(AWS "../../other/r4/Patient", NULL);
	reads(AWS "./Patient", NULL);
	reads(AWS "Patient/..", NULL);
	reads(AWS "Patient/%2e%2E/x", NULL);
	reads(AWS "Patient/.%2e", NULL);
	reads(AWS "Patient/%252e%252e/x", NULL);
	reads(AWS "Patient%2f..%2fx", NULL);
	reads(AWS "Patient%5cx", NULL);
	reads(AWS "Patient//x", NULL);
	reads(AWS "Patient/", NULL);
	reads(AWS "Patient;x", NULL);
	reads(AWS "Patient%", NULL);
	reads(AWS "Patient%2", NULL);
	reads(AWS "Patient?page=%", NULL);
	reads(AWS "Patient?page=%zz", NULL);
	reads(AWS "Patient?page=%0d%0aHost:x", NULL);
	reads(AWS "Patient?page=%00", NULL);
	reads(AWS "Patient?page=a b", NULL);
	reads(AWS "Patient?page=a\tb", NULL);
	reads(AWS "Patient?page=a\r\nb", NULL);
	reads(AWS "Patient?page=\xc3\xa4", NULL);
	reads(AWS "Patient#x", NULL);
	reads("https://healthlake.us-east-1.amazonaws.com/datastore/"
		  "fedcba9876543210fedcba9876543210/r4/Patient",
		  NULL);
	reads("https://healthlake.us-east-1.amazonaws.com/datastore/" ID
		  "/r5/Patient",
		  NULL);
	reads("https://healthlake.us-east-1.amazonaws.com/datastore/" ID "/r4",
		  NULL);
	memset(text + strlen(text), 'x', HL_LINK_LONGEST - strlen(text) + 1);
	reads(text, NULL);
	text[HL_LINK_LONGEST] = '\0';
	reads(text, strstr(text, "Patient"));
}

int
main(void)
{
	test_taken();
	test_other_places();
	test_malformed();
	return tap_end();
}
