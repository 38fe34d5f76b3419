// SPDX-License-Identifier: Apache-2.0
#include "steward/limiter.h"
#include "tap.h"

enum { SECOND = 1000 * 1000 };

static struct limiter limiter;
static const uint8_t one[LIMITER_CLIENT_SIZE] = {1}, two[LIMITER_CLIENT_SIZE] = {2};

TEST(bucket, "a client would get more, or less, than its share")
{
    const struct limiter_rule rule = {.per_minute = 60, .burst = 3};
    int64_t now = 1000 * (int64_t)SECOND;
    CHECK(limiter_init(&limiter) == 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(limiter_take(&limiter, &rule, one, 1, now), 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, now), 1);
    CHECK_INT(limiter_take(&limiter, &rule, two, 1, now), 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, now + SECOND - 1), 1);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, now + SECOND), 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, now + SECOND), 1);
    /* After a long time there are three again, not more. */
    now += 1000 * (int64_t)SECOND;
    for (int i = 0; i < 3; i++)
        CHECK_INT(limiter_take(&limiter, &rule, one, 1, now), 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, now), 1);
}

TEST(debt, "a bundle that is larger than the burst would never pass, or pass for the price of one")
{
    const struct limiter_rule rule = {.per_minute = 60, .burst = 3};
    CHECK(limiter_init(&limiter) == 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 10, SECOND), 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, SECOND), 8);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, 9 * SECOND), 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1, 9 * SECOND), 1);
}

TEST(none, "per_minute = 0 would lock everybody out")
{
    const struct limiter_rule rule = {.burst = 1};
    CHECK(limiter_init(&limiter) == 0);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(limiter_take(&limiter, &rule, one, 1024, 5), 0);
    const struct limiter_rule fast = {.per_minute = UINT32_MAX, .burst = UINT32_MAX};
    for (int i = 0; i < 1000; i++)
        CHECK_INT(limiter_take(&limiter, &fast, one, 1024, 5), 0);
}

TEST(flood, "many addresses would lock others out, or free the one that asks too much")
{
    const struct limiter_rule rule = {.per_minute = 1, .burst = 2};
    CHECK(limiter_init(&limiter) == 0);
    CHECK_INT(limiter_take(&limiter, &rule, one, 1000, SECOND), 0);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t client[LIMITER_CLIENT_SIZE] = {9, 9};
        memcpy(client + 4, &i, sizeof(i));
        CHECK_INT(limiter_take(&limiter, &rule, client, 1, SECOND), 0);
    }
    CHECK(limiter_take(&limiter, &rule, one, 1, SECOND) > 0);
    CHECK_INT(limiter_take(&limiter, &rule, two, 1, SECOND), 0);
}

TAP_MAIN()
