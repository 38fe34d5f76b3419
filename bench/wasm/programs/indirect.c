// SPDX-License-Identifier: Apache-2.0
/* Calls through function pointers that no compiler can guess: closures over a table of operators.
 */
#include "bench.h"

enum { NODES = 4096, ROUNDS = 4000 };

struct shape;
typedef uint32_t (*method)(const struct shape *, uint32_t);

struct shape {
    method area;
    uint32_t width, height;
};

static struct shape shapes[NODES];

static uint32_t rectangle(const struct shape *shape, uint32_t sum)
{
    return sum + shape->width * shape->height;
}

static uint32_t triangle(const struct shape *shape, uint32_t sum)
{
    return sum ^ shape->width * shape->height >> 1;
}

static uint32_t square(const struct shape *shape, uint32_t sum)
{
    return sum - shape->width * shape->width;
}

static uint32_t line(const struct shape *shape, uint32_t sum)
{
    return (sum << 1 | sum >> 31) + shape->height;
}

static NOINLINE uint32_t walk(uint32_t sum)
{
    for (int i = 0; i < NODES; i++)
        sum = shapes[i].area(&shapes[i], sum);
    return sum;
}

uint64_t kernel(void)
{
    static const method methods[] = {rectangle, triangle, square, line};
    uint64_t random = 9;
    for (int i = 0; i < NODES; i++)
        shapes[i] = (struct shape){methods[i % 16 * 5 % 7 % 4], next_random(&random) % 1000,
                                   next_random(&random) % 1000};
    uint32_t sum = 0;
    for (int round = 0; round < ROUNDS; round++)
        sum = walk(sum);
    return sum;
}
