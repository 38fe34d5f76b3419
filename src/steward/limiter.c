// SPDX-License-Identifier: Apache-2.0
#include "steward/limiter.h"

#include "crypto/crypto.h"
#include "crypto/sign.h"

#include <string.h>

enum { MINUTE = 60 * 1000 * 1000, SECOND = 1000 * 1000 };

int limiter_init(struct limiter *limiter)
{
    *limiter = (struct limiter){0};
    return crypto_random(limiter->secret, sizeof(limiter->secret));
}

static size_t find_set(const struct limiter *limiter, const uint8_t client[LIMITER_CLIENT_SIZE])
{
    uint8_t hash[CRYPTO_SHA256_SIZE] = {0};
    const struct span parts[] = {span_of(limiter->secret, sizeof(limiter->secret)),
                                 span_of(client, LIMITER_CLIENT_SIZE)};
    if (crypto_hash(CRYPTO_SHA256, parts, 2, hash) < 0)
        return 0; /* one set for all is small, but right */
    return (hash[0] | (size_t)hash[1] << 8) % LIMITER_SETS;
}

/* The entry of a client; a new one takes the place of the one that is full first. */
static struct limiter_entry *find_entry(struct limiter *limiter,
                                        const uint8_t client[LIMITER_CLIENT_SIZE])
{
    struct limiter_entry *set = limiter->entries[find_set(limiter, client)], *oldest = set;
    for (size_t i = 0; i < LIMITER_WAYS; i++) {
        if (memcmp(set[i].client, client, LIMITER_CLIENT_SIZE) == 0)
            return &set[i];
        if (set[i].full_at < oldest->full_at)
            oldest = &set[i];
    }
    memcpy(oldest->client, client, LIMITER_CLIENT_SIZE);
    oldest->full_at = 0;
    return oldest;
}

unsigned limiter_take(struct limiter *limiter, const struct limiter_rule *rule,
                      const uint8_t client[LIMITER_CLIENT_SIZE], size_t cost, int64_t now)
{
    if (rule->per_minute == 0)
        return 0;
    struct limiter_entry *entry = find_entry(limiter, client);
    int64_t token = MINUTE / rule->per_minute; /* the time that makes one */
    if (token == 0)
        token = 1;
    int64_t from = entry->full_at > now ? entry->full_at : now;
    int64_t wait = from - now - token * ((int64_t)rule->burst - 1);
    if (wait > 0)
        return (unsigned)((wait + SECOND - 1) / SECOND);
    entry->full_at = from + token * (int64_t)cost;
    return 0;
}
