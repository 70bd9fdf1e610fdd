/*
 * fuzz_issued.c
 *	  Arbitrary bytes as the JSON of credential providers, as an address, and
 *	  as a command line.
 */
#include "aws/command.h"
#include "aws/issued.h"
#include "aws/metadata.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Uses the bytes as addresses. */
static void
try_addresses(const char *text)
{
	HlMetadataUrl url;

	if (hl_metadata_instance(text, text, &url) && text[0] != '\0')
		must(url.authority[0] != '\0' && strchr(url.path, '?') == NULL);
	if (hl_metadata_container(NULL, text, &url))
		must(url.authority[0] != '\0' && url.path[0] == '/');
	if (hl_metadata_container(text, "https://x", &url) && text[0] != '\0')
		must(strcmp(url.authority, "169.254.170.2") == 0 &&
			 url.path[0] == '/' && !url.tls);
	hl_metadata_is_role(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	char *string = strndup(text, size);
	HlSignOn sign_on = {0};
	HlCommand command;

	for (HlIssuedForm form = HL_ISSUED_CONTAINER; form <= HL_ISSUED_PORTAL;
		 form++)
	{
		HlIssued issued = {0};

		if (hl_issued_read(&issued, form, text, size))
			must(issued.access_key_id.len > 0 &&
				 issued.secret_access_key.len > 0 &&
				 is_header_value(&issued.access_key_id) &&
				 is_header_value(&issued.secret_access_key) &&
				 is_header_value(&issued.session_token));
		else
			must(issued.reason[0] != '\0' && issued.access_key_id.len == 0);
		hl_issued_wipe(&issued);
	}
	if (hl_sso_read(&sign_on, text, size))
		must(sign_on.token.len > 0 && is_header_value(&sign_on.token));
	hl_sso_wipe(&sign_on);
	try_addresses(string);
	if (hl_command_split(&command, string))
		must(command.count > 0 && command.words[command.count] == NULL);
	hl_command_free(&command);
	free(string);
	return 0;
}
