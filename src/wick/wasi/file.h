/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open file, and what the kinds of files do behind the functions of WASI: host_*.c (files and
 * directories of the host), memory_*.c (in memory), stream.c (null, and the embedder's own),
 * tree.c (the embedder's directories).
 *
 * Paths here are NUL-terminated, not empty, relative, and shorter than WASI_PATH_MAX; their memory
 * is private. iovecs have no empty element, their list is private, the bytes are the program's.
 */
#pragma once

#include "wick/wasi/abi.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <time.h>

enum { WASI_PATH_MAX = 4096, WASI_NAME_MAX = 255 };

struct wasi_file;

struct wasi_filestat {
    uint64_t device, inode, links, size;
    uint64_t accessed, modified, changed; /* nanoseconds since 1970 */
    enum wasi_filetype type;
};

struct wasi_open {
    bool follow;
    bool read, write;
    uint16_t oflags;
    uint16_t fdflags;
};

/* What poll_oneoff learns of a file. */
struct wasi_readiness {
    bool ready;
    uint64_t bytes; /* that can be read, as far as known */
    int fd;         /* else: to wait for with poll(2), unless it is negative */
    short events;
    bool ask_again;   /* after waiting ask again: the events alone say nothing */
    int milliseconds; /* with ask_again: wait this long at most; negative: for ever */
};

/* Takes one entry of a directory; false: no more room. */
typedef bool (*wasi_dirent_sink)(void *env, uint64_t next, uint64_t inode, enum wasi_filetype,
                                 const char *name, size_t length);

/* Functions may be NULL: the caller answers NOTSUP. */
struct wasi_file_ops {
    void (*close)(struct wasi_file *);
    enum wasi_errno (*read)(struct wasi_file *, const struct iovec *, int count, size_t *done);
    enum wasi_errno (*write)(struct wasi_file *, const struct iovec *, int count, size_t *done);
    enum wasi_errno (*pread)(struct wasi_file *, const struct iovec *, int count, uint64_t offset,
                             size_t *done);
    enum wasi_errno (*pwrite)(struct wasi_file *, const struct iovec *, int count, uint64_t offset,
                              size_t *done);
    enum wasi_errno (*seek)(struct wasi_file *, int64_t offset, int whence, uint64_t *position);
    enum wasi_errno (*get_flags)(struct wasi_file *, uint16_t *fdflags);
    enum wasi_errno (*set_flags)(struct wasi_file *, uint16_t fdflags);
    enum wasi_errno (*stat)(struct wasi_file *, struct wasi_filestat *);
    enum wasi_errno (*set_size)(struct wasi_file *, uint64_t size);
    enum wasi_errno (*set_times)(struct wasi_file *, const struct timespec times[2]);
    enum wasi_errno (*advise)(struct wasi_file *, uint64_t offset, uint64_t length, int advice);
    enum wasi_errno (*allocate)(struct wasi_file *, uint64_t offset, uint64_t length);
    enum wasi_errno (*sync)(struct wasi_file *, bool only_data);
    void (*ready)(struct wasi_file *, bool writing, struct wasi_readiness *);

    /* Sockets. */
    enum wasi_errno (*receive)(struct wasi_file *, const struct iovec *, int count, uint16_t flags,
                               size_t *done, uint16_t *out_flags);
    enum wasi_errno (*send)(struct wasi_file *, const struct iovec *, int count, size_t *done);
    enum wasi_errno (*shutdown)(struct wasi_file *, uint8_t how);
    enum wasi_errno (*accept)(struct wasi_file *, uint16_t fdflags, struct wasi_file **out);

    /* Directories. */
    enum wasi_errno (*readdir)(struct wasi_file *, uint64_t cookie, wasi_dirent_sink, void *env);
    enum wasi_errno (*open)(struct wasi_file *, const char *path, const struct wasi_open *,
                            struct wasi_file **out);
    enum wasi_errno (*mkdir)(struct wasi_file *, const char *path);
    enum wasi_errno (*stat_at)(struct wasi_file *, const char *path, bool follow,
                               struct wasi_filestat *);
    enum wasi_errno (*set_times_at)(struct wasi_file *, const char *path, bool follow,
                                    const struct timespec times[2]);
    /* Both directories have the same ops. */
    enum wasi_errno (*link)(struct wasi_file *, const char *path, struct wasi_file *to,
                            const char *to_path);
    enum wasi_errno (*rename)(struct wasi_file *, const char *path, struct wasi_file *to,
                              const char *to_path);
    enum wasi_errno (*symlink)(struct wasi_file *, const char *target, const char *path);
    /* Not NUL-terminated; cut to size. */
    enum wasi_errno (*readlink)(struct wasi_file *, const char *path, char *target, size_t size,
                                size_t *length);
    enum wasi_errno (*unlink)(struct wasi_file *, const char *path);
    enum wasi_errno (*rmdir)(struct wasi_file *, const char *path);
};

/* The head of every kind's own structure. Counted, for a thread may close what another one uses. */
struct wasi_file {
    const struct wasi_file_ops *ops;
    atomic_uint references;
    enum wasi_filetype type;
    uint64_t rights; /* those that make sense for this file */
};

static inline struct wasi_file *file_get(struct wasi_file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

static inline void file_put(struct wasi_file *file)
{
    if (file && atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) == 1)
        file->ops->close(file);
}

/* The rights that a file of this type can have at all. */
uint64_t wasi_type_rights(enum wasi_filetype);
/* For a number of <errno.h>, positive. What is not known is WASI_IO. */
enum wasi_errno wasi_errno_of(int error);

/* Each makes a new file with one reference. */
enum wasi_errno host_file_new(int fd, bool read_only, struct wasi_file **out);
/* From now on the file closes its host descriptor. */
void host_file_own(struct wasi_file *);
struct wick_wasi_stream;
enum wasi_errno stream_file_new(const struct wick_wasi_stream *stream, void *env,
                                struct wasi_file **out);
struct wick_wasi_tree;
enum wasi_errno tree_dir_new(const struct wick_wasi_tree *tree, void *env, uint64_t root,
                             bool read_only, struct wasi_file **out);
enum wasi_errno null_file_new(struct wasi_file **out);
enum wasi_errno memory_dir_new(uint64_t max_bytes, struct wasi_file **out);
