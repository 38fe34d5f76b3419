/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: made, read, used. Both sides of the trust boundary. */
#pragma once

#include "codec/x509.h"

struct crypto_signer;

enum { CRYPTO_SIGNATURE_MAX = 128, CRYPTO_KEY_INFO_MAX = 160 };

/* A fresh key on a curve. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int crypto_signer_generate(enum x509_key_kind curve,
                                                               struct crypto_signer **signer);
/* A PKCS#8 or SEC1 key on P-256 or P-384 from PEM or DER. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int crypto_signer_read(struct span text,
                                                           struct crypto_signer **signer);
/* A key that stays in a token, by its PKCS#11 URI (RFC 7512), through OpenSSL: by a provider that
 * its configuration names, or by the engine "pkcs11". Only for programs that are linked
 * dynamically. 0, -ENOENT if there is no such key, or nothing that could find it; -EINVAL if it is
 * on another curve. */
__attribute__((warn_unused_result)) int crypto_signer_open(const char *uri,
                                                           struct crypto_signer **signer);
void crypto_signer_free(struct crypto_signer *signer);

enum x509_key_kind crypto_signer_kind(const struct crypto_signer *signer);
/* The SubjectPublicKeyInfo; borrowed from the signer. */
struct span crypto_signer_info(const struct crypto_signer *signer);

/* ECDSA in DER, with SHA-256 on P-256 and SHA-384 on P-384. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int crypto_sign(const struct crypto_signer *signer,
                                                    struct span message,
                                                    uint8_t signature[CRYPTO_SIGNATURE_MAX],
                                                    size_t *size);

/* Unpredictable bytes. 0 or -EIO. */
__attribute__((warn_unused_result)) int crypto_random(uint8_t *bytes, size_t size);
