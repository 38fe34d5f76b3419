/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small file system that lives in memory: directories and regular files, no links. It is gone
 * when the last file of it is closed. One lock for all of it; functions below expect it held unless
 * they say otherwise.
 */
#pragma once

#include "wick/wasi/file.h"

#include <pthread.h>

struct memory_fs {
    pthread_mutex_t lock;
    uint64_t used, max; /* bytes of contents and names */
    uint64_t inodes;    /* given out so far */
    uint64_t nodes;     /* that exist */
};

struct memory_entry {
    struct memory_entry *next;
    struct memory_node *node;
    uint64_t cookie; /* grows in the order of creation */
    size_t length;
    char name[];
};

struct memory_node {
    struct memory_fs *fs;
    enum wasi_filetype type;
    uint64_t inode;
    uint64_t references; /* entries and open files */
    bool removed;        /* a directory without a name */
    struct timespec accessed, modified, changed;
    /* A file: */
    uint8_t *data;
    size_t size, room;
    /* A directory: */
    struct memory_node *parent; /* NULL for the root, or without a name */
    struct memory_entry *entries;
    uint64_t last_cookie;
    struct memory_node *next_dead; /* while it is released */
};

/* An open file or directory. */
struct memory_file {
    struct wasi_file file;
    struct memory_node *node;
    uint64_t position;
    uint16_t fdflags;
};

static inline struct memory_node *memory_node(struct wasi_file *file)
{
    return ((struct memory_file *)file)->node;
}

static inline struct timespec memory_now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_REALTIME, &time);
    return time;
}

extern const struct wasi_file_ops memory_file_ops, memory_dir_ops;

/* Where a path leads: the directory that holds its last component, and that. */
struct memory_place {
    struct memory_node *directory;
    const char
        *name; /* in the path; ".", ".." are gone: then length is 0, and node the directory */
    size_t length;
    bool wants_directory;     /* a slash follows */
    struct memory_node *node; /* NULL: there is nothing of that name */
};

/* NOENT if a directory on the way is missing, NOTDIR, NAMETOOLONG, PERM if it leaves `start`. */
enum wasi_errno memory_find(struct memory_node *start, const char *path, struct memory_place *);

/* NULL without memory or beyond the file system's limit. No reference yet. */
struct memory_node *memory_node_new(struct memory_fs *, enum wasi_filetype);
/* Gives the place a node, which gets a reference; NOSPC. */
enum wasi_errno memory_enter(const struct memory_place *, struct memory_node *);
/* Takes the place's entry away. */
void memory_leave(const struct memory_place *);
/* Drops a reference and frees what nobody holds any more. True: that was the last node, the caller
 * unlocks and calls memory_fs_free. */
bool memory_node_put(struct memory_node *);
void memory_fs_free(struct memory_fs *);

/* Grows or shrinks a file's contents, with zeros; NOSPC. */
enum wasi_errno memory_resize(struct memory_node *, uint64_t size);

/* Opens a node; takes a reference to it. */
enum wasi_errno memory_open_node(struct memory_node *, uint64_t rights, uint16_t fdflags,
                                 struct wasi_file **out);
/* Locks by itself. */
void memory_close(struct wasi_file *);
enum wasi_errno memory_stat(struct wasi_file *, struct wasi_filestat *);
enum wasi_errno memory_set_times(struct wasi_file *, const struct timespec times[2]);
enum wasi_errno memory_get_flags(struct wasi_file *, uint16_t *fdflags);
enum wasi_errno memory_set_flags(struct wasi_file *, uint16_t fdflags);
enum wasi_errno memory_sync(struct wasi_file *, bool only_data);
void memory_ready(struct wasi_file *, bool writing, struct wasi_readiness *);
/* With the lock held. */
void memory_node_stat(const struct memory_node *, struct wasi_filestat *out);
void memory_node_times(struct memory_node *, const struct timespec times[2]);
