/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI preview 1 (the module "wasi_snapshot_preview1") for libwick: what one WebAssembly program
 * may see of the world. A context begins empty: no argument, no variable, no descriptor. The
 * embedder adds what it grants, then defines the functions in a linker.
 *
 *     struct wick_wasi *wasi = wick_wasi_new();
 *     wick_wasi_add_arg(wasi, "hello.wasm");
 *     wick_wasi_add_fd(wasi, 1, STDOUT_FILENO, WICK_WASI_STREAM, false);
 *     wick_wasi_add_dir(wasi, WICK_WASI_ANY, fd_of_some_directory, "/data", true, true);
 *     wick_wasi_define(wasi, linker);
 *     … instantiate, call _start; proc_exit arrives as a trap: see wick_trap_exit_status …
 *     wasm_store_delete(store);
 *     wick_wasi_delete(wasi);
 *
 * The program can reach nothing below a directory's parent: paths are resolved by openat2 with
 * RESOLVE_BENEATH (Linux 5.6; times of symbolic links 5.8).
 *
 * Threads: a context may be used by several stores and threads at once after it was set up. The
 * embedder ignores SIGPIPE, or a program that writes to a closed pipe ends the process.
 */
#ifndef WICK_WASI_H
#define WICK_WASI_H

#include <sys/uio.h>
#include <time.h>
#include <wick.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wick_wasi;

/* As a descriptor's number: the lowest that is free. */
#define WICK_WASI_ANY UINT32_MAX

/* NULL without memory. */
WASM_API_EXTERN struct wick_wasi *wick_wasi_new(void);
/* Closes what it owns. Delete the stores that use it first. NULL is accepted. */
WASM_API_EXTERN void wick_wasi_delete(struct wick_wasi *);

/* Strings are copied. WICK_NO_MEMORY, or WICK_USAGE beyond 1 GiB in total. */
WASM_API_EXTERN enum wick_status wick_wasi_add_arg(struct wick_wasi *, const char *arg);
/* "KEY=VALUE" */
WASM_API_EXTERN enum wick_status wick_wasi_add_env(struct wick_wasi *, const char *variable);

/* ---- Descriptors ------------------------------------------------------------------------------
 * `number` is the program's; WICK_USAGE if it is taken, beyond the limit of 65536, or if the
 * host's descriptor is not what it should be. With `take` the context closes the host's descriptor
 * when the program does, or at the end; without, it stays the embedder's. On failure nothing was
 * taken. */

enum wick_wasi_role {
    WICK_WASI_STREAM,     /* all that the kind of file and its access mode allow: stdio, files */
    WICK_WASI_LISTENER,   /* a listening socket: accept, poll, set flags, stat */
    WICK_WASI_CONNECTION, /* a connected socket: read, write, shut down, poll, set flags, stat */
};

WASM_API_EXTERN enum wick_status wick_wasi_add_fd(struct wick_wasi *, uint32_t number, int host_fd,
                                                  enum wick_wasi_role, bool take);
/* Reads nothing, takes all that is written. */
WASM_API_EXTERN enum wick_status wick_wasi_add_null(struct wick_wasi *, uint32_t number);
/* A pre-opened directory that the program finds under the name `guest_path`. Changes below a
 * read-only one fail with EROFS. */
WASM_API_EXTERN enum wick_status wick_wasi_add_dir(struct wick_wasi *, uint32_t number, int host_fd,
                                                   const char *guest_path, bool read_only,
                                                   bool take);
/* A pre-opened, empty directory that lives in memory: directories and files, no links. Their
 * contents and names may use up to max_bytes together. */
WASM_API_EXTERN enum wick_status wick_wasi_add_memory_dir(struct wick_wasi *, uint32_t number,
                                                          const char *guest_path,
                                                          uint64_t max_bytes);

/* What has to happen before it makes sense to ask again whether something is ready. */
struct wick_wasi_wait {
    int fd;           /* to be waited for with poll(2) … */
    short events;     /* … until one of these happens, … */
    int milliseconds; /* … this long at most; -1: for ever. Preset */
};

/*
 * A descriptor of the embedder's own making, for example a TLS connection. Results are 0 or a
 * count, or -errno (-EAGAIN: would block). Optional functions may be NULL.
 */
struct wick_wasi_stream {
    /* Datagrams travel, or are what accepted streams are of: `receive` stands in place of `read`, a
     * datagram is read by one call, and what does not fit is lost; one call writes one datagram, or
     * nothing. */
    bool datagrams;
    /* Blocks unless non-blocking was set; 0 is the end. NULL: not readable. */
    int64_t (*read)(void *env, uint8_t *data, size_t size);
    /* Takes a datagram, or with `peek` looks at it, likewise. The result is its size, of which up
     * to `size` bytes are stored. NULL: not readable. */
    int64_t (*receive)(void *env, uint8_t *data, size_t size, bool peek);
    /* NULL: not writable. */
    int64_t (*write)(void *env, const uint8_t *data, size_t size);
    /* Bytes that reading would return at once, at least 1 if it would not block (writing: false),
     * or any count above 0 if write() would not block; 0: wait, then ask again. */
    int64_t (*ready)(void *env, bool writing, struct wick_wasi_wait *wait);
    int (*set_nonblocking)(void *env, bool on); /* optional: -ENOTSUP */
    int (*shutdown)(void *env, int how);        /* SHUT_RD, SHUT_WR, SHUT_RDWR; optional */
    /* A new stream with its env; optional: not a listener. */
    int (*accept)(void *env, bool nonblocking, const struct wick_wasi_stream **out, void **out_env);
    void (*close)(void *env);
};
/* `stream` must outlive the context; `env` is closed by it. */
WASM_API_EXTERN enum wick_status wick_wasi_add_stream(struct wick_wasi *, uint32_t number,
                                                      const struct wick_wasi_stream *stream,
                                                      void *env, enum wick_wasi_role);

/* What is known of a node; times in nanoseconds since 1970. */
struct wick_wasi_node {
    uint64_t inode, links, size;
    uint64_t accessed, modified, changed;
    bool is_directory;
};

/* Takes an entry; `next` is the cookie of what follows it. False: no more room. */
typedef bool (*wick_wasi_entry)(void *env, uint64_t next, uint64_t inode, bool is_directory,
                                const char *name, size_t length);

/* For find: create a file; fail if there is something; make a file empty. */
enum wick_wasi_find { WICK_WASI_CREATE = 1, WICK_WASI_EXCLUSIVE = 2, WICK_WASI_TRUNCATE = 4 };
/* As an offset: at the end. */
#define WICK_WASI_APPEND UINT64_MAX

/*
 * A directory of the embedder's own making, and what is below it: files and directories, without
 * symbolic links. A node is a number, and held from find to release; while it is, it is of use
 * even if it has no name any more. Paths are relative to a node, and must lead nowhere above it
 * (-EPERM). Results are 0 or -errno. Any thread calls.
 */
struct wick_wasi_tree {
    /* `how` is of enum wick_wasi_find. A directory with CREATE or TRUNCATE is -EISDIR. */
    int (*find)(void *env, uint64_t directory, const char *path, unsigned how, uint64_t *node);
    void (*release)(void *env, uint64_t node);
    int (*stat)(void *env, uint64_t node, struct wick_wasi_node *out);
    int (*stat_at)(void *env, uint64_t directory, const char *path, struct wick_wasi_node *out);
    /* As utimensat(2) has them: accessed, modified. */
    int (*set_times)(void *env, uint64_t node, const struct timespec times[2]);
    int (*set_times_at)(void *env, uint64_t directory, const char *path,
                        const struct timespec times[2]);
    /* Less than was asked for is allowed, but for nothing there is a reason; *end is the offset
     * behind what was written. */
    int (*read)(void *env, uint64_t node, const struct iovec *iovs, int count, uint64_t offset,
                size_t *done);
    int (*write)(void *env, uint64_t node, const struct iovec *iovs, int count, uint64_t offset,
                 size_t *done, uint64_t *end);
    int (*resize)(void *env, uint64_t node, uint64_t size);
    int (*sync)(void *env, uint64_t node, bool only_data);
    /* From a cookie on, 0 for the first; no "." and "..". */
    int (*list)(void *env, uint64_t directory, uint64_t cookie, wick_wasi_entry entry,
                void *entry_env);
    int (*mkdir)(void *env, uint64_t directory, const char *path);
    int (*unlink)(void *env, uint64_t directory, const char *path);
    int (*rmdir)(void *env, uint64_t directory, const char *path);
    int (*link)(void *env, uint64_t directory, const char *path, uint64_t to, const char *to_path);
    int (*rename)(void *env, uint64_t directory, const char *path, uint64_t to,
                  const char *to_path);
};
/* A pre-opened directory in which the program finds the tree's node `root`, which stays held by the
 * embedder. `tree` and `env` must outlive the context. Changes below a read-only one fail with
 * EROFS. */
WASM_API_EXTERN enum wick_status wick_wasi_add_tree(struct wick_wasi *, uint32_t number,
                                                    const struct wick_wasi_tree *tree, void *env,
                                                    uint64_t root, const char *guest_path,
                                                    bool read_only);

/* ---- Linking ----------------------------------------------------------------------------------
 */

/* Defines all functions of preview 1 below "wasi_snapshot_preview1". The program's memory is its
 * export "memory". */
WASM_API_EXTERN enum wick_status wick_wasi_define(struct wick_wasi *, wick_linker_t *);

#ifdef __cplusplus
}
#endif

#endif /* WICK_WASI_H */
