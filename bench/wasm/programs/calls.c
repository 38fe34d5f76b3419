// SPDX-License-Identifier: Apache-2.0
/* Small functions that call each other deeply: Ackermann, Fibonacci, Takeuchi. */
#include "bench.h"

static NOINLINE uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static NOINLINE uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static NOINLINE int takeuchi(int x, int y, int z)
{
    return y >= x ? z
                  : takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

uint64_t kernel(void)
{
    uint64_t sum = fibonacci(37);
    for (uint32_t i = 0; i < 60; i++)
        sum = sum * 31 + ackermann(2 + (i & 1), 7);
    return sum * 31 + (uint64_t)takeuchi(18, 12, 6);
}
