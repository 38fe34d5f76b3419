/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of descriptors. Exec's numbers are private to the Keep: each names an open file of the
 * shim, which holds a host handle. A number that the Keep was not given names nothing.
 *
 * Keep side; freestanding; under the shim's lock.
 */
#pragma once

#include "shim/vm/shim.h"

enum { FDS_MAX = 1024 };

struct file {
    uint32_t handle;
    uint32_t references; /* descriptors that name it and calls that are using it */
    bool epoll;          /* an epoll object: entries of epoll.c belong to it */
    bool datagram;       /* a socket of datagrams that exec made */
};

/* The file behind a descriptor, kept alive until file_put; NULL if there is none. */
struct file *file_get(uint64_t fd);
void file_put(struct file *file);

/* The bit of O_CLOEXEC, SOCK_CLOEXEC, EPOLL_CLOEXEC and EFD_CLOEXEC: nothing that the host needs to
 * know. */
#define CLOSE_ON_EXEC 02000000ull

/* The lowest free descriptor for a new file with this handle, or -errno. Of `flags` only
 * CLOSE_ON_EXEC counts. A handle that cannot be stored is closed. */
int64_t file_install(int64_t handle, uint64_t flags);

/* The same for a file that exists already; adds a reference. */
int64_t file_share(struct file *file, uint64_t lowest);
int64_t file_share_at(struct file *file, uint64_t fd);

int64_t file_close(uint64_t fd);

/* fstat to exec's memory. */
int64_t file_stat(uint64_t fd, uint64_t user_stat);

/* Makes descriptors of two handles that the host answered and stores them for exec. */
int64_t files_install_pair(const int32_t handles[2], uint64_t user_fds, uint64_t flags);

bool file_close_on_exec(uint64_t fd);
void file_set_close_on_exec(uint64_t fd, bool set);

/* epoll.c: forgets what was registered for a file that is going away. */
void epoll_forget(const struct file *file);

/* A call on the file that the first argument names: `file` in the expression. -EBADF if there is
 * none. The file stays until the call is over. */
#define ON_FILE(regs, expression)                                                                  \
    ({                                                                                             \
        struct file *file = file_get((regs)->rdi);                                                 \
        int64_t result_ = -EBADF;                                                                  \
        if (file) {                                                                                \
            result_ = (expression);                                                                \
            file_put(file);                                                                        \
        }                                                                                          \
        result_;                                                                                   \
    })
