// SPDX-License-Identifier: Apache-2.0
/*
 * Nanoseconds a page of 4 KiB that is touched for the first time: in many small mappings, in one of
 * 64 MiB; each on memory that the Keep has never used, and on memory that it has given back before.
 */
#include "measure.h"

enum { PAGE = 4096, SMALL = 64 << 10, SMALL_COUNT = 128, LARGE = 64 << 20 };

static unsigned char *small[SMALL_COUNT];

static void touch(unsigned char *memory, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE)
        ((volatile unsigned char *)memory)[at] = 1;
}

static void small_mappings(const char *name)
{
    double began = now();
    for (int i = 0; i < SMALL_COUNT; i++) {
        small[i] = map(SMALL);
        touch(small[i], SMALL);
    }
    report(name, (now() - began) / (SMALL_COUNT * (SMALL / PAGE)));
    for (int i = 0; i < SMALL_COUNT; i++)
        munmap(small[i], SMALL);
}

static void large_mapping(const char *name)
{
    double began = now();
    unsigned char *memory = map(LARGE);
    touch(memory, LARGE);
    report(name, (now() - began) / (LARGE / PAGE));
    munmap(memory, LARGE);
}

int main(void)
{
    small_mappings("small_fresh");
    small_mappings("small_recycled");
    large_mapping("large_fresh");
    large_mapping("large_recycled");
    return 0;
}
