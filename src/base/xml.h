/*
 * xml.h
 *	  The XML of STS's replies, parsed strictly: elements, attributes (read and
 *	  dropped), text and the five named entities. DOCTYPE, CDATA, comments and
 *	  processing instructions are errors: STS sends none, and what is refused
 *	  cannot be misread. An HlXml starts zeroed, owns all its memory and ends
 *	  in hl_xml_wipe(), also after a failure.
 */
#ifndef HL_BASE_XML_H
#define HL_BASE_XML_H

#include <stdbool.h>
#include <stddef.h>

#define HL_XML_MAX_ELEMENTS 256
#define HL_XML_MAX_DEPTH 16

typedef struct HlXmlElement
{
	const char *name; /* as written, with its prefix */
	const char *text; /* "" if it has child elements */
	int parent;       /* index; -1: the root */
} HlXmlElement;

typedef struct HlXml
{
	HlXmlElement *elements; /* in document order */
	int count;
	char *text; /* the strings, zero-terminated */
	size_t size;
	const char *reason; /* why it is invalid; static, quotes nothing */
	size_t offset;      /* of the fault, in bytes */
	bool no_memory;     /* memory was missing */
} HlXml;

extern bool hl_xml_read(HlXml *xml, const char *text, size_t len);

/* The text at a path like "Root/Child"; NULL if there is none, or several. */
extern const char *hl_xml_value(const HlXml *xml, const char *path);

extern void hl_xml_wipe(HlXml *xml);

#endif
