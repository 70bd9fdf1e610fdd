/*
 * fuzz_searchset.c
 *	  Arbitrary JSON as a page of a search and as search parameters. Reading
 *	  must end, with terminated strings; a form must have as many pairs as
 *	  equals signs, and only valid characters.
 */
#include "aws/form.h"
#include "aws/searchset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void
walk_page(const HlJson *root)
{
	HlSearchset set;
	HlEntry entry;
	size_t sum = 0;

	if (!hl_searchset_read(&set, root))
		return;
	must(set.total >= -1 && set.next != NULL);
	while (hl_searchset_step(&set, &entry))
	{
		sum += strlen(entry.type) + strlen(entry.id) + strlen(entry.version_id);
		must(entry.resource == NULL ||
			 hl_json_kind(entry.resource) == HL_JSON_OBJECT);
	}
	must(sum < SIZE_MAX);
}

static void
write_form(const HlJson *root)
{
	HlBytes form = {0};
	const char *name;
	size_t equals = 0;
	size_t ampersands = 0;

	if (hl_form_write(&form, root, true, &name) == HL_FORM_OK && form.len > 0)
	{
		for (const char *c = form.data; *c != '\0'; c++)
		{
			must(*c > ' ' && *c < 0x7f);
			equals += *c == '=';
			ampersands += *c == '&';
		}
		must(equals == ampersands + 1 && strlen(form.data) == form.len);
	}
	must(name != NULL);
	hl_bytes_free(&form);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	HlJsonDocument document = {0};

	if (hl_json_read(&document, (const char *) bytes, size))
	{
		walk_page(document.root);
		write_form(document.root);
		(void) hl_form_has_criterion(document.root);
	}
	hl_json_free(&document);
	return 0;
}
