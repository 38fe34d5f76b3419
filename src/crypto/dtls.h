/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS 1.2 (RFC 6347) over datagrams that the caller moves: what it has beyond crypto/tls.h, whose
 * functions do the rest. Both sides of the trust boundary.
 *
 * A context with `datagrams` makes connections without a socket: -1 stands in place of it, and a
 * link is given to them. One write is one record is one datagram, and one read takes one record.
 *
 * A server looks at a datagram of somebody unknown with crypto_dtls_greet, and keeps nothing of it
 * until a client has shown, by a cookie, that it receives what is sent to its address.
 */
#pragma once

#include "crypto/tls.h"

enum {
    /* Bytes of the largest message, and of the buffer that reading needs: a smaller one would split
     * a message. */
    CRYPTO_DTLS_MESSAGE_MAX = 16384,
    /* Bytes of the datagrams of a handshake: what any IPv6 network carries in one piece, 1280, less
     * the headers of IPv6 and UDP. A longer message makes a longer datagram. */
    CRYPTO_DTLS_DATAGRAM_SIZE = 1232,
    CRYPTO_DTLS_ANSWER_MAX = 256, /* bytes of what crypto_dtls_greet answers */
};

/* How datagrams travel to and from one peer. Both functions answer at once: the datagram's bytes,
 * or -EAGAIN, or another -errno that ends the connection. */
struct crypto_dtls_link {
    ssize_t (*receive)(void *env, void *buffer, size_t size);
    ssize_t (*send)(void *env, const void *data, size_t size);
    void *env; /* borrowed */
};

/* Gives a connection its link. */
void crypto_dtls_attach(struct crypto_tls *tls, const struct crypto_dtls_link *link);

/*
 * Looks at a datagram that came from `address` (any bytes that stand for it and no other). Returns
 *   1  a ClientHello that shows the cookie: *out is the connection, whose handshake goes on as soon
 *      as it has a link;
 *   0  anything else. If *answer_size is not 0, `answer` is to be sent to the address: the cookie
 *      (HelloVerifyRequest, section 4.2.1), which is shorter than what asked for it. Nothing is
 *      kept;
 *   -ENOMEM.
 * One thread at a time for a context.
 */
__attribute__((warn_unused_result)) int crypto_dtls_greet(struct crypto_tls_context *context,
                                                          struct span address, struct span datagram,
                                                          uint8_t answer[CRYPTO_DTLS_ANSWER_MAX],
                                                          size_t *answer_size,
                                                          struct crypto_tls **out);
