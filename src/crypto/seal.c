// SPDX-License-Identifier: Apache-2.0
#include "crypto/seal.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>

int seal_derive(struct span secret, struct span salt, struct span info, uint8_t *out, size_t size)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[5], *next = parameters;
    if (size == 0 || size > SEAL_DERIVED_MAX || secret.size == 0)
        return -EINVAL;
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    *next++ =
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret.data, secret.size);
    if (salt.size > 0)
        *next++ =
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.data, salt.size);
    if (info.size > 0)
        *next++ =
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.data, info.size);
    *next = OSSL_PARAM_construct_end();

    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool good = context && EVP_KDF_derive(context, out, size, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return good ? 0 : -ENOMEM;
}

struct sealer {
    EVP_CIPHER_CTX *sealing, *opening;
};

struct sealer *sealer_new(void)
{
    struct sealer *sealer = calloc(1, sizeof(*sealer));
    if (!sealer)
        return NULL;
    sealer->sealing = EVP_CIPHER_CTX_new();
    sealer->opening = EVP_CIPHER_CTX_new();
    if (!sealer->sealing || !sealer->opening) {
        sealer_free(sealer);
        return NULL;
    }
    return sealer;
}

void sealer_free(struct sealer *sealer)
{
    if (!sealer)
        return;
    EVP_CIPHER_CTX_free(sealer->sealing);
    EVP_CIPHER_CTX_free(sealer->opening);
    free(sealer);
}

int sealer_set_key(struct sealer *sealer, const uint8_t key[SEAL_KEY_SIZE])
{
    const EVP_CIPHER *cipher = EVP_aes_256_gcm();
    bool good = EVP_EncryptInit_ex(sealer->sealing, cipher, NULL, key, NULL) == 1 &&
                EVP_DecryptInit_ex(sealer->opening, cipher, NULL, key, NULL) == 1;
    return good ? 0 : -ENOMEM;
}

int sealer_seal(struct sealer *sealer, const uint8_t nonce[SEAL_NONCE_SIZE], struct span bound,
                struct span plain, uint8_t *out)
{
    EVP_CIPHER_CTX *context = sealer->sealing;
    int size = 0, rest = 0;
    bool good = plain.size < INT_MAX && bound.size < INT_MAX &&
                EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) == 1;
    if (good && bound.size > 0)
        good = EVP_EncryptUpdate(context, NULL, &size, bound.data, (int)bound.size) == 1;
    if (good && plain.size > 0)
        good = EVP_EncryptUpdate(context, out, &size, plain.data, (int)plain.size) == 1;
    good = good && EVP_EncryptFinal_ex(context, out + plain.size, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, out + plain.size);
    return good ? 0 : -ENOMEM;
}

int sealer_open(struct sealer *sealer, const uint8_t nonce[SEAL_NONCE_SIZE], struct span bound,
                struct span sealed, uint8_t *out)
{
    EVP_CIPHER_CTX *context = sealer->opening;
    uint8_t tag[SEAL_TAG_SIZE];
    if (sealed.size < SEAL_TAG_SIZE || sealed.size > INT_MAX || bound.size > INT_MAX)
        return -EBADMSG;
    size_t length = sealed.size - SEAL_TAG_SIZE;
    int size = 0, rest = 0;
    memcpy(tag, sealed.data + length, sizeof(tag));
    bool good = EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) == 1;
    if (good && bound.size > 0)
        good = EVP_DecryptUpdate(context, NULL, &size, bound.data, (int)bound.size) == 1;
    if (good && length > 0)
        good = EVP_DecryptUpdate(context, out, &size, sealed.data, (int)length) == 1;
    good = good && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE, tag) == 1 &&
           EVP_DecryptFinal_ex(context, tag, &rest) == 1;
    if (good)
        return 0;
    memset(out, 0, length);
    return -EBADMSG;
}
