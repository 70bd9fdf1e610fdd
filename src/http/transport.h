/*
 * transport.h
 *	  How a transfer ended below HTTP, as libcurl reports it. It determines
 *	  whether a request may be repeated.
 */
#ifndef HL_HTTP_TRANSPORT_H
#define HL_HTTP_TRANSPORT_H

/* What libcurl made of a transfer, whatever the status of the reply. */
typedef enum HlTransport
{
	HL_TRANSPORT_OK,
	HL_TRANSPORT_DNS,       /* the name was not resolved */
	HL_TRANSPORT_CONNECT,   /* refused, unreachable, a proxy's refusal */
	HL_TRANSPORT_TLS,       /* the handshake failed */
	HL_TRANSPORT_UNTRUSTED, /* the certificate, or our own CA bundle */
	HL_TRANSPORT_TIMEOUT,
	HL_TRANSPORT_LOST,      /* closed or reset before the reply's end */
	HL_TRANSPORT_NOT_HTTP,  /* or HTTP that contradicts itself */
	HL_TRANSPORT_TOO_LARGE, /* more than max_body */
	HL_TRANSPORT_MEMORY,
	HL_TRANSPORT_UNUSABLE /* a URL, proxy or libcurl that cannot be used */
} HlTransport;

#endif
