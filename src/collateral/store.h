/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of collateral: nothing comes into it that no vendor vouches for. Host side. */
#pragma once

#include "base/err.h"
#include "collateral/item.h"

enum { COLLATERAL_CHAIN_MAX = 4 };

/* What a service answered. */
struct collateral_answer {
    struct attest_bytes body;
    struct attest_bytes chain[COLLATERAL_CHAIN_MAX]; /* DER: the certificates of the issuers */
    size_t chain_count;
};

/*
 * Judges an answer as of `time`, with what the directory holds, and puts it into the directory,
 * atomically, beside the intermediate certificates that it needs. The directory is made if it is
 * not there.
 *
 * Fails (ERR_IO) without touching what is there if the answer is not genuine, out of date, about
 * something else than the item, or older than what is there (-ESTALE).
 */
__attribute__((warn_unused_result)) int collateral_store(const char *directory,
                                                         const struct collateral_item *item,
                                                         const struct collateral_answer *answer,
                                                         int64_t time, struct err *err);
