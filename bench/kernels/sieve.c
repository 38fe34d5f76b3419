// SPDX-License-Identifier: Apache-2.0
/* Stores with a stride: the sieve of Eratosthenes. */
#include "kernel.h"

enum { LIMIT = 100000 };

static uint8_t composite[LIMIT];

static uint32_t count_primes(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < LIMIT; i++)
        composite[i] = 0;
    for (uint32_t i = 2; i < LIMIT; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t j = 2 * i; j < LIMIT; j += i)
            composite[j] = 1;
    }
    return count;
}

uint32_t kernel(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < rounds; i++)
        sum += count_primes() + i;
    return sum;
}
