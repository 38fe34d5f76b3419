// SPDX-License-Identifier: Apache-2.0
/* All shortest paths, as PolyBench's floyd-warshall. */
#include "bench.h"

enum { N = 500 };
static int path[N][N];

static NOINLINE void shorten(void)
{
    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                path[i][j] =
                    path[i][j] < path[i][k] + path[k][j] ? path[i][j] : path[i][k] + path[k][j];
}

uint64_t kernel(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            path[i][j] = (i + j) % 13 == 0 || (i + j) % 7 == 0 ? 999 : i * j % 7 + 1;
    shorten();
    return sum_bytes(1, path, sizeof path);
}
