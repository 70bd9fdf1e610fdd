/*
 * server.h
 *	  The fast server of the benchmark: serve() prints its ports for HTTP and TLS
 *	  and answers, each time after so many milliseconds, until standard input
 *	  ends. The file gets its certificate.
 */
#ifndef SERVER_H
#define SERVER_H

extern int serve(const char *ca_path, int latency_ms);

#endif
