/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of TLS or of DTLS, of either direction. Its handshake goes on whenever the program
 * reads, writes or polls. Keep side.
 */
#pragma once

#include "exec/file_stream.h"
#include "exec/tls_terms.h"
#include "exec/udp.h"

struct tls_connection;

/* The server's side on a socket that never blocks, which it takes, also on failure. NULL without
 * memory. */
struct tls_connection *tls_connection_accept(struct tls_terms *terms, int fd);
/* The client's side, likewise, with its handshake. */
__attribute__((warn_unused_result)) int
tls_connection_open(struct tls_terms *terms, int fd, struct tls_connection **out, struct err *err);

/* The server's side of DTLS with a client who has shown the cookie: takes it, also on failure. It
 * counts among the handshakes of the terms until it is known or freed. NULL without memory. */
struct tls_connection *tls_connection_greeted(struct tls_terms *terms, struct crypto_tls *tls);
/* Takes the peer's socket: from now on there is time for the handshake. */
void tls_connection_attach(struct tls_connection *connection, struct udp_peer *peer);

/* Says goodbye and closes the socket. NULL is accepted. */
void tls_connection_free(struct tls_connection *connection);
void tls_connection_set_nonblocking(struct tls_connection *connection, bool on);
struct file_stream tls_connection_stream(struct tls_connection *connection);
