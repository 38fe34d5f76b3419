/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who vouches for a certificate: from it up to a pinned root, and whether anybody took it back.
 * Internal.
 *
 * A small walk of our own instead of X509_verify_cert: AMD's certificates have the serial number 0
 * and SPLs in raw extensions, every failure needs a code of its own, and a pure function over byte
 * ranges can be tested bit by bit (docs/adr/0009-own-certificate-walk.md).
 */
#pragma once

#include "attest/pool.h"
#include "codec/x509.h"

enum { CHAIN_MAX = 4 };

enum vendor { VENDOR_AMD, VENDOR_INTEL };

struct chain {
    struct x509_certificate certificates[CHAIN_MAX]; /* the leaf first, a root last */
    size_t count;
    bool simulated;
};

enum { SEEN_MAX = 16, WRONG_MAX = 32 };

/* What a verification works with. */
struct judge {
    const struct attest_policy *policy;
    int64_t time;
    struct pool pool;
    struct attest_verdict *verdict;
    /* Signatures that were found right, as where the key and the signature are: the inputs do not
     * change during a verification, and the root's list is asked for several certificates. */
    struct {
        const uint8_t *key, *message, *signature;
    } seen[SEEN_MAX];
    size_t seen_count;
    size_t wrong_count; /* signatures that were wrong: evidence may bring many along */
};

/* crypto_verify, but not twice for the same key and signature, and not any more after WRONG_MAX
 * wrong ones: then everything is wrong. */
bool chain_verify(struct judge *judge, const struct x509_key *key,
                  const struct x509_signature *signature);

/* Adds the vendor's intermediate certificates that are compiled in. */
void chain_add_known(struct pool *pool);

/*
 * Finds the path from a leaf to a root of the vendor, or to one of the policy's simulation roots,
 * through certificates of the pool, and checks signatures, names, constraints, usages and times.
 * `role` names the leaf in sentences. 0 or -EACCES.
 */
int chain_build(struct judge *judge, enum vendor vendor, const char *role,
                const struct x509_certificate *leaf, struct chain *chain);

/* Whether the issuer of each certificate from `first` on but the root has taken it back. Lists are
 * chosen by issuer, signature and time. */
int chain_check_revocation(struct judge *judge, const struct chain *chain, size_t first,
                           enum attest_revocation revocation);

/* The compiled-in roots of the vendor, for tests: item `index`, or an empty span behind the last.
 */
struct span chain_root(enum vendor vendor, size_t index);
