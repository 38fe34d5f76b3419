/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes and signatures. The only place that includes OpenSSL.
 *
 * Both sides of the trust boundary. No I/O, no state of its own: keys and signatures are parts of
 * what codec/x509.h found. Whatever cannot be checked counts as wrong.
 */
#pragma once

#include "codec/x509.h"

enum crypto_hash { CRYPTO_SHA224, CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512 };

enum { CRYPTO_SHA256_SIZE = 32, CRYPTO_HASH_MAX = 64 };

/* Bytes that a hash has. */
size_t crypto_hash_size(enum crypto_hash hash);

/* Hash of the parts one after the other. 0, or -ENOMEM if OpenSSL cannot. */
__attribute__((warn_unused_result)) int crypto_hash(enum crypto_hash hash, const struct span *parts,
                                                    size_t count, uint8_t *out);

/* A hash of bytes that come piece by piece. */
struct crypto_hasher;

/* NULL without memory. */
struct crypto_hasher *crypto_hasher_new(enum crypto_hash hash);
void crypto_hasher_free(struct crypto_hasher *hasher);
__attribute__((warn_unused_result)) int crypto_hasher_add(struct crypto_hasher *hasher,
                                                          struct span bytes);
/* The hash of what was added since it was made or since the last call; then it begins anew. */
__attribute__((warn_unused_result)) int crypto_hasher_end(struct crypto_hasher *hasher,
                                                          uint8_t *out);

/* Whether two ranges of the same size are equal, in a time that does not depend on where not. */
bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t size);

/*
 * Checks a signature whose value is in the form of X.509: for ECDSA the DER of r and s, for
 * RSASSA-PSS the bytes. The key must be of the algorithm's kind: P-256 for SHA-256, P-384 for
 * SHA-384, RSA of at least 3072 bits with exponent 65537. The public point must be on the curve.
 *
 * Returns 0 if the signature is right, -EBADMSG if not, -EINVAL for a key or an algorithm that does
 * not fit.
 */
__attribute__((warn_unused_result)) int crypto_verify(const struct x509_key *key,
                                                      const struct x509_signature *signature);

/* The same for ECDSA with r and s as big-endian numbers of the curve's size, one after the other.
 */
__attribute__((warn_unused_result)) int crypto_verify_raw(const struct x509_key *key,
                                                          enum x509_algorithm algorithm,
                                                          struct span message,
                                                          struct span signature);
