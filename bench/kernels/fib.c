// SPDX-License-Identifier: Apache-2.0
/* Calls: Fibonacci's numbers, the slow way. */
#include "kernel.h"

static __attribute__((noinline)) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint32_t kernel(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < rounds; i++)
        sum += fib(24 + i % 4);
    return sum;
}
