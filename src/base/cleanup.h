/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owning local variables: `autofree char *p`, `autoclose int fd` release what they hold when they
 * leave scope. `take_ptr(p)` and `take_fd(fd)` hand ownership on.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define autofree  __attribute__((cleanup(cleanup_free)))
#define autoclose __attribute__((cleanup(cleanup_close)))

#define take_ptr(pointer)                                                                          \
    ({                                                                                             \
        __auto_type taken_ = (pointer);                                                            \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
