/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each client may ask: a bucket of tokens for each, in a table of fixed size. Host side;
 * no I/O; time is a parameter.
 *
 * A bucket holds `burst` tokens at most and gets `per_minute` of them in a minute. Whoever has one
 * may ask, and what he asks for is taken, all of it: who asks for much at once is in debt then.
 *
 * When the table is full, the client is forgotten who would have a full bucket first. So a flood of
 * addresses frees others of limits, and never puts limits on them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { LIMITER_CLIENT_SIZE = 16, LIMITER_SETS = 512, LIMITER_WAYS = 8 };

struct limiter_rule {
    uint32_t per_minute; /* 0: no limit */
    uint32_t burst;      /* from 1 */
};

struct limiter {
    uint8_t secret[16]; /* so that nobody can choose addresses that share a set */
    struct limiter_entry {
        uint8_t client[LIMITER_CLIENT_SIZE];
        int64_t full_at; /* microseconds: when the bucket will be full */
    } entries[LIMITER_SETS][LIMITER_WAYS];
};

/* 0 or -EIO. */
__attribute__((warn_unused_result)) int limiter_init(struct limiter *limiter);

/* Takes `cost` tokens of a client at a time in microseconds of a clock that never goes back. 0, or
 * the seconds, from 1, after which there will be a token. */
unsigned limiter_take(struct limiter *limiter, const struct limiter_rule *rule,
                      const uint8_t client[LIMITER_CLIENT_SIZE], size_t cost, int64_t now);
