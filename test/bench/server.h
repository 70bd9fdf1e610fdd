/*
 * server.h
 *	  The fast server of the benchmark: serve() prints its ports for HTTP and
 *	  TLS and answers, with a delay in milliseconds, until the end of standard
 *	  input. Its certificate is written to the file.
 */
#ifndef SERVER_H
#define SERVER_H

extern int serve(const char *ca_path, int latency_ms);

#endif
