// SPDX-License-Identifier: Apache-2.0
#include "crypto/sign_internal.h"

#include "crypto/signer.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static enum x509_key_kind kind_of(const EVP_PKEY *pair)
{
    char group[32] = "";
    EVP_PKEY_get_utf8_string_param(pair, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
    if (strcmp(group, "prime256v1") == 0)
        return X509_KEY_P256;
    return strcmp(group, "secp384r1") == 0 ? X509_KEY_P384 : X509_KEY_OTHER;
}

int crypto_signer_wrap(EVP_PKEY *pair, struct crypto_signer **signer)
{
    struct crypto_signer *made = pair ? calloc(1, sizeof(*made)) : NULL;
    unsigned char *info = NULL;
    int size = made ? i2d_PUBKEY(pair, &info) : -1;
    if (size <= 0 || size > CRYPTO_KEY_INFO_MAX || kind_of(pair) == X509_KEY_OTHER) {
        OPENSSL_free(info);
        EVP_PKEY_free(pair);
        free(made);
        return -EINVAL;
    }
    memcpy(made->info, info, (size_t)size);
    OPENSSL_free(info);
    made->info_size = (size_t)size;
    made->pair = pair;
    made->kind = kind_of(pair);
    *signer = made;
    return 0;
}

int crypto_signer_generate(enum x509_key_kind curve, struct crypto_signer **signer)
{
    EVP_PKEY *pair = EVP_EC_gen(curve == X509_KEY_P384 ? "P-384" : "P-256");
    return crypto_signer_wrap(pair, signer) < 0 ? -ENOMEM : 0;
}

/* A key that is encrypted is not asked a password for. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

int crypto_signer_read(struct span text, struct crypto_signer **signer)
{
    BIO *bio = text.size <= INT32_MAX ? BIO_new_mem_buf(text.data, (int)text.size) : NULL;
    EVP_PKEY *pair = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    const unsigned char *der = text.data;
    if (bio && !pair)
        pair = d2i_AutoPrivateKey(NULL, &der, (long)text.size);
    BIO_free(bio);
    return crypto_signer_wrap(pair, signer);
}

void crypto_signer_free(struct crypto_signer *signer)
{
    if (!signer)
        return;
    EVP_PKEY_free(signer->pair); /* which wipes the private key */
    free(signer);
}

enum x509_key_kind crypto_signer_kind(const struct crypto_signer *signer)
{
    return signer->kind;
}

struct span crypto_signer_info(const struct crypto_signer *signer)
{
    return span_of(signer->info, signer->info_size);
}

int crypto_sign(const struct crypto_signer *signer, struct span message,
                uint8_t signature[CRYPTO_SIGNATURE_MAX], size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = signer->kind == X509_KEY_P384 ? EVP_sha384() : EVP_sha256();
    *size = CRYPTO_SIGNATURE_MAX;
    bool good = context && EVP_DigestSignInit(context, NULL, hash, NULL, signer->pair) == 1 &&
                EVP_DigestSign(context, signature, size, message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    return good ? 0 : -ENOMEM;
}

int crypto_random(uint8_t *bytes, size_t size)
{
    return size <= INT32_MAX && RAND_bytes(bytes, (int)size) == 1 ? 0 : -EIO;
}
