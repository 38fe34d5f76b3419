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

struct identity {
    struct crypto_signer *signer;
    struct span chain; /* PEM, the leaf first; owned */
    struct span trust; /* PEM of the root that certified us; empty: we did ourselves; owned */
};

/* Makes a key on P-256 and a certificate for it that nobody else vouches for: CN=localhost, valid
 * for a year from `now` (seconds since 1970). 0 or -ENOMEM. Release with identity_free. */
__attribute__((warn_unused_result)) int identity_new(struct identity *identity, int64_t now,
                                                     struct err *err);
/* Wipes the key. An empty identity is accepted. */
void identity_free(struct identity *identity);
