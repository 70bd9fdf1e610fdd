/*
 * link.c
 *	  Links in replies of a FHIR data store.
 *
 * If we signed whatever a reply tells us to, a link to another host would
 * receive a signature that can be replayed, and the bearer token. So a link
 * must match, literally, the endpoint in use, and its path and query are
 * rebuilt from characters that every parser reads in the same way.
 */
#include "aws/link.h"

#include <stdio.h>
#include <string.h>

#include "base/percent.h"

/* Sets the reason. */
static HlLinkOutcome
refuse_link(HlLink *read, const char *reason)
{
	hl_link_free(read);
	read->reason = reason;
	return HL_LINK_REFUSED;
}

/* Whether a text is short and has only characters that are allowed in URLs. */
static bool
is_visible(const char *text)
{
	size_t len = 0;

	for (; text[len] != '\0' && len <= HL_LINK_LONGEST; len++)
		if (text[len] <= ' ' || text[len] >= 0x7f || text[len] == '\\' ||
			text[len] == '#')
			return false;
	return len > 0 && len <= HL_LINK_LONGEST;
}

/*
 * Reads one byte and decodes an escape; -1 for an invalid escape or a control
 * character.
 */
static int
take_byte(const char **text, const char *end)
{
	int c = hl_percent_take(text, end);

	return c < ' ' || c == 0x7f ? -1 : c;
}

/* Whether a path ends with an empty segment, or one of dots only. */
static bool
is_bad_segment(const HlBytes *path, size_t start)
{
	size_t len = path->len - start;
	const char *segment = path->data + start;

	return len == 0 || (len == 1 && segment[0] == '.') ||
		   (len == 2 && segment[0] == '.' && segment[1] == '.');
}

/*
 * Writes the path below the base, with segments of unreserved characters and
 * the dollar of operations. An escape is decoded first, so that no escaped
 * slash or dot passes; a second escape in it is refused.
 */
static bool
write_path(HlBytes *path, const char *text, const char *end)
{
	size_t start = 0;

	hl_bytes_append(path, "", 0);
	while (text < end)
	{
		bool slash = *text == '/';
		int c = take_byte(&text, end);

		if (path->failed)
			return true;
		if (slash && is_bad_segment(path, start))
			return false;
		if (!slash && c != '$' &&
			(c < 0 || !hl_percent_is_unreserved((unsigned char) c)))
			return false;
		hl_bytes_append_char(path, (char) c);
		if (slash)
			start = path->len;
	}
	return path->failed || !is_bad_segment(path, start);
}

/* Writes a name or a value, decoded once and encoded again. */
static bool
write_side(HlBytes *query, const char *text, const char *end)
{
	while (text < end)
	{
		int c = take_byte(&text, end);

		if (c < 0)
			return false;
		hl_percent_append(query, (unsigned char) c);
	}
	return true;
}

/*
 * Writes the pairs of a query. A value may have equals signs, such as the
 * padding of a token.
 */
static bool
write_query(HlBytes *query, const char *text)
{
	while (*text != '\0')
	{
		const char *end = text + strcspn(text, "&");
		const char *equals = text + strcspn(text, "=&");

		if (end > text)
		{
			if (query->len > 0)
				hl_bytes_append_char(query, '&');
			if (!write_side(query, text, equals))
				return false;
			hl_bytes_append_char(query, '=');
			if (equals < end && !write_side(query, equals + 1, end))
				return false;
		}
		text = *end == '&' ? end + 1 : end;
	}
	return true;
}

/* Skips a prefix; NULL if the text does not begin with it. */
static const char *
skip_prefix(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text != NULL && strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* Skips the path of a data store; NULL if it is another one. */
static const char *
skip_base(const char *path, const char *above, const char *datastore_id)
{
	path = skip_prefix(skip_prefix(path, above), "datastore/");
	return skip_prefix(skip_prefix(path, datastore_id), "/r4/");
}

/* Reads scheme and authority of a URL; returns its path, or NULL. */
static const char *
read_place(const char *link, HlEndpoint *place, bool *starved)
{
	HlEndpointOutcome outcome;
	char url[HL_ENDPOINT_MAX_URL];
	size_t scheme = strcspn(link, ":");
	size_t len;

	if (strncmp(link + scheme, "://", 3) != 0)
		return NULL;
	len = scheme + 3 + strcspn(link + scheme + 3, "/?");
	if (link[len] != '/' || len >= sizeof(url))
		return NULL;
	snprintf(url, sizeof(url), "%.*s", (int) len, link);
	outcome = hl_endpoint_read_url(url, place);
	*starved = outcome == HL_ENDPOINT_NO_MEMORY;
	return outcome == HL_ENDPOINT_OK ? link + len : NULL;
}

/* Whether an authority is AWS's public endpoint of the region. */
static bool
is_public(const HlEndpoint *place, const char *region, bool *starved)
{
	HlEndpointParameters parameters = {.service = "healthlake",
									   .region = region};
	HlEndpoint public;
	HlEndpointOutcome outcome = hl_endpoint_resolve(&parameters, &public);

	*starved = outcome == HL_ENDPOINT_NO_MEMORY;
	return outcome == HL_ENDPOINT_OK && place->tls &&
		   strcmp(place->authority, public.authority) == 0;
}

/* The part of an absolute URL below the base; NULL if there is none. */
static const char *
below_base(const HlLinkBase *base, const char *link, bool *starved)
{
	HlEndpoint place;
	const char *path = read_place(link, &place, starved);
	const char *below = NULL;

	if (path == NULL)
		return NULL;
	/* only its path is used: a server behind TLS may write http */
	if (!(place.tls && base->target->plain) &&
		strcmp(place.authority, base->target->authority) == 0)
		below = skip_base(path, base->target->path, base->datastore_id);
	if (below == NULL && is_public(&place, base->region, starved))
		below = skip_base(path, "/", base->datastore_id);
	return below;
}

/* The part of any link below the base; NULL if there is none. */
static const char *
find_below(const HlLinkBase *base, const char *link, bool *starved)
{
	const char *below;

	if (link[0] != '/')
		return strchr(link, ':') == NULL ||
					   strcspn(link, ":") > strcspn(link, "/?")
				   ? link
				   : below_base(base, link, starved);
	below = skip_base(link, base->target->path, base->datastore_id);
	return below != NULL ? below : skip_base(link, "/", base->datastore_id);
}

HlLinkOutcome
hl_link_read(const HlLinkBase *base, const char *link, HlLink *read)
{
	bool starved = false;
	const char *below;
	const char *end;

	if (!is_visible(link))
		return refuse_link(read, "it is not a URL");
	below = find_below(base, link, &starved);
	if (starved)
		return HL_LINK_NO_MEMORY;
	if (below == NULL)
		return refuse_link(read, "it leads out of the data store");
	end = below + strcspn(below, "?");
	if (!write_path(&read->path, below, end))
		return refuse_link(read, "its path is malformed");
	if (*end == '?' && !write_query(&read->query, end + 1))
		return refuse_link(read, "its query is malformed");
	if (!read->path.failed && !read->query.failed)
		return HL_LINK_OK;
	hl_link_free(read);
	return HL_LINK_NO_MEMORY;
}

void
hl_link_free(HlLink *read)
{
	hl_bytes_free(&read->path);
	hl_bytes_free(&read->query);
	read->reason = NULL;
}
