/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 and 1.3 over sockets that do not block; for DTLS see crypto/dtls.h as well. Both sides of
 * the trust boundary. Key agreement is hybrid with ML-KEM first where OpenSSL has it. The program
 * has to ignore SIGPIPE: a peer that is gone is -EIO.
 */
#pragma once

#include "base/span.h"
#include "crypto/sign.h"

#include <sys/types.h>

struct crypto_tls_context;
struct crypto_tls;

enum crypto_tls_side { CRYPTO_TLS_SERVER, CRYPTO_TLS_CLIENT };

struct crypto_tls_config {
    struct span chain, key; /* PEM: the own certificate with what stands between it and a root, and
                               its key. Optional for a client */
    const struct crypto_signer *signer; /* instead of `key` */
    bool tls13;                         /* nothing older */
    bool datagrams;                     /* DTLS 1.2, nothing else, in place of TLS */
    bool client_required;               /* a server that believes somebody takes nobody else */
    /* Application protocols (RFC 7301), each behind a byte with its length, the preferred first:
     * what a client offers; a server picks the first of its own that is offered, and refuses a
     * client that offers none of them. Empty: the extension is not used. */
    struct span alpn;
    /* Whom to believe. A server that believes somebody asks for certificates of clients: it takes
     * none, or one that is valid; another ends the handshake. */
    struct span trust; /* PEM: certificates of roots, and for a client, if there are none, … */
    bool system_trust; /* … the system's, where it keeps them, or as SSL_CERT_FILE and
                          SSL_CERT_DIR say */
};

/* 0; -EINVAL if PEM or key are wrong, or a client would believe nobody. */
__attribute__((warn_unused_result)) int
crypto_tls_context_new(enum crypto_tls_side side, const struct crypto_tls_config *config,
                       struct crypto_tls_context **context);
void crypto_tls_context_free(struct crypto_tls_context *context);

/* A connection on a socket, which is borrowed; of DTLS on a link. NULL without memory. */
struct crypto_tls *crypto_tls_accept(struct crypto_tls_context *context, int fd);
/* The client's side: `host` is the name, or the address, that the server's certificate must have.
 */
struct crypto_tls *crypto_tls_connect(struct crypto_tls_context *context, int fd, const char *host);
/* The same for any name in a certificate that is believed: the caller looks at crypto_tls_peer. */
struct crypto_tls *crypto_tls_connect_any(struct crypto_tls_context *context, int fd);
void crypto_tls_free(struct crypto_tls *tls);

/* Bytes moved; 0 at the end, which the peer has to announce; -EAGAIN if the socket has to be ready
 * first, for writing if crypto_tls_wants_write says so; -EACCES if one of both does not believe the
 * other's certificate; -EIO. The handshake happens on the way. */
ssize_t crypto_tls_read(struct crypto_tls *tls, void *buffer, size_t size);
/* The same, and what was read is read again next time. */
ssize_t crypto_tls_peek(struct crypto_tls *tls, void *buffer, size_t size);
/* -EMSGSIZE for a message of DTLS that is too long. */
ssize_t crypto_tls_write(struct crypto_tls *tls, const void *buffer, size_t size);
bool crypto_tls_wants_write(const struct crypto_tls *tls);
/* Goes on with the handshake: 0 when it is complete, -EAGAIN and the others as above. */
int crypto_tls_handshake(struct crypto_tls *tls);
/* After how many milliseconds to do so even if nothing came, as what was sent may be lost; -1: not
 * at all. */
int crypto_tls_milliseconds(const struct crypto_tls *tls);
/* Bytes that crypto_tls_read would answer at once, at least 1 at the end or after an error; 0 if
 * the socket has to be ready first. */
size_t crypto_tls_ready(struct crypto_tls *tls);
/* Tells the peer that no more is written (close_notify). 0, -EAGAIN or -EIO. */
int crypto_tls_finish(struct crypto_tls *tls);
/* The peer's certificate in DER, which was verified: its chain, dates and purpose; empty if there
 * is none. Borrowed. */
struct span crypto_tls_peer(struct crypto_tls *tls);
/* Why the last -EIO or -EACCES: a few words, of a constant. */
const char *crypto_tls_reason(const struct crypto_tls *tls);
