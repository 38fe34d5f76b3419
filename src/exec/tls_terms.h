/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On what terms a file of TLS or DTLS meets its peers: certificate, whom it believes, protocols.
 * What a listener and its connections share. Keep side.
 */
#pragma once

#include "crypto/tls.h"
#include "exec/config.h"
#include "exec/identity.h"

#include <stdatomic.h>

/* All that is borrowed lives as long as the program. */
struct tls_terms {
    atomic_uint references;
    struct crypto_tls_context *context;
    const struct config *config;
    const struct config_file *file;
    struct identity *identity;
    unsigned generation;    /* of the certificate */
    atomic_uint handshakes; /* of DTLS clients that are not complete */
};

/* With one reference. Class ERR_CONFIG if what the file believes cannot be used, else ERR_IO. */
__attribute__((warn_unused_result)) int tls_terms_new(const struct config *config,
                                                      const struct config_file *file,
                                                      struct identity *identity,
                                                      struct tls_terms **out, struct err *err);
struct tls_terms *tls_terms_get(struct tls_terms *terms);
void tls_terms_release(struct tls_terms *terms);

/* Has a certificate renewed whose time comes to its end, and puts new terms in place of those that
 * were made with an older one. What goes wrong with it leaves these. False: the certificate is not
 * valid any more, and a new one is being asked for; with `waits` that is waited for. */
bool tls_terms_refresh(struct tls_terms **terms, bool waits);
