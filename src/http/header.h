/*
 * header.h
 *	  One header of an HTTP request or reply. The strings belong to the caller
 *	  and contain no line end.
 */
#ifndef HL_HTTP_HEADER_H
#define HL_HTTP_HEADER_H

/* The maximum number of reply headers that a request may ask for. */
#define HL_HTTP_WANTED 6

typedef struct HlHeader
{
	const char *name;
	const char *value;
} HlHeader;

#endif
