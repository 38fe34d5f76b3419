/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys made of keys, and bytes that are hidden and bound by one: HKDF (RFC 5869) with SHA-256, and
 * AES-256-GCM (NIST SP 800-38D).
 *
 * Both sides. No I/O.
 */
#pragma once

#include "base/span.h"

enum { SEAL_KEY_SIZE = 32, SEAL_NONCE_SIZE = 12, SEAL_TAG_SIZE = 16, SEAL_DERIVED_MAX = 255 * 32 };

/*
 * HKDF-SHA-256, extract and expand: fills `out` (at most SEAL_DERIVED_MAX bytes) with a key made of
 * `secret`. `salt` and `info` may be empty. 0, -EINVAL for a size that cannot be, or -ENOMEM.
 */
__attribute__((warn_unused_result)) int seal_derive(struct span secret, struct span salt,
                                                    struct span info, uint8_t *out, size_t size);

/* A key that is ready for use. One thread at a time. */
struct sealer;

/* NULL without memory. The first key comes with sealer_set_key. */
struct sealer *sealer_new(void);
/* Wipes the key. NULL is accepted. */
void sealer_free(struct sealer *sealer);
/* 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int sealer_set_key(struct sealer *sealer,
                                                       const uint8_t key[SEAL_KEY_SIZE]);

/*
 * Writes the ciphertext of `plain`, as long as that, and its tag behind it. `bound` is
 * authenticated and not written. A nonce must never be used twice with one key. `out` may be
 * plain.data. 0, or -ENOMEM if OpenSSL cannot; then nothing of `out` may be used.
 */
__attribute__((warn_unused_result)) int sealer_seal(struct sealer *sealer,
                                                    const uint8_t nonce[SEAL_NONCE_SIZE],
                                                    struct span bound, struct span plain,
                                                    uint8_t *out);

/*
 * The reverse: `sealed` is the ciphertext with its tag; `out` has room for sealed.size -
 * SEAL_TAG_SIZE bytes and may be sealed.data. 0; -EBADMSG if anything is not as it was sealed, and
 * then `out` is zeroed.
 */
__attribute__((warn_unused_result)) int sealer_open(struct sealer *sealer,
                                                    const uint8_t nonce[SEAL_NONCE_SIZE],
                                                    struct span bound, struct span sealed,
                                                    uint8_t *out);
