/*
 * xml.h
 *	  The XML that STS answers with, read strictly: elements, attributes
 *	  (read, and dropped), text and the five named entities. No DOCTYPE, no
 *	  CDATA, no comment, no processing instruction: STS sends none, and what
 *	  cannot be there cannot be misread. An HlXml starts zeroed, owns all its
 *	  memory and ends in hl_xml_wipe(), also after a failure.
 */
#ifndef HL_BASE_XML_H
#define HL_BASE_XML_H

#include <stdbool.h>
#include <stddef.h>

#define HL_XML_MAX_ELEMENTS 256
#define HL_XML_MAX_DEPTH 16

typedef struct HlXmlElement
{
	const char *name; /* as written, a prefix included */
	const char *text; /* "" in an element that has others */
	int parent;       /* -1: this is the root */
} HlXmlElement;

typedef struct HlXml
{
	HlXmlElement *elements; /* in the order in which they begin */
	int count;
	char *text; /* the strings, each ended by a zero */
	size_t size;
	const char *reason; /* why it is not XML; quotes nothing */
	size_t offset;      /* where, in bytes */
	bool no_memory;     /* that is why it could not be read */
} HlXml;

extern bool hl_xml_read(HlXml *xml, const char *text, size_t len);

/* The text at a path like "Root/Child"; NULL: there is none, or several. */
extern const char *hl_xml_value(const HlXml *xml, const char *path);

extern void hl_xml_wipe(HlXml *xml);

#endif
