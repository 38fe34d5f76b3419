/* SPDX-License-Identifier: Apache-2.0 */
/* What a private key is to the files of src/crypto. Internal. */
#pragma once

#include "crypto/sign.h"

#include <openssl/evp.h>

struct crypto_signer {
    EVP_PKEY *pair;
    enum x509_key_kind kind;
    uint8_t info[CRYPTO_KEY_INFO_MAX];
    size_t info_size;
};
