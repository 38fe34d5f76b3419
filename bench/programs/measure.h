/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that measure themselves, on Linux and in Keeps: lines of "name nanoseconds". */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static inline double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static inline void report(const char *name, double nanoseconds)
{
    printf("%s %.2f\n", name, nanoseconds);
}

static inline unsigned char *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

/* The best of some repetitions of a function, in nanoseconds. */
static inline double best_of(int repetitions, void (*work)(void))
{
    double best = 0;
    for (int i = 0; i < repetitions; i++) {
        double began = now();
        work();
        double took = now() - began;
        best = i == 0 || took < best ? took : best;
    }
    return best;
}
