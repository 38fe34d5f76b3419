/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys and signatures of JSON Web Algorithms (RFC 7518, RFC 8037). Both sides of the trust
 * boundary. A key knows the one algorithm that it is used with; what a token says about algorithms
 * is compared with that, never followed.
 */
#pragma once

#include "base/span.h"

enum crypto_jose { CRYPTO_RS256, CRYPTO_ES256, CRYPTO_EDDSA, CRYPTO_JOSE_COUNT };

/* "RS256", "ES256", "EdDSA": the names in the member "alg". */
const char *crypto_jose_name(enum crypto_jose algorithm);

struct crypto_jose_key;

/*
 * Each makes a key; 0, or -EINVAL for one that does not fit.
 *   RSA        modulus of 2048 to 8192 bits and exponent 65537, big-endian (RFC 7518 section 6.3)
 *   P-256      coordinates of 32 bytes, a point on the curve (section 6.2)
 *   Ed25519    32 bytes (RFC 8037 section 2)
 */
__attribute__((warn_unused_result)) int crypto_jose_rsa(struct span modulus, struct span exponent,
                                                        struct crypto_jose_key **key);
__attribute__((warn_unused_result)) int crypto_jose_p256(struct span x, struct span y,
                                                         struct crypto_jose_key **key);
__attribute__((warn_unused_result)) int crypto_jose_ed25519(struct span x,
                                                            struct crypto_jose_key **key);
void crypto_jose_key_free(struct crypto_jose_key *key);

enum crypto_jose crypto_jose_key_algorithm(const struct crypto_jose_key *key);

/* 0 if the signature is right (for ES256: r and s, 32 bytes each), else -EBADMSG. */
__attribute__((warn_unused_result)) int
crypto_jose_verify(const struct crypto_jose_key *key, struct span message, struct span signature);
