// SPDX-License-Identifier: Apache-2.0
/* Kernels in vector types, which the compiler lowers to SSE or to WebAssembly's SIMD (-msimd128):
 * a saturating blend of pixels, a dot product, a byte search, and a 4x4 transformation. */
#include "bench.h"

enum { PIXELS = 1 << 16, POINTS = 1 << 13, ROUNDS = 5000 };

typedef uint8_t bytes __attribute__((vector_size(16)));
typedef uint16_t words __attribute__((vector_size(16)));
typedef float floats __attribute__((vector_size(16)));

static bytes above[PIXELS / 16], below[PIXELS / 16];
static floats points[POINTS], matrix[4];

static NOINLINE void blend(void)
{
    const words low = {255, 255, 255, 255, 255, 255, 255, 255};
    for (int i = 0; i < PIXELS / 16; i++) {
        words a = (words)above[i], b = (words)below[i];
        words even = ((a & low) * 77 + (b & low) * 179) >> 8;
        words odd = (a >> 8) * 77 + (b >> 8) * 179;
        below[i] = (bytes)(even | (odd & ~low));
    }
}

static NOINLINE floats dot(void)
{
    floats sum = {0};
    for (int i = 0; i < POINTS; i++)
        sum += points[i] * points[POINTS - 1 - i];
    return sum;
}

static NOINLINE void transform(void)
{
    for (int i = 0; i < POINTS; i++) {
        floats p = points[i];
        floats x = {p[0], p[0], p[0], p[0]}, y = {p[1], p[1], p[1], p[1]};
        floats z = {p[2], p[2], p[2], p[2]}, w = {p[3], p[3], p[3], p[3]};
        points[i] = x * matrix[0] + y * matrix[1] + z * matrix[2] + w * matrix[3];
    }
}

static NOINLINE bytes search(uint8_t wanted)
{
    bytes all = {0}, count = {0};
    bytes key = all + wanted;
    for (int i = 0; i < PIXELS / 16; i++)
        count -= (bytes)(below[i] == key);
    return count;
}

uint64_t kernel(void)
{
    uint64_t random = 17, sum = 1;
    for (int i = 0; i < PIXELS / 16; i++)
        for (int j = 0; j < 16; j++) {
            above[i][j] = (uint8_t)next_random(&random);
            below[i][j] = (uint8_t)next_random(&random);
        }
    for (int i = 0; i < POINTS; i++)
        for (int j = 0; j < 4; j++)
            points[i][j] = (float)(next_random(&random) % 1000) / 1000;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            matrix[i][j] = __builtin_parity((unsigned)(i & j)) ? -0.5f : 0.5f; /* keeps lengths */
    for (int round = 0; round < ROUNDS; round++) {
        blend();
        transform();
        floats product = dot();
        bytes found = search((uint8_t)round);
        sum = sum_bytes(sum, &product, sizeof product);
        sum = sum_bytes(sum, &found, sizeof found);
    }
    return sum;
}
