/*
 * header.h
 *	  A header of an HTTP request or reply: both strings belong to whoever
 *	  made them, and neither contains a line end.
 */
#ifndef HL_HTTP_HEADER_H
#define HL_HTTP_HEADER_H

typedef struct HlHeader
{
	const char *name;
	const char *value;
} HlHeader;

#endif
