/* SPDX-License-Identifier: Apache-2.0 */
/* Files, directories and sockets of the host. The host may be hostile: what it answers is checked.
 */
#pragma once

#include "wick/wasi/file.h"

#include <pthread.h>
#include <sys/stat.h>

struct dir_window; /* host_readdir.c */

struct host_file {
    struct wasi_file file;
    int fd;
    bool owned;                /* fd is closed with the file */
    bool read_only;            /* a directory: nothing below it is changed */
    int first_flags;           /* of F_GETFL, given back to a borrowed descriptor; -1: none */
    pthread_mutex_t lock;      /* of the window, and of switching O_APPEND off */
    struct dir_window *window; /* entries that were read ahead; NULL until then */
};

extern const struct wasi_file_ops host_file_ops, host_dir_ops, host_socket_ops;

static inline struct host_file *host_file(struct wasi_file *file)
{
    return (struct host_file *)file;
}

void host_close(struct wasi_file *);
enum wasi_errno host_stat(struct wasi_file *, struct wasi_filestat *);
enum wasi_errno host_set_times(struct wasi_file *, const struct timespec times[2]);
enum wasi_errno host_sync(struct wasi_file *, bool only_data);
enum wasi_errno host_get_flags(struct wasi_file *, uint16_t *fdflags);
enum wasi_errno host_set_flags(struct wasi_file *, uint16_t fdflags);
void host_ready(struct wasi_file *, bool writing, struct wasi_readiness *);
void host_filestat(const struct stat *, struct wasi_filestat *out);
/* The result of a call of the host that moves at most the bytes of the list: a count, or -1. */
enum wasi_errno host_count(ssize_t result, const struct iovec *, int count, size_t *done);

enum wasi_errno host_readdir(struct wasi_file *, uint64_t cookie, wasi_dirent_sink, void *env);
void host_readdir_close(struct host_file *);
