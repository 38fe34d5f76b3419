// SPDX-License-Identifier: Apache-2.0
/* Planets under gravity: divisions and square roots, all in a few structs. */
#include "bench.h"

enum { BODIES = 5, STEPS = 1500000 };
static struct body {
    double x, y, z, vx, vy, vz, mass;
} bodies[BODIES];

static NOINLINE void advance(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = dt / (square * __builtin_sqrt(square));
            a->vx -= dx * b->mass * pull;
            a->vy -= dy * b->mass * pull;
            a->vz -= dz * b->mass * pull;
            b->vx += dx * a->mass * pull;
            b->vy += dy * a->mass * pull;
            b->vz += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

uint64_t kernel(void)
{
    for (int i = 0; i < BODIES; i++)
        bodies[i] = (struct body){
            i * 3.0, 5.0 - i, 0.25 * i, 0.1 * i, 0.3 - 0.1 * i, 0.01, i == 0 ? 39.5 : 0.02 * i};
    for (int i = 0; i < STEPS; i++)
        advance(0.001);
    return sum_doubles(&bodies[0].x, BODIES * (sizeof *bodies / sizeof(double)));
}
