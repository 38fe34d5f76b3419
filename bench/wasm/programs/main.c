// SPDX-License-Identifier: Apache-2.0
/* Runs a kernel once and prints its checksum and how many nanoseconds it took: the time of start
 * and compilation is what the whole process took beyond that. An engine that compiles a function at
 * its first call spends that time in here, as it does for users. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(void)
{
    int64_t began = now();
    uint64_t sum = kernel();
    int64_t took = now() - began;
    printf("%016" PRIx64 " %" PRId64 "\n", sum, took);
    return 0;
}
