// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose.h"

#include "crypto/public_key.h"

#include "codec/der.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { RSA_BYTES_MIN = 256, RSA_BYTES_MAX = 1024, COORDINATE = 32, ECDSA_DER_MAX = 80 };

struct crypto_jose_key {
    EVP_PKEY *key;
    enum crypto_jose algorithm;
};

const char *crypto_jose_name(enum crypto_jose algorithm)
{
    static const char *const names[] = {"RS256", "ES256", "EdDSA"};
    return names[algorithm];
}

/* Takes the OpenSSL key, also on failure. */
static int wrap(EVP_PKEY *loaded, enum crypto_jose algorithm, struct crypto_jose_key **key)
{
    struct crypto_jose_key *made = loaded ? calloc(1, sizeof(*made)) : NULL;
    ERR_clear_error();
    if (!made) {
        EVP_PKEY_free(loaded);
        return -EINVAL;
    }
    *made = (struct crypto_jose_key){loaded, algorithm};
    *key = made;
    return 0;
}

int crypto_jose_rsa(struct span modulus, struct span exponent, struct crypto_jose_key **key)
{
    if (modulus.size < RSA_BYTES_MIN || modulus.size > RSA_BYTES_MAX || modulus.data[0] < 0x80)
        return -EINVAL;
    return wrap(public_key_rsa(modulus, exponent), CRYPTO_RS256, key);
}

int crypto_jose_p256(struct span x, struct span y, struct crypto_jose_key **key)
{
    uint8_t point[1 + 2 * COORDINATE] = {0x04};
    if (x.size != COORDINATE || y.size != COORDINATE)
        return -EINVAL;
    memcpy(point + 1, x.data, COORDINATE);
    memcpy(point + 1 + COORDINATE, y.data, COORDINATE);
    return wrap(public_key_ec("P-256", span_of(point, sizeof(point))), CRYPTO_ES256, key);
}

int crypto_jose_ed25519(struct span x, struct crypto_jose_key **key)
{
    if (x.size != COORDINATE)
        return -EINVAL;
    EVP_PKEY *loaded = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.data, x.size);
    return wrap(loaded, CRYPTO_EDDSA, key);
}

void crypto_jose_key_free(struct crypto_jose_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    free(key);
}

enum crypto_jose crypto_jose_key_algorithm(const struct crypto_jose_key *key)
{
    return key->algorithm;
}

int crypto_jose_verify(const struct crypto_jose_key *key, struct span message,
                       struct span signature)
{
    uint8_t buffer[ECDSA_DER_MAX];
    if (key->algorithm == CRYPTO_ES256) {
        if (signature.size != 2 * COORDINATE)
            return -EBADMSG;
        struct der_writer writer = der_writer_of(buffer, sizeof(buffer));
        size_t mark = der_mark(&writer);
        der_put_unsigned(&writer, span_of(signature.data + COORDINATE, COORDINATE));
        der_put_unsigned(&writer, span_of(signature.data, COORDINATE));
        der_close(&writer, DER_SEQUENCE, mark);
        signature = der_written(&writer);
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = key->algorithm == CRYPTO_EDDSA ? NULL : EVP_sha256();
    /* The preset padding of RSA is that of PKCS #1 v1.5, which RS256 is. */
    bool good =
        context && EVP_DigestVerifyInit(context, NULL, hash, NULL, key->key) == 1 &&
        EVP_DigestVerify(context, signature.data, signature.size, message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good ? 0 : -EBADMSG;
}
