/* SPDX-License-Identifier: Apache-2.0 */
/* What makes signers of OpenSSL's keys. Internal to src/crypto. */
#pragma once

#include "crypto/sign.h"

#include <openssl/evp.h>

/* Takes the pair, also on failure. -EINVAL for NULL, and for keys that are not on P-256 or P-384.
 */
__attribute__((warn_unused_result)) int crypto_signer_wrap(EVP_PKEY *pair,
                                                           struct crypto_signer **signer);
