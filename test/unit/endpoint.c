/*
 * endpoint.c
 *	  Resolves cases in the format of botocore's endpoint tests.
 *
 *	  endpoint [--service NAME] CASES.json...
 *	  endpoint                  the project's own cases and more, as TAP
 *
 *	  Without --service a file or folder that is called sts holds STS's cases,
 *	  any other HealthLake's. Our own cases may have a parameter HostPrefix.
 */
#include "aws/endpoint.h"

#include "cases.h"

/* Whether a path's file or folder has the name of a service. */
static bool
is_named_after(const char *path, const char *service)
{
	size_t len = strlen(service);

	for (const char *at = path; (at = strstr(at, service)) != NULL; at++)
		if ((at == path || at[-1] == '/') &&
			(at[len] == '.' || at[len] == '/' || at[len] == '-'))
			return true;
	return false;
}

/* Takes a case's parameters. */
static HlEndpointParameters
read_parameters(const HlJson *node, const char *service)
{
	return (HlEndpointParameters){
		.service = service,
		.region = cases_string(node, "Region", NULL),
		.url = cases_string(node, "Endpoint", NULL),
		.host_prefix = cases_string(node, "HostPrefix", NULL),
		.use_fips = cases_true(node, "UseFIPS"),
		.use_dual_stack = cases_true(node, "UseDualStack"),
		.use_global = cases_true(node, "UseGlobalEndpoint"),
	};
}

/* Removes the root path of a URL if the rules have none. */
static const char *
as_expected(HlEndpoint *endpoint, const char *expected)
{
	size_t len = strlen(endpoint->url);

	if (len == strlen(expected) + 1 && endpoint->url[len - 1] == '/')
		endpoint->url[len - 1] = '\0';
	return endpoint->url;
}

/* Compares the signing region if a case has one. */
static bool
same_signing_region(const HlJson *expected, const HlEndpoint *endpoint)
{
	const HlJson *properties = hl_json_member(expected, "properties");
	const HlJson *schemes = hl_json_member(properties, "authSchemes");
	const char *region =
		cases_string(hl_json_element(schemes, 0), "signingRegion", NULL);

	return region == NULL || strcmp(region, endpoint->signing_region) == 0;
}

static void
run_case(const HlJson *node, const char *service)
{
	const HlJson *expect = hl_json_member(node, "expect");
	const HlJson *expected = hl_json_member(expect, "endpoint");
	const char *name = cases_string(node, "documentation", "(nameless)");
	const char *error = cases_string(expect, "error", NULL);
	const char *url = cases_string(expected, "url", "no URL");
	HlEndpointParameters parameters =
		read_parameters(hl_json_member(node, "params"), service);
	HlEndpoint endpoint;
	HlEndpointOutcome outcome = hl_endpoint_resolve(&parameters, &endpoint);

	if (error != NULL)
		cases_result(
			outcome != HL_ENDPOINT_OK && strcmp(endpoint.reason, error) == 0,
			name, outcome == HL_ENDPOINT_OK ? endpoint.url : endpoint.reason,
			error);
	else if (outcome != HL_ENDPOINT_OK)
		cases_result(false, name, endpoint.reason, url);
	else if (strcmp(as_expected(&endpoint, url), url) != 0)
		cases_result(false, name, endpoint.url, url);
	else
		cases_result(same_signing_region(expected, &endpoint), name,
					 endpoint.signing_region, "another signing region");
}

static void
run_file(const char *path, const char *service)
{
	HlJsonDocument document = {0};
	HlJsonEach each;
	const HlJson *node;

	if (service == NULL)
		service = is_named_after(path, "sts") ? "sts" : "healthlake";
	if (cases_read_json(path, &document))
	{
		each = hl_json_each(hl_json_member(document.root, "testCases"));
		while ((node = hl_json_step(&each)) != NULL)
			run_case(node, service);
	}
	hl_json_free(&document);
}

/* Checks the parts of a URL. */
static void
check_parts(const char *url, const char *authority, const char *host,
			const char *path, int port)
{
	HlEndpoint endpoint;
	HlEndpointOutcome outcome = hl_endpoint_read_url(url, &endpoint);

	if (!ok(outcome == HL_ENDPOINT_OK, "%s is an endpoint", url))
		return;
	is(endpoint.authority, authority, "its Host header");
	is(endpoint.host, host, "its host");
	is(endpoint.path, path, "its path");
	ok(endpoint.port == port, "its port");
}

/* The parts of URLs: the signed host and path must be those that are sent. */
static void
check_urls(void)
{
	check_parts("https://Example.COM", "example.com", "example.com", "/", 443);
	check_parts("HTTPS://example.com:443/", "example.com", "example.com", "/",
				443);
	check_parts("https://example.com:80", "example.com:80", "example.com", "/",
				80);
	check_parts("http://127.0.0.1:80/", "127.0.0.1", "127.0.0.1", "/", 80);
	check_parts("http://127.0.0.1:443", "127.0.0.1:443", "127.0.0.1", "/", 443);
	check_parts("https://[::1]:8443/a", "[::1]:8443", "::1", "/a/", 8443);
	check_parts("https://[2001:DB8::7]", "[2001:db8::7]", "2001:db8::7", "/",
				443);
	check_parts("https://gw.example/a%20b/v1", "gw.example", "gw.example",
				"/a%20b/v1/", 443);
	check_parts("https://gw.example//a//", "gw.example", "gw.example", "//a//",
				443);
	check_parts("https://dotted.example.:1", "dotted.example.:1",
				"dotted.example.", "/", 1);
	check_parts("https://x.example:65535", "x.example:65535", "x.example", "/",
				65535);
}

/* Checks which hosts are this machine. */
static void
check_loopback(void)
{
	static const struct
	{
		const char *url;
		bool loopback;
	} urls[] = {
		{"http://127.0.0.1", true},
		{"http://127.255.255.254:8080/x", true},
		{"http://localhost:4566", true},
		{"http://LOCALHOST", true},
		{"http://datatransformation.localhost:4566", true},
		{"http://localhost.localdomain", false},
		{"http://notlocalhost", false},
		{"http://[::1]:1", true},
		{"http://[0:0:0:0:0:0:0:1]", true},
		{"http://128.0.0.1", false},
		{"http://126.255.255.255", false},
		{"http://0.0.0.0", false},
		{"http://[::]", false},
		{"http://[::2]", false},
		{"http://[::ffff:127.0.0.1]", false},
		{"http://localhost.example.com", false},
		{"http://localhost.", false},
		{"http://127.0.0.1.example.com", false},
		{"http://169.254.169.254", false},
		{"https://healthlake.us-east-1.amazonaws.com", false},
	};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
	{
		HlEndpoint endpoint;

		ok(hl_endpoint_read_url(urls[i].url, &endpoint) == HL_ENDPOINT_OK &&
			   hl_endpoint_is_loopback(&endpoint) == urls[i].loopback,
		   "%s is %s", urls[i].url,
		   urls[i].loopback ? "a loopback address" : "elsewhere");
	}
}

/* Checks the form of regions. */
static void
check_region_form(void)
{
	static const char *const good[] = {"us-east-1", "aws-global", "x", "a1",
									   "123a"};
	static const char *const bad[] = {"",
									  "US-EAST-1",
									  "us-East-1",
									  "us-east-1.evil.com",
									  "a/b",
									  "_",
									  "123",
									  "-us",
									  "us-",
									  "us east",
									  "us-east-1\n",
									  "us-east-1@evil",
									  "us-\xc3\xa9",
									  "a:80"};
	char longest[65];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(hl_endpoint_is_region(good[i]), "%s may be a region", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!hl_endpoint_is_region(bad[i]), "bad region %zu is none", i);
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	ok(!hl_endpoint_is_region(longest), "a region of 64 letters is none");
	longest[63] = '\0';
	ok(hl_endpoint_is_region(longest), "one of 63 letters may be");
}

/* Checks the regions of names with "fips". */
static void
check_pseudo_regions(void)
{
	static const char *const pseudo[][2] = {
		{"fips-us-east-1", "us-east-1"},
		{"us-west-2-fips", "us-west-2"},
		{"fips-dkr-us-east-2", "us-east-2"},
		{"fips-prod-us-gov-west-1", "us-gov-west-1"},
		{"fips-aws-global", "us-east-1"},
		{"aws-fips", "us-east-1"},
	};
	char longest[100];
	char real[64];

	for (size_t i = 0; i < sizeof(pseudo) / sizeof(pseudo[0]); i++)
	{
		ok(hl_endpoint_real_region(pseudo[i][0], real), "%s is FIPS's",
		   pseudo[i][0]);
		is(real, pseudo[i][1], "and its region is known");
	}
	ok(!hl_endpoint_real_region("eu-west-1", real), "an ordinary one is not");
	is(real, "eu-west-1", "and stays what it is");
	memset(longest, 'a', sizeof(longest));
	strcpy(longest + 90, "-fips");
	ok(!hl_endpoint_real_region(longest, real), "an endless one is cut");
	strcpy(longest + 59, "-fips");
	ok(!hl_endpoint_real_region(longest, real), "so is one of 64 letters");
}

/* The rules for future partitions without FIPS and dual stack. */
static void
check_poor_partition(void)
{
	HlPartition poor = *hl_endpoint_partition("us-east-1");
	HlEndpointParameters parameters = {
		.service = "healthlake", .region = "us-east-1", .use_fips = true};
	HlEndpoint endpoint;

	poor.supports_fips = false;
	ok(hl_endpoint_resolve_in(&poor, &parameters, &endpoint) ==
		   HL_ENDPOINT_CONFLICT,
	   "FIPS needs a partition that has it");
	is(endpoint.reason,
	   "FIPS is enabled but this partition does not support FIPS",
	   "and the rules' own words say so");
	parameters.use_dual_stack = true;
	hl_endpoint_resolve_in(&poor, &parameters, &endpoint);
	is(endpoint.reason,
	   "FIPS and DualStack are enabled, but this partition does not support "
	   "one or both",
	   "both need a partition that has both");
	poor.supports_fips = true;
	poor.supports_dual_stack = false;
	parameters.use_fips = false;
	hl_endpoint_resolve_in(&poor, &parameters, &endpoint);
	is(endpoint.reason,
	   "DualStack is enabled but this partition does not support DualStack",
	   "dual stack needs a partition that has it");
	parameters.use_dual_stack = false;
	ok(hl_endpoint_resolve_in(&poor, &parameters, &endpoint) == HL_ENDPOINT_OK,
	   "the plain endpoint needs nothing");
}

/* Runs the published cases of a service, if available. */
static void
run_published(const char *name)
{
	char *path = cases_published(name);

	if (path != NULL)
		run_file(path, NULL);
	free(path);
}

/*
 * Runs the project's cases, the published ones if available, and further
 * checks.
 */
static int
run_own(const char *program)
{
	char *healthlake = cases_beside(program, "cases/endpoint/healthlake.json");
	char *sts = cases_beside(program, "cases/endpoint/sts.json");

	cases_as_tap = true;
	run_file(healthlake, NULL);
	run_file(sts, NULL);
	free(healthlake);
	free(sts);
	run_published("endpoint/healthlake.json");
	run_published("endpoint/sts.json");
	check_urls();
	check_loopback();
	check_region_form();
	check_pseudo_regions();
	check_poor_partition();
	return cases_end();
}

int
main(int argc, char **argv)
{
	const char *service = NULL;

	if (argc < 2)
		return run_own(argv[0]);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--service") == 0 && i + 1 < argc)
			service = argv[++i];
		else
			run_file(argv[i], service);
	return cases_end();
}
