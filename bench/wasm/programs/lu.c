// SPDX-License-Identifier: Apache-2.0
/* LU decomposition without pivoting, as PolyBench's lu. */
#include "bench.h"

enum { N = 380 };
static double a[N][N];

static NOINLINE void decompose(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[k][j];
            a[i][j] /= a[j][j];
        }
        for (int j = i; j < N; j++)
            for (int k = 0; k < i; k++)
                a[i][j] -= a[i][k] * a[k][j];
    }
}

uint64_t kernel(void)
{
    uint64_t sum = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                a[i][j] = i == j ? N + round : (double)((i + 2 * j) % N) / N;
        decompose();
        sum += sum_doubles(&a[0][0], (size_t)N * N);
    }
    return sum;
}
