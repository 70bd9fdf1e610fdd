/*
 * fuzz_sts.c
 *	  Arbitrary bytes as STS's XML: values that are read can be sent in a
 *	  header.
 */
#include "aws/sts.h"
#include "base/xml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Whether a value can be sent in a header and is not empty. */
static bool
is_sound(const HlBytes *value)
{
	return value->len > 0 && is_header_value(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	HlXml xml = {0};
	HlIssued issued = {0};
	HlStsIdentity identity = {0};
	HlBytes code = {0}, message = {0};
	bool read = hl_xml_read(&xml, text, size);

	must(read == (xml.reason == NULL));
	must(read ? xml.count > 0 && xml.elements[0].parent == -1
			  : xml.offset <= size);
	for (int i = 0; read && i < xml.count; i++)
		must(strlen(xml.elements[i].name) > 0 &&
			 strlen(xml.elements[i].text) <= size &&
			 xml.elements[i].parent < i);
	hl_xml_wipe(&xml);
	for (int web = 0; web < 2; web++)
		if (hl_sts_read_role(&issued, web, text, size))
			must(is_sound(&issued.access_key_id) &&
				 is_sound(&issued.secret_access_key) &&
				 is_sound(&issued.session_token) && issued.expires);
		else
			must(issued.reason[0] != '\0');
	if (hl_sts_read_identity(&identity, text, size))
		must(identity.arn.len > 0 && identity.account.len > 0);
	if (hl_sts_read_error(text, size, &code, &message))
		must(code.len > 0);
	hl_issued_wipe(&issued);
	hl_bytes_free(&identity.arn);
	hl_bytes_free(&identity.account);
	hl_bytes_free(&code);
	hl_bytes_free(&message);
	return 0;
}
