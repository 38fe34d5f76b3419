// SPDX-License-Identifier: Apache-2.0
/* A hash table with open addressing and strings as keys: counts words, then looks all of them up.
 */
#include "bench.h"

#include <string.h>

enum { SLOTS = 1 << 16, WORDS = 40000, LENGTH = 12, ROUNDS = 60 };
static char words[WORDS][LENGTH];
static struct slot {
    const char *key;
    uint32_t hash, count;
} slots[SLOTS];

static uint32_t hash_of(const char *word)
{
    uint32_t hash = 2166136261u;
    for (; *word; word++)
        hash = (hash ^ (uint8_t)*word) * 16777619u;
    return hash;
}

static NOINLINE struct slot *find(const char *word)
{
    uint32_t hash = hash_of(word);
    for (uint32_t at = hash;; at++) {
        struct slot *slot = &slots[at % SLOTS];
        if (!slot->key || (slot->hash == hash && strcmp(slot->key, word) == 0)) {
            slot->hash = hash;
            return slot;
        }
    }
}

uint64_t kernel(void)
{
    uint64_t random = 5, sum = 0;
    for (int i = 0; i < WORDS; i++) {
        uint32_t length = 3 + next_random(&random) % (LENGTH - 4);
        for (uint32_t j = 0; j < length; j++)
            words[i][j] = (char)('a' + next_random(&random) % 26);
    }
    for (int round = 0; round < ROUNDS; round++) {
        memset(slots, 0, sizeof slots);
        for (int i = 0; i < WORDS; i++) {
            struct slot *slot = find(words[i]);
            slot->key = words[i];
            slot->count += (uint32_t)round + 1;
        }
        for (int i = 0; i < WORDS; i++)
            sum = sum * 33 + find(words[i * 7 % WORDS])->count;
    }
    return sum;
}
