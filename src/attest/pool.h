/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that may vouch for something in one verification: what the evidence carries, what the
 * caller gave, and the vendors' intermediate certificates that are compiled in. Nothing in a pool
 * is trusted; roots are apart (chain.h). Internal.
 */
#pragma once

#include "attest/verdict.h"

enum { POOL_MAX = ATTEST_COLLATERAL_MAX + 128 };

enum pool_kind {
    POOL_UNKNOWN,
    POOL_CERTIFICATE,
    POOL_CRL,
    POOL_TCB_INFO, /* JSON whose first member is tcbInfo */
    POOL_IDENTITY, /* JSON whose first member is enclaveIdentity */
};

struct pool {
    struct span items[POOL_MAX];
    uint8_t kinds[POOL_MAX]; /* enum pool_kind */
    size_t count;
};

/* What bytes seem to be. Cheap: they are parsed when they are used. */
enum pool_kind pool_classify(struct span bytes);

/* Adds an item if it is of a known kind and there is room; whether it was added. */
bool pool_add(struct pool *pool, struct span bytes);

/* The next item of a kind at or behind *cursor, which begins at 0; false at the end. */
bool pool_next(const struct pool *pool, enum pool_kind kind, size_t *cursor, struct span *bytes);
