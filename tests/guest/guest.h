/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For programs that are compiled once and must behave the same under Linux and in every Keep. Each
 * checks itself: the first CHECK that fails says where and exits with 1.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #condition, errno,            \
                   strerror(errno));                                                               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)
