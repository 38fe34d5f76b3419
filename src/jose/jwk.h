/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Keys and sets of them (RFC 7517). Both sides of the trust boundary. No I/O.
 *
 * Public keys for RS256, ES256 and EdDSA on Ed25519. A key with an "alg", "use" or "key_ops" that
 * does not allow to verify signatures with that algorithm is not taken.
 */
#pragma once

#include "crypto/jose.h"

enum { JWK_ID_MAX = 255, JWK_SET_MAX = 64, JWK_THUMBPRINT_SIZE = 32 };

/* Makes a key of a JSON value that json_parse accepted. 0; -EINVAL if it is malformed;
 * -EOPNOTSUPP if it is of another kind, or for another purpose. */
__attribute__((warn_unused_result)) int jwk_parse(struct span value, struct crypto_jose_key **key);

/* The SHA-256 thumbprint of RFC 7638 of a key that jwk_parse took. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int jwk_thumbprint(struct span value,
                                                       uint8_t out[JWK_THUMBPRINT_SIZE]);

struct jwk_set {
    struct {
        char id[JWK_ID_MAX + 1]; /* "kid"; empty if there is none */
        size_t id_size;
        struct crypto_jose_key *key;
    } keys[JWK_SET_MAX];
    size_t count;
};

/* Reads {"keys":[…]}; keys of other kinds are passed over, as RFC 7517 section 5 wants it. 0;
 * -EINVAL if it is malformed or has no key that could be used. The set is empty on failure. */
__attribute__((warn_unused_result)) int jwk_set_parse(struct span text, struct jwk_set *set);
void jwk_set_free(struct jwk_set *set);

/* The key with this id that is for this algorithm; NULL if there is none. */
const struct crypto_jose_key *jwk_set_find(const struct jwk_set *set, struct span id,
                                           enum crypto_jose algorithm);
