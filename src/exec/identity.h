/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the Keep is: a key that is made inside of it and never leaves, and a certificate for it.
 *
 * Keep side.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "crypto/sign.h"
#include "exec/attendant.h"

/* Who certifies the Keep, and as what. */
struct certification {
    const char *url;             /* of the Steward, https */
    struct span trust;           /* PEM: who vouches for its server */
    const uint8_t *workload;     /* 32 bytes: the digest of what runs */
    struct attendant *attendant; /* for addresses */
};

struct identity {
    struct crypto_signer *signer;
    struct span chain; /* PEM, the leaf first; owned */
    struct span trust; /* PEM of the root that certified us; empty: we did ourselves; owned */
    int64_t not_before, not_after;       /* of the leaf: seconds since 1970 */
    const struct certification *renewal; /* NULL: the certificate is not renewed; borrowed */
    int64_t renewal_after;               /* not before this moment */
    unsigned generation;                 /* grows with each certificate */
};

/* Makes a key on P-256 and a certificate for it that nobody else vouches for: CN=localhost, valid
 * for a year from `now` (seconds since 1970). 0 or -ENOMEM. Release with identity_free. */
__attribute__((warn_unused_result)) int identity_new(struct identity *identity, int64_t now,
                                                     struct err *err);

/* Sends the evidence for key and workload to a Steward and takes the certificate that it issues in
 * place of the present one, once the Steward, key and workload in it are right, and it is valid
 * `now`, as the host says. With `patience` it asks again while that may help, otherwise once, and
 * for a short time. Class ERR_IO or ERR_CONFIG; the sentence says which step failed. */
__attribute__((warn_unused_result)) int identity_certify(struct identity *identity,
                                                         const struct certification *wanted,
                                                         int64_t now, bool patience,
                                                         struct err *err);

/* Wipes the key. An empty identity is accepted. */
void identity_free(struct identity *identity);
