// SPDX-License-Identifier: Apache-2.0
/* Compresses with a hash chain and back references, packs the bits, unpacks and expands again: the
 * shape of what zlib and lz4 do. */
#include "bench.h"

#include <string.h>

enum { SIZE = 1 << 20, WINDOW = 1 << 15, HASHES = 1 << 14, CHAIN = 16, ROUNDS = 8 };
static uint8_t plain[SIZE], packed[2 * SIZE], expanded[SIZE];
static int32_t heads[HASHES], previous[WINDOW];

struct bits {
    uint8_t *at;
    uint64_t buffer;
    int count;
};

static void put(struct bits *out, uint32_t value, int count)
{
    out->buffer |= (uint64_t)value << out->count;
    out->count += count;
    while (out->count >= 8) {
        *out->at++ = (uint8_t)out->buffer;
        out->buffer >>= 8;
        out->count -= 8;
    }
}

static uint32_t take(struct bits *in, int count)
{
    while (in->count < count) {
        in->buffer |= (uint64_t)*in->at++ << in->count;
        in->count += 8;
    }
    uint32_t value = (uint32_t)in->buffer & ((1u << count) - 1);
    in->buffer >>= count;
    in->count -= count;
    return value;
}

static uint32_t hash_at(int at)
{
    uint32_t word;
    memcpy(&word, plain + at, sizeof word);
    return (word * 2654435761u) >> 18;
}

static int longest(int at, int *distance)
{
    int best = 0, most = SIZE - at < 258 ? SIZE - at : 258;
    int candidate = heads[hash_at(at)];
    for (int tries = CHAIN; tries > 0 && candidate >= 0 && at - candidate < WINDOW; tries--) {
        int length = 0;
        while (length < most && plain[candidate + length] == plain[at + length])
            length++;
        if (length > best) {
            best = length;
            *distance = at - candidate;
        }
        candidate = previous[candidate % WINDOW];
    }
    return best;
}

static void enter(int at)
{
    uint32_t hash = hash_at(at);
    previous[at % WINDOW] = heads[hash];
    heads[hash] = at;
}

static NOINLINE size_t pack(void)
{
    struct bits out = {packed, 0, 0};
    memset(heads, -1, sizeof heads);
    for (int at = 0; at < SIZE;) {
        int distance = 0, length = at + 4 < SIZE ? longest(at, &distance) : 0;
        if (length < 4) {
            length = 1;
            put(&out, plain[at] << 1, 9);
        } else {
            put(&out, (uint32_t)(length - 4) << 1 | 1, 9);
            put(&out, (uint32_t)distance, 15);
        }
        for (int i = 0; i < length && at + i + 4 < SIZE; i++)
            enter(at + i);
        at += length;
    }
    put(&out, 0, 7);
    return (size_t)(out.at - packed);
}

static NOINLINE void expand(void)
{
    struct bits in = {packed, 0, 0};
    for (int at = 0; at < SIZE;) {
        uint32_t symbol = take(&in, 9);
        if (!(symbol & 1)) {
            expanded[at++] = (uint8_t)(symbol >> 1);
            continue;
        }
        int length = (int)(symbol >> 1) + 4, distance = (int)take(&in, 15);
        for (; length > 0; length--, at++)
            expanded[at] = expanded[at - distance];
    }
}

uint64_t kernel(void)
{
    uint64_t random = 13, sum = 0;
    for (int i = 0; i < SIZE;) {
        uint32_t copy = i > 1000 ? next_random(&random) % 24 : 0;
        uint32_t from = i > 1000 ? (uint32_t)i - 1 - next_random(&random) % 900 : 0;
        if (copy > 5)
            for (; copy > 0 && i < SIZE; copy--)
                plain[i++] = plain[from++];
        else
            plain[i++] = (uint8_t)("etaoin shrdlu"[next_random(&random) % 13]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        plain[round * 1000] ^= 1;
        sum = sum * 31 + pack();
        expand();
        sum = sum * 2 + (memcmp(plain, expanded, SIZE) == 0);
    }
    return sum_bytes(sum, expanded, SIZE);
}
