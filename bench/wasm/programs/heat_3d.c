// SPDX-License-Identifier: Apache-2.0
/* Heat in a cube, as PolyBench's heat-3d. */
#include "bench.h"

enum { N = 64, STEPS = 160 };
static double a[N][N][N], b[N][N][N];

static NOINLINE void step(double (*restrict to)[N][N], const double (*restrict from)[N][N])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++)
            for (int k = 1; k < N - 1; k++) {
                double here = from[i][j][k];
                to[i][j][k] = 0.125 * (from[i + 1][j][k] - 2.0 * here + from[i - 1][j][k]) +
                              0.125 * (from[i][j + 1][k] - 2.0 * here + from[i][j - 1][k]) +
                              0.125 * (from[i][j][k + 1] - 2.0 * here + from[i][j][k - 1]) + here;
            }
}

uint64_t kernel(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++)
                a[i][j][k] = b[i][j][k] = (double)(i + j + (N - k)) * 10 / N;
    for (int t = 0; t < STEPS; t++) {
        step(b, (const double(*)[N][N])a);
        step(a, (const double(*)[N][N])b);
    }
    return sum_doubles(&a[0][0][0], (size_t)N * N * N);
}
