/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one program's WASI, and what its functions share. */
#pragma once

#include "wick/wasi/file.h"
#include "wick/wasi/guest.h"

#include <pthread.h>
#include <wick_wasi.h>

enum { WASI_FD_MAX = 65536, WASI_FUNCTION_COUNT = 46 };

/* Strings one after the other, each with its NUL. */
struct wasi_strings {
    char *data;
    size_t size, room;
    uint32_t count;
};

/* One number of the program. */
struct descriptor {
    struct wasi_file *file; /* NULL: free */
    uint64_t rights, inheriting;
    const char *preopen; /* guest name of a pre-opened directory, owned by the table; else NULL */
};

struct wasi_binding {
    struct wick_wasi *wasi;
    const struct wasi_function *function;
};

struct wick_wasi {
    struct wasi_strings args, env;
    pthread_mutex_t lock; /* of the table */
    struct descriptor *descriptors;
    uint32_t descriptor_room;
    struct wasi_binding bindings[WASI_FUNCTION_COUNT];
};

/* One call of a WASI function. */
struct wasi_call {
    struct wick_wasi *wasi;
    struct guest_memory memory;
    const wick_value_t *args;
    bool ended; /* out: the program ends with exit_status */
    uint32_t exit_status;
};

/* The only table of the functions of preview 1. */
struct wasi_function {
    const char *name;
    const char *parameters; /* i: i32, I: i64 */
    bool ends;              /* has no result: proc_exit */
    enum wasi_errno (*run)(struct wasi_call *);
};
extern const struct wasi_function wasi_functions[WASI_FUNCTION_COUNT];

/* ---- Descriptors (table.c) --------------------------------------------------------------------
 * A descriptor that was looked up is a copy that holds its file: DESCRIPTOR releases it. `preopen`
 * of a copy must not be used. */

/* Any of: BADF; what fits best if a right is missing (NOTCAPABLE, NOTDIR, ISDIR, SPIPE, BADF). */
enum wasi_errno descriptor_find(struct wick_wasi *, uint32_t fd, uint64_t rights,
                                struct descriptor *out) WICK_NODISCARD;
/* Takes the descriptor's file and its preopen at the lowest free number, or at *fd if that is not
 * WICK_WASI_ANY. On failure nothing is taken: MFILE, NOMEM, EXIST. */
enum wasi_errno descriptor_add(struct wick_wasi *, const struct descriptor *,
                               uint32_t *fd) WICK_NODISCARD;
enum wasi_errno descriptor_close(struct wick_wasi *, uint32_t fd);
enum wasi_errno descriptor_renumber(struct wick_wasi *, uint32_t from, uint32_t to);
enum wasi_errno descriptor_restrict(struct wick_wasi *, uint32_t fd, uint64_t rights,
                                    uint64_t inheriting);
/* Copies the name of a pre-opened directory, cut to `size`; BADF if it is none. */
enum wasi_errno descriptor_preopen(struct wick_wasi *, uint32_t fd, char *name, size_t size,
                                   size_t *length);

/* Whether the number is in use, and a pre-opened directory has a higher one. */
bool descriptor_precedes_preopen(struct wick_wasi *, uint32_t fd);

static inline void descriptor_release(const struct descriptor *descriptor)
{
    file_put(descriptor->file);
}
#define DESCRIPTOR __attribute__((cleanup(descriptor_release))) struct descriptor

/* ---- Functions, by group ----------------------------------------------------------------------
 */
typedef enum wasi_errno wasi_run(struct wasi_call *);

/* process.c */
wasi_run wasi_args_get, wasi_args_sizes_get, wasi_environ_get, wasi_environ_sizes_get;
wasi_run wasi_clock_res_get, wasi_clock_time_get;
wasi_run wasi_proc_exit, wasi_proc_raise, wasi_sched_yield, wasi_random_get;
/* descriptors.c */
wasi_run wasi_fd_advise, wasi_fd_allocate, wasi_fd_close, wasi_fd_datasync, wasi_fd_sync;
wasi_run wasi_fd_fdstat_get, wasi_fd_fdstat_set_flags, wasi_fd_fdstat_set_rights;
wasi_run wasi_fd_filestat_get, wasi_fd_filestat_set_size, wasi_fd_filestat_set_times;
wasi_run wasi_fd_prestat_get, wasi_fd_prestat_dir_name, wasi_fd_renumber;
/* io.c */
wasi_run wasi_fd_read, wasi_fd_write, wasi_fd_pread, wasi_fd_pwrite, wasi_fd_seek, wasi_fd_tell;
wasi_run wasi_fd_readdir;
wasi_run wasi_sock_accept, wasi_sock_recv, wasi_sock_send, wasi_sock_shutdown;
/* paths.c */
wasi_run wasi_path_create_directory, wasi_path_filestat_get, wasi_path_filestat_set_times;
wasi_run wasi_path_link, wasi_path_open, wasi_path_readlink, wasi_path_remove_directory;
wasi_run wasi_path_rename, wasi_path_symlink, wasi_path_unlink_file;
/* poll.c */
wasi_run wasi_poll_oneoff;

/* Turns arguments of *_set_times into those of utimensat(2); INVAL if they contradict. */
enum wasi_errno wasi_times(uint64_t accessed, uint64_t modified, uint32_t fstflags,
                           struct timespec times[2]);
void wasi_store_filestat(uint8_t out[FILESTAT_SIZE], const struct wasi_filestat *);
