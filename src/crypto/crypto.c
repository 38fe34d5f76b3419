// SPDX-License-Identifier: Apache-2.0
#include "crypto/crypto.h"

#include "crypto/public_key.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

enum { RSA_BYTES_MIN = 384, RSA_BYTES_MAX = 1024, PSS_SALT = 48, ECDSA_DER_MAX = 128 };

static const EVP_MD *message_digest(enum crypto_hash hash)
{
    switch (hash) {
    case CRYPTO_SHA224:
        return EVP_sha224();
    case CRYPTO_SHA256:
        return EVP_sha256();
    case CRYPTO_SHA384:
        return EVP_sha384();
    case CRYPTO_SHA512:
        return EVP_sha512();
    }
    return NULL;
}

size_t crypto_hash_size(enum crypto_hash hash)
{
    return (size_t)EVP_MD_get_size(message_digest(hash));
}

int crypto_hash(enum crypto_hash hash, const struct span *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        return -ENOMEM;
    bool good = EVP_DigestInit_ex(context, message_digest(hash), NULL) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
    good = good && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good ? 0 : -ENOMEM;
}

struct crypto_hasher {
    EVP_MD_CTX *context;
    const EVP_MD *digest;
};

struct crypto_hasher *crypto_hasher_new(enum crypto_hash hash)
{
    struct crypto_hasher *hasher = calloc(1, sizeof(*hasher));
    if (!hasher)
        return NULL;
    hasher->digest = message_digest(hash);
    hasher->context = EVP_MD_CTX_new();
    if (!hasher->context || EVP_DigestInit_ex(hasher->context, hasher->digest, NULL) != 1) {
        crypto_hasher_free(hasher);
        return NULL;
    }
    return hasher;
}

void crypto_hasher_free(struct crypto_hasher *hasher)
{
    if (!hasher)
        return;
    EVP_MD_CTX_free(hasher->context);
    free(hasher);
}

int crypto_hasher_add(struct crypto_hasher *hasher, struct span bytes)
{
    return EVP_DigestUpdate(hasher->context, bytes.data, bytes.size) == 1 ? 0 : -ENOMEM;
}

int crypto_hasher_end(struct crypto_hasher *hasher, uint8_t *out)
{
    bool good = EVP_DigestFinal_ex(hasher->context, out, NULL) == 1 &&
                EVP_DigestInit_ex(hasher->context, hasher->digest, NULL) == 1;
    return good ? 0 : -ENOMEM;
}

bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

static EVP_PKEY *load_ec_key(const struct x509_key *key)
{
    return public_key_ec(key->kind == X509_KEY_P384 ? "P-384" : "P-256", key->point);
}

static EVP_PKEY *load_rsa_key(const struct x509_key *key)
{
    if (key->modulus.size < RSA_BYTES_MIN || key->modulus.size > RSA_BYTES_MAX)
        return NULL;
    return public_key_rsa(key->modulus, key->exponent);
}

struct scheme {
    enum x509_key_kind kind;
    enum crypto_hash hash;
    EVP_PKEY *(*load)(const struct x509_key *);
};

static const struct scheme *find_scheme(enum x509_algorithm algorithm, enum x509_key_kind kind)
{
    static const struct scheme schemes[] = {
        [X509_ALGORITHM_OTHER] = {0},
        [X509_ECDSA_SHA256] = {X509_KEY_P256, CRYPTO_SHA256, load_ec_key},
        [X509_ECDSA_SHA384] = {X509_KEY_P384, CRYPTO_SHA384, load_ec_key},
        [X509_PSS_SHA384] = {X509_KEY_RSA, CRYPTO_SHA384, load_rsa_key},
    };
    const struct scheme *scheme = &schemes[algorithm];
    return scheme->load && scheme->kind == kind ? scheme : NULL;
}

static bool set_padding(EVP_PKEY_CTX *context)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, PSS_SALT) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha384()) == 1;
}

int crypto_verify(const struct x509_key *key, const struct x509_signature *signature)
{
    const struct scheme *scheme = find_scheme(signature->algorithm, key->kind);
    EVP_PKEY *loaded = scheme ? scheme->load(key) : NULL;
    if (!loaded)
        return -EINVAL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL; /* belongs to context */
    bool good = context && EVP_DigestVerifyInit(context, &padding, message_digest(scheme->hash),
                                                NULL, loaded) == 1;
    if (good && signature->algorithm == X509_PSS_SHA384)
        good = set_padding(padding);
    struct span message = signature->signed_bytes;
    good = good && EVP_DigestVerify(context, signature->value.data, signature->value.size,
                                    message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(loaded);
    return good ? 0 : -EBADMSG;
}

int crypto_verify_raw(const struct x509_key *key, enum x509_algorithm algorithm,
                      struct span message, struct span signature)
{
    uint8_t buffer[ECDSA_DER_MAX];
    struct der_writer writer = der_writer_of(buffer, sizeof(buffer));
    size_t half = signature.size / 2, mark = der_mark(&writer);
    if (signature.size % 2 != 0)
        return -EINVAL;
    der_put_unsigned(&writer, span_of(signature.data + half, half));
    der_put_unsigned(&writer, span_of(signature.data, half));
    der_close(&writer, DER_SEQUENCE, mark);
    if (writer.overflow)
        return -EINVAL;
    struct x509_signature in_der = {message, algorithm, der_written(&writer)};
    return crypto_verify(key, &in_der);
}
