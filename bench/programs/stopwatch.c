// SPDX-License-Identifier: Apache-2.0
/*
 * stopwatch FILE COMMAND…: runs a command and writes to the file how long it took from before fork
 * to after its end in nanoseconds, its peak of resident memory in KiB, and its wait status. A
 * program of its own, and a small one, because a child's peak memory counts that of its parent
 * before exec.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int64_t began = now();
    pid_t child = fork();
    if (child == 0) {
        execv(argv[2], argv + 2);
        _exit(127);
    }
    int status = -1;
    struct rusage usage = {0};
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return 1;
    int64_t took = now() - began;
    FILE *file = fopen(argv[1], "w");
    return !file || fprintf(file, "%lld %ld %d\n", (long long)took, usage.ru_maxrss, status) < 0 ||
           fclose(file) != 0;
}
