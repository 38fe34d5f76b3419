// SPDX-License-Identifier: Apache-2.0
/* Keys behind PKCS#11. Engines are deprecated, but what Debian 12 has. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sign_internal.h"

#include <errno.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/store.h>

/* By a provider that knows the scheme of the URI. */
static EVP_PKEY *find_in_store(const char *uri)
{
    EVP_PKEY *pair = NULL;
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    if (!store)
        return NULL;
    while (!pair && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            pair = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    return pair;
}

static EVP_PKEY *find_by_engine(const char *uri)
{
    ENGINE *engine = ENGINE_by_id("pkcs11");
    if (!engine)
        return NULL;
    EVP_PKEY *pair = NULL;
    /* It would repeat URIs on stderr, with the PIN. */
    if (ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0) && ENGINE_init(engine)) {
        pair = ENGINE_load_private_key(engine, uri, NULL, NULL);
        ENGINE_finish(engine); /* the key has a reference of its own */
    }
    ENGINE_free(engine);
    return pair;
}

int crypto_signer_open(const char *uri, struct crypto_signer **signer)
{
    EVP_PKEY *pair = find_in_store(uri);
    if (!pair)
        pair = find_by_engine(uri);
    ERR_clear_error();
    return pair ? crypto_signer_wrap(pair, signer) : -ENOENT;
}
