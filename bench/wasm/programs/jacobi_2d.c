// SPDX-License-Identifier: Apache-2.0
/* A five-point stencil, back and forth between two planes, as PolyBench's jacobi-2d. */
#include "bench.h"

enum { N = 400, STEPS = 400 };
static double a[N][N], b[N][N];

static NOINLINE void step(double (*restrict to)[N], const double (*restrict from)[N])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++)
            to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i + 1][j] +
                              from[i - 1][j]);
}

uint64_t kernel(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = ((double)i * (j + 2) + 2) / N;
            b[i][j] = ((double)i * (j + 3) + 3) / N;
        }
    for (int t = 0; t < STEPS; t++) {
        step(b, (const double(*)[N])a);
        step(a, (const double(*)[N])b);
    }
    return sum_doubles(&a[0][0], (size_t)N * N);
}
