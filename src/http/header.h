/*
 * header.h
 *	  A header of an HTTP request or reply: both strings belong to whoever
 *	  made them, and neither contains a line end.
 */
#ifndef HL_HTTP_HEADER_H
#define HL_HTTP_HEADER_H

/* How many headers of a reply a request may ask for. */
#define HL_HTTP_WANTED 6

typedef struct HlHeader
{
	const char *name;
	const char *value;
} HlHeader;

#endif
