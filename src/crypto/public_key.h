/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of OpenSSL from their numbers, for the files of src/crypto. Internal. */
#pragma once

#include "base/span.h"

#include <openssl/evp.h>

/* The exponent has to be 65537. Owned; NULL if the key is not one, or without memory. */
EVP_PKEY *public_key_rsa(struct span modulus, struct span exponent);
/* `curve`: "P-256" or "P-384"; the point uncompressed. Likewise; it has to be on the curve. */
EVP_PKEY *public_key_ec(const char *curve, struct span point);
