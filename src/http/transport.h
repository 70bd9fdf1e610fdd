/*
 * transport.h
 *	  How a transfer ended below HTTP, as libcurl reports it. It determines
 *	  whether a request may be repeated.
 */
#ifndef HL_HTTP_TRANSPORT_H
#define HL_HTTP_TRANSPORT_H

/* The result of a transfer, whatever the HTTP status. */
typedef enum HlTransport
{
	HL_TRANSPORT_OK,
	HL_TRANSPORT_DNS,       /* the name was not resolved */
	HL_TRANSPORT_CONNECT,   /* refused, unreachable, or refused by the proxy */
	HL_TRANSPORT_TLS,       /* the handshake failed */
	HL_TRANSPORT_UNTRUSTED, /* rejected certificate, unusable CA bundle */
	HL_TRANSPORT_TIMEOUT,
	HL_TRANSPORT_LOST,      /* closed or reset before the end of the reply */
	HL_TRANSPORT_NOT_HTTP,  /* or malformed HTTP */
	HL_TRANSPORT_TOO_LARGE, /* more than max_body */
	HL_TRANSPORT_MEMORY,
	HL_TRANSPORT_UNUSABLE /* the URL, the proxy or libcurl cannot be used */
} HlTransport;

#endif
