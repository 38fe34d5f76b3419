// SPDX-License-Identifier: Apache-2.0
#include "crypto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

static EVP_PKEY *key_from(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    return key;
}

EVP_PKEY *public_key_rsa(struct span modulus, struct span exponent)
{
    static const uint8_t usual[] = {0x01, 0x00, 0x01};
    if (modulus.size > INT32_MAX || !span_equal(exponent, span_of(usual, sizeof(usual))))
        return NULL;
    EVP_PKEY *loaded = NULL;
    OSSL_PARAM *params = NULL;
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.size, NULL);
    BIGNUM *e = BN_bin2bn(usual, sizeof(usual), NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (n && e && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params)
        loaded = key_from("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return loaded;
}

EVP_PKEY *public_key_ec(const char *curve, struct span point)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point.data, point.size),
        OSSL_PARAM_construct_end(),
    };
    return key_from("EC", params);
}
