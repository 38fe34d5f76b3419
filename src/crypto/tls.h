/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of TLS 1.2 and 1.3 over sockets that do not block. Host side. The program has
 * to ignore SIGPIPE: a peer that is gone is -EIO. */
#pragma once

#include "base/span.h"

#include <sys/types.h>

struct crypto_tls_context;
struct crypto_tls;

/* A context for a certificate chain and its key, both PEM. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int crypto_tls_context_new(struct span chain, struct span key,
                                                               struct crypto_tls_context **context);
void crypto_tls_context_free(struct crypto_tls_context *context);

/* A connection on a socket, which is borrowed. NULL without memory. */
struct crypto_tls *crypto_tls_accept(struct crypto_tls_context *context, int fd);
void crypto_tls_free(struct crypto_tls *tls);

/* Bytes moved; 0 at the end; -EAGAIN if the socket has to be ready first, for writing if
 * crypto_tls_wants_write says so; -EIO. The handshake happens on the way. */
ssize_t crypto_tls_read(struct crypto_tls *tls, void *buffer, size_t size);
ssize_t crypto_tls_write(struct crypto_tls *tls, const void *buffer, size_t size);
bool crypto_tls_wants_write(const struct crypto_tls *tls);
