// SPDX-License-Identifier: Apache-2.0
/* Nanoseconds a system call: one that the shim answers by itself, and writes that travel to the
 * host. Descriptor 0 has to be /dev/null, open for writing. */
#include "measure.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { CALLS = 300, REPETITIONS = 7 };

static unsigned char buffer[65536];
static size_t size;

static void null_calls(void)
{
    for (int i = 0; i < CALLS; i++)
        syscall(SYS_getppid);
}

static void writes(void)
{
    for (int i = 0; i < CALLS; i++) {
        if (write(0, buffer, size) != (ssize_t)size) {
            perror("write");
            exit(1);
        }
    }
}

int main(void)
{
    memset(buffer, 1, sizeof(buffer));
    report("null", best_of(REPETITIONS, null_calls) / CALLS);
    static const struct {
        const char *name;
        size_t size;
    } sizes[] = {{"write_1", 1}, {"write_1k", 1024}, {"write_64k", 65536}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size = sizes[i].size;
        report(sizes[i].name, best_of(REPETITIONS, writes) / CALLS);
    }
    return 0;
}
