// SPDX-License-Identifier: Apache-2.0
/* Floating-point arithmetic in registers: the Mandelbrot set. */
#include "kernel.h"

enum { SIZE = 64, STEPS = 100 };

static uint32_t steps_at(double x, double y)
{
    double re = 0, im = 0;
    uint32_t steps = 0;
    while (steps < STEPS && re * re + im * im < 4) {
        double next = re * re - im * im + x;
        im = 2 * re * im + y;
        re = next;
        steps++;
    }
    return steps;
}

uint32_t kernel(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (int i = 0; i < SIZE; i++) {
            for (int j = 0; j < SIZE; j++)
                sum += steps_at(i * 3.0 / SIZE - 2 - round * 1e-6, j * 3.0 / SIZE - 1.5);
        }
    }
    return sum;
}
