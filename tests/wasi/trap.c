/* SPDX-License-Identifier: Apache-2.0 */
/* Ends in the way that the argument names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int zero;

__attribute__((noinline)) static int recurse(int depth)
{
    volatile char space[64];
    space[0] = (char)depth;
    return zero ? depth : recurse(depth + 1) + space[0];
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    if (strcmp(way, "abort") == 0)
        abort();
    if (strcmp(way, "divide") == 0)
        return argc * 1000 / zero;
    if (strcmp(way, "wild") == 0)
        return *(volatile int *)0xfffffff0u;
    if (strcmp(way, "recurse") == 0)
        return recurse(0);
    exit(atoi(way));
}
