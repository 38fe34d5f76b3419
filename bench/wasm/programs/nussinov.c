// SPDX-License-Identifier: Apache-2.0
/* The best pairing of an RNA sequence by dynamic programming, as PolyBench's nussinov. */
#include "bench.h"

enum { N = 700 };
static int table[N][N];
static int8_t sequence[N];

static int larger(int a, int b)
{
    return a >= b ? a : b;
}

static NOINLINE void pair(void)
{
    for (int i = N - 1; i >= 0; i--)
        for (int j = i + 1; j < N; j++) {
            table[i][j] = larger(table[i][j], table[i][j - 1]);
            if (i + 1 < N)
                table[i][j] = larger(table[i][j], table[i + 1][j]);
            if (i + 1 < N && i < j - 1)
                table[i][j] =
                    larger(table[i][j], table[i + 1][j - 1] + (sequence[i] + sequence[j] == 3));
            else if (i + 1 < N)
                table[i][j] = larger(table[i][j], table[i + 1][j - 1]);
            for (int k = i + 1; k < j; k++)
                table[i][j] = larger(table[i][j], table[i][k] + table[k + 1][j]);
        }
}

uint64_t kernel(void)
{
    uint64_t sum = 1;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < N; i++)
            sequence[i] = (int8_t)((i + 1 + round) * (i + 3) % 7 % 4);
        __builtin_memset(table, 0, sizeof table);
        pair();
        sum = sum_bytes(sum, table, sizeof table);
    }
    return sum;
}
