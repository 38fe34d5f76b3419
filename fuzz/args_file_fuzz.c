// SPDX-License-Identifier: Apache-2.0
/* Whatever is in a file, each word that comes out is an option. */
#include "steward/args_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct args args;
    struct err err = {0};
    char program[] = "x", word[64];
    char *argv[] = {program, word, NULL};
    int fd = memfd_create("args", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(word, sizeof(word), "@/proc/self/fd/%d", fd);
    if (args_expand(2, argv, &args, &err) == 0) {
        for (int i = 1; i < args.count; i++) {
            if (strncmp(args.words[i], "--", 2) != 0)
                abort();
        }
    }
    args_free(&args);
    close(fd);
    return 0;
}
