/*
 * peer.h
 *	  A server for tests of HTTP: a listening socket on loopback that passes
 *	  each connection to a handler in its own thread, optionally with TLS. The
 *	  last request is kept. Include it in one file of a program; link with
 *	  -lssl -lcrypto.
 */
#ifndef PEER_H
#define PEER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Peer
{
	int fd;
	SSL *tls; /* NULL: plain */
	int nth;  /* number of the connection, from 0 */
	void (*handler)(struct Peer *peer);
	char request[65536];
	size_t request_len;
} Peer;

typedef void (*PeerHandler)(Peer *peer);

typedef struct PeerServer
{
	int fd;
	int port;
	PeerHandler handler;
	SSL_CTX *tls;
	pthread_t thread;
} PeerServer;

/* Counters of all servers, and the text of the last request. */
static atomic_int peer_connections;
static atomic_int peer_requests;
static atomic_int peer_resumed; /* TLS sessions */
static atomic_int peers_alive;
static char peer_last[65536];

/* Sends bytes; false if the client has disconnected. */
static inline bool
peer_send(Peer *peer, const char *data, size_t len)
{
	if (peer->tls != NULL)
		return SSL_write(peer->tls, data, (int) len) > 0;
	return send(peer->fd, data, len, MSG_NOSIGNAL) >= 0;
}

/* Sends a text; false if the client has disconnected. */
static inline bool
peer_say(Peer *peer, const char *text)
{
	return peer_send(peer, text, strlen(text));
}

/* Receives some bytes; 0 or less at the end. */
static inline int
peer_receive(Peer *peer, char *data, size_t size)
{
	return peer->tls != NULL ? SSL_read(peer->tls, data, (int) size)
							 : (int) recv(peer->fd, data, size, 0);
}

/* Whether a complete request was received. */
static inline bool
peer_has_request(Peer *peer)
{
	char *end = strstr(peer->request, "\r\n\r\n");
	char *length = strcasestr(peer->request, "content-length:");

	return end != NULL && peer->request_len >=
							  (size_t) (end + 4 - peer->request) +
								  (length ? strtoul(length + 15, NULL, 10) : 0);
}

/* Reads one request into peer->request; false if none arrives. */
static inline bool
peer_request(Peer *peer)
{
	memset(peer->request, 0, sizeof(peer->request));
	peer->request_len = 0;
	while (!peer_has_request(peer))
	{
		int got = peer_receive(peer, peer->request + peer->request_len,
							   sizeof(peer->request) - 1 - peer->request_len);

		if (got <= 0)
			return false;
		peer->request_len += (size_t) got;
	}
	memcpy(peer_last, peer->request, sizeof(peer_last));
	peer_requests++;
	return true;
}

/* Waits until the client disconnects. */
static inline void
peer_wait(Peer *peer)
{
	char rest[256];

	while (peer_receive(peer, rest, sizeof(rest)) > 0)
		;
}

/* Makes the next close a reset. */
static inline void
peer_reset(Peer *peer)
{
	struct linger now = {1, 0};

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* Serves one client; TLS ends without close_notify. */
static inline void *
peer_run(void *argument)
{
	Peer *peer = argument;

	if (peer->tls == NULL || SSL_accept(peer->tls) == 1)
	{
		peer_resumed += peer->tls != NULL && SSL_session_reused(peer->tls);
		peer->handler(peer);
	}
	close(peer->fd);
	SSL_free(peer->tls);
	free(peer);
	peers_alive--;
	return NULL;
}

/* Accepts clients until the socket is shut down. */
static inline void *
peer_listen(void *argument)
{
	PeerServer *server = argument;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0)
	{
		Peer *peer = calloc(1, sizeof(*peer));
		pthread_t thread;
		int on = 1;

		/* otherwise an answer in several pieces waits for acknowledgements */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		peer->fd = fd;
		peer->nth = peer_connections++;
		peer->handler = server->handler;
		if (server->tls != NULL)
		{
			peer->tls = SSL_new(server->tls);
			SSL_set_fd(peer->tls, fd);
		}
		peers_alive++;
		pthread_create(&thread, NULL, peer_run, peer);
		pthread_detach(thread);
	}
	return NULL;
}

/* A socket that listens on a free port of 127.0.0.1. */
static inline int
peer_socket(int backlog, int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *) &address, len) != 0 ||
		listen(fd, backlog) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &len) != 0)
		abort();
	*port = ntohs(address.sin_port);
	return fd;
}

/* Creates a server, and resets the counters. */
static inline PeerServer
peer_serve(PeerHandler handler)
{
	PeerServer server = {.handler = handler};

	peer_connections = 0;
	peer_requests = 0;
	peer_resumed = 0;
	peer_last[0] = '\0';
	server.fd = peer_socket(64, &server.port);
	return server;
}

/* Starts a server; the struct must not move. */
static inline void
peer_start(PeerServer *server)
{
	pthread_create(&server->thread, NULL, peer_listen, server);
}

/* Stops a server; its connections end with their clients. */
static inline void
peer_stop(PeerServer *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

/* Adds one extension to a certificate. */
static inline void
peer_extend(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

/* Creates a certificate of a server for localhost, and writes it to path. */
static inline void
peer_use_tls(PeerServer *server, const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	FILE *file = fopen(path, "w");

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
							   (const unsigned char *) "localhost", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	peer_extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
	peer_extend(certificate, NID_subject_alt_name, "DNS:localhost");
	X509_sign(certificate, key, EVP_sha256());
	PEM_write_X509(file, certificate);
	fclose(file);
	server->tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(server->tls, certificate);
	SSL_CTX_use_PrivateKey(server->tls, key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

#endif
