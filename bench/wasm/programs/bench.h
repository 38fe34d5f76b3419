/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of the corpus have in common: a kernel that main.c times, and a checksum that
 * depends on all of its work. No libc but memory and string functions. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Does the work and returns its checksum: the same on each machine and by each engine. */
uint64_t kernel(void);

#define NOINLINE __attribute__((noinline))

/* The next number of a sequence that only depends on the state's first value. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* FNV-1a over bytes, to be continued from an earlier sum. */
static inline uint64_t sum_bytes(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

/* The bit patterns of doubles, so that a difference in the last place shows. */
static inline uint64_t sum_doubles(const double *values, size_t count)
{
    const uint8_t *bytes = (const uint8_t *)values;
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count * sizeof *values; i += 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes + i, sizeof word);
        sum = (sum ^ word) * 0x100000001b3u;
    }
    return sum;
}
