// SPDX-License-Identifier: Apache-2.0
/* C := alpha*A*B + beta*C, as PolyBench's gemm. */
#include "bench.h"

enum { N = 440 };
static double a[N][N], b[N][N], c[N][N];

static void fill(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(i * (j + 1) % N) / N;
            b[i][j] = (double)(i * (j + 2) % N) / N;
            c[i][j] = (double)((i * j + 1) % N) / N;
        }
}

static NOINLINE void multiply(double alpha, double beta)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            c[i][j] *= beta;
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++)
                c[i][j] += alpha * a[i][k] * b[k][j];
    }
}

uint64_t kernel(void)
{
    fill();
    for (int round = 0; round < 5; round++)
        multiply(1.5, 0.5);
    return sum_doubles(&c[0][0], (size_t)N * N);
}
