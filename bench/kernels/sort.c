// SPDX-License-Identifier: Apache-2.0
/* Branches that cannot be foretold: Shell's sort. */
#include "kernel.h"

enum { COUNT = 10000 };

static uint32_t numbers[COUNT];

static void sort(void)
{
    for (uint32_t gap = COUNT / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (uint32_t i = gap; i < COUNT; i++) {
            uint32_t value = numbers[i], j = i;
            for (; j >= gap && numbers[j - gap] > value; j -= gap)
                numbers[j] = numbers[j - gap];
            numbers[j] = value;
        }
    }
}

uint32_t kernel(uint32_t rounds)
{
    uint32_t seed = 1, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < COUNT; i++)
            numbers[i] = seed = seed * 1664525 + 1013904223;
        sort();
        sum += numbers[round % COUNT];
    }
    return sum;
}
