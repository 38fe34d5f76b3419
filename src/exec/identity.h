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
#include "exec/control.h"

struct identity {
    struct crypto_signer *signer;
    struct span chain; /* PEM, the leaf first; owned */
    struct span trust; /* PEM of the root that certified us; empty: we did ourselves; owned */
};

/* Makes a key on P-256 and a certificate for it that nobody else vouches for: CN=localhost, valid
 * for a year from `now` (seconds since 1970). 0 or -ENOMEM. Release with identity_free. */
__attribute__((warn_unused_result)) int identity_new(struct identity *identity, int64_t now,
                                                     struct err *err);
/* Whom a Steward is asked to certify, and how it is reached. */
struct certification {
    const char *url;               /* of the Steward, https */
    struct span trust;             /* PEM: who vouches for its server */
    const uint8_t *workload;       /* 32 bytes: the digest of what runs */
    const struct control *control; /* for addresses */
    int64_t now;                   /* seconds since 1970, as the host says */
};

/* Sends the evidence for key and workload to a Steward and takes the certificate that it issues in
 * place of the own one, once the Steward, key and workload in it are right. Class ERR_IO or
 * ERR_CONFIG; the sentence says which step failed. */
__attribute__((warn_unused_result)) int
identity_certify(struct identity *identity, const struct certification *wanted, struct err *err);
/* Wipes the key. An empty identity is accepted. */
void identity_free(struct identity *identity);
