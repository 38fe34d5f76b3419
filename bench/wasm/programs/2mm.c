// SPDX-License-Identifier: Apache-2.0
/* D := alpha*A*B*C + beta*D by inner products, as PolyBench's 2mm: the inner loop walks a column.
 */
#include "bench.h"

enum { N = 300 };
static double a[N][N], b[N][N], c[N][N], d[N][N], product[N][N];

static NOINLINE void multiply(double alpha, double beta)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            product[i][j] = 0;
            for (int k = 0; k < N; k++)
                product[i][j] += alpha * a[i][k] * b[k][j];
        }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            d[i][j] *= beta;
            for (int k = 0; k < N; k++)
                d[i][j] += product[i][k] * c[k][j];
        }
}

uint64_t kernel(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i * j + 1) % N) / N;
            b[i][j] = (double)(i * (j + 1) % N) / N;
            c[i][j] = (double)((i * (j + 3) + 1) % N) / N;
            d[i][j] = (double)(i * (j + 2) % N) / N;
        }
    for (int round = 0; round < 5; round++)
        multiply(1.5, 0.001);
    return sum_doubles(&d[0][0], (size_t)N * N);
}
