/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Signatures (RFC 7515): the compact form, which tokens have, and the flattened JSON form,
 * which signed tags have. Both sides of the trust boundary. No I/O.
 *
 * Headers with "crit" are refused: nothing that could be critical is understood here. "b64" is
 * such a thing.
 */
#pragma once

#include "codec/base64.h"
#include "crypto/sign.h"
#include "jose/jwk.h"

enum { JWS_TOKEN_MAX = 16 * 1024, JWS_HEADER_MAX = 8 * 1024 };

/* A token; `header` and `payload` point into `buffer`. */
struct jws_token {
    uint8_t buffer[2 * BASE64_DECODED(JWS_TOKEN_MAX)];
    struct span header; /* JSON */
    struct span payload;
    enum crypto_jose algorithm;
    struct span key_id;       /* "kid"; empty if there is none */
    struct span signed_bytes; /* borrowed from the text */
    uint8_t signature[BASE64_DECODED(1400)];
    size_t signature_size;
};

/* Takes a compact JWS apart. 0; -EINVAL if it is malformed; -EOPNOTSUPP for an algorithm that is
 * not one of enum crypto_jose. Nothing is verified. */
__attribute__((warn_unused_result)) int jws_parse(struct span text, struct jws_token *token);

/* A flattened JWS with its public key in the protected header ("jwk"). */
struct jws_signed {
    bool detached;       /* it has no payload of its own */
    struct span payload; /* decoded, into `memory`; empty if detached */
    uint8_t thumbprint[JWK_THUMBPRINT_SIZE];
};

/*
 * Verifies a flattened JWS over `payload`, or over the payload of its own if `payload` is NULL.
 * With both, they have to be the same. `memory` of `size` bytes takes the header and the payload:
 * at least as much as `text` has is enough.
 *
 * Returns 0; -EINVAL if it is malformed, lacks what it needs or has no payload at all; -EOPNOTSUPP
 * for other algorithms; -EBADMSG if the signature is wrong. Whether the key is trusted is another
 * question.
 */
__attribute__((warn_unused_result)) int jws_verify_flattened(struct span text,
                                                             const struct span *payload,
                                                             uint8_t *memory, size_t size,
                                                             struct jws_signed *result);

/*
 * Signs a payload with ES256: adds a detached, flattened JWS with the public key in the protected
 * header to `text`, and tells the key's thumbprint. 0; -EINVAL for a key that is not on P-256;
 * -ENOMEM.
 */
__attribute__((warn_unused_result)) int jws_sign_detached(const struct crypto_signer *signer,
                                                          struct span payload, struct text *text,
                                                          uint8_t thumbprint[JWK_THUMBPRINT_SIZE]);
