// SPDX-License-Identifier: Apache-2.0
/* Floating-point sums: the product of two matrices. */
#include "kernel.h"

enum { N = 64 };

static double a[N][N], b[N][N], c[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    }
}

uint32_t kernel(uint32_t rounds)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = i * 0.5 + j;
            b[i][j] = i - j * 0.25;
        }
    }
    double sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        a[round % N][0] += 1;
        multiply();
        sum += c[round % N][N / 2];
    }
    return (uint32_t)(int64_t)(sum / 1000);
}
