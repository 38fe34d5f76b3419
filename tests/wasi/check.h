/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that run inside of WASI: the first thing that is wrong ends them with status 1. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (errno: %s)\n", __FILE_NAME__, __LINE__, #condition,        \
                    strerror(errno));                                                              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The call fails with this errno. */
#define CHECK_ERRNO(call, code) CHECK((errno = 0, (call) == -1) && errno == (code))
