/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenID provider's keys: fetched by a thread of their own at the start, every few minutes, and
 * when a token names a key that is not known. Any thread may ask.
 */
#pragma once

#include "base/err.h"
#include "crypto/tls.h"
#include "jose/jwk.h"

struct provider;

struct provider_config {
    const char *issuer;             /* a URL; http only for this machine; copied */
    struct crypto_tls_config trust; /* whom to believe; used at once */
};

/* A key set with users; provider_keys_release gives it back. */
struct provider_keys {
    struct jwk_set set;
    unsigned users; /* internal */
};

/* Makes one and begins to fetch. 0 or -errno. */
__attribute__((warn_unused_result)) int provider_new(const struct provider_config *config,
                                                     struct provider **provider, struct err *err);
void provider_free(struct provider *provider);

/* Whether an issuer's URL may be used. ERR_CONFIG. */
__attribute__((warn_unused_result)) int provider_check_issuer(const char *issuer, struct err *err);

/* Grows when there are other keys. */
unsigned provider_generation(const struct provider *provider);
/* The keys as they are now; NULL if none could be fetched yet. */
struct provider_keys *provider_keys(struct provider *provider);
/* The same after the keys were fetched again, if that was not done just before; waits for it, but
 * not long. */
struct provider_keys *provider_fresh_keys(struct provider *provider);
void provider_keys_release(struct provider *provider, struct provider_keys *keys);

struct provider_stats {
    uint64_t fetched, failed;
    int64_t last; /* seconds since 1970 of the last that was fetched; 0: never */
};
struct provider_stats provider_stats(struct provider *provider);
