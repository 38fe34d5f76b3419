/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/wasi/context.h"

#include <stdlib.h>

enum { STRINGS_MAX = 1 << 30 };

struct wick_wasi *wick_wasi_new(void)
{
    struct wick_wasi *wasi = calloc(1, sizeof(*wasi));
    if (wasi)
        pthread_mutex_init(&wasi->lock, NULL);
    return wasi;
}

void wick_wasi_delete(struct wick_wasi *wasi)
{
    if (!wasi)
        return;
    for (uint32_t fd = 0; fd < wasi->descriptor_room; fd++)
        descriptor_close(wasi, fd);
    free(wasi->descriptors);
    free(wasi->args.data);
    free(wasi->env.data);
    pthread_mutex_destroy(&wasi->lock);
    free(wasi);
}

/* ---- Arguments and environment ---------------------------------------------------------------
 */

static enum wick_status add_string(struct wasi_strings *strings, const char *string)
{
    size_t size = strlen(string) + 1;
    if (size > STRINGS_MAX - strings->size)
        return WICK_USAGE;
    if (size > strings->room - strings->size) {
        size_t room = (strings->size + size) * 2;
        char *grown = realloc(strings->data, room);
        if (!grown)
            return WICK_NO_MEMORY;
        strings->data = grown;
        strings->room = room;
    }
    memcpy(strings->data + strings->size, string, size);
    strings->size += size;
    strings->count++;
    return WICK_OK;
}

enum wick_status wick_wasi_add_arg(struct wick_wasi *wasi, const char *arg)
{
    return add_string(&wasi->args, arg);
}

enum wick_status wick_wasi_add_env(struct wick_wasi *wasi, const char *variable)
{
    return add_string(&wasi->env, variable);
}

/* ---- Descriptors -----------------------------------------------------------------------------
 */

static const struct {
    uint64_t rights, inheriting;
} roles[] = {
    [WICK_WASI_STREAM] = {RIGHTS_ALL, RIGHTS_ALL},
    [WICK_WASI_LISTENER] = {RIGHT_FD_FILESTAT_GET | RIGHT_FD_FDSTAT_SET_FLAGS |
                                RIGHT_POLL_FD_READWRITE | RIGHT_FD_READ | RIGHT_SOCK_ACCEPT,
                            RIGHTS_ALL & ~RIGHT_SOCK_ACCEPT},
    [WICK_WASI_CONNECTION] = {RIGHT_FD_FILESTAT_GET | RIGHT_FD_FDSTAT_SET_FLAGS |
                                  RIGHT_POLL_FD_READWRITE | RIGHT_FD_READ | RIGHT_FD_WRITE |
                                  RIGHT_SOCK_SHUTDOWN,
                              0},
};

/* Inserts the file, whose reference is taken in any case; `preopen` is copied. With `take` the file
 * closes its host descriptor from now on. */
static enum wick_status insert(struct wick_wasi *wasi, uint32_t number, struct wasi_file *file,
                               enum wick_wasi_role role, const char *preopen, bool take)
{
    struct descriptor descriptor = {
        .file = file,
        .rights = roles[role].rights & file->rights,
        .inheriting = roles[role].inheriting,
        .preopen = preopen ? strdup(preopen) : NULL,
    };
    enum wasi_errno error = WASI_NOMEM;
    if (!preopen || descriptor.preopen)
        error = descriptor_add(wasi, &descriptor, &number);
    if (error == WASI_SUCCESS) {
        if (take)
            host_file_own(file);
        return WICK_OK;
    }
    free((char *)descriptor.preopen);
    file_put(file);
    return error == WASI_NOMEM ? WICK_NO_MEMORY : WICK_USAGE;
}

static enum wick_status refused(enum wasi_errno error)
{
    return error == WASI_NOMEM ? WICK_NO_MEMORY : WICK_USAGE;
}

/* Whether the number can be used, asked before anything is taken. */
static bool is_free(struct wick_wasi *wasi, uint32_t number)
{
    if (number == WICK_WASI_ANY)
        return true;
    DESCRIPTOR taken = {0};
    return number < WASI_FD_MAX && descriptor_find(wasi, number, 0, &taken) == WASI_BADF;
}

enum wick_status wick_wasi_add_fd(struct wick_wasi *wasi, uint32_t number, int host_fd,
                                  enum wick_wasi_role role, bool take)
{
    struct wasi_file *file;
    if (!is_free(wasi, number))
        return WICK_USAGE;
    enum wasi_errno error = host_file_new(host_fd, false, &file);
    return error ? refused(error) : insert(wasi, number, file, role, NULL, take);
}

enum wick_status wick_wasi_add_null(struct wick_wasi *wasi, uint32_t number)
{
    struct wasi_file *file;
    if (!is_free(wasi, number))
        return WICK_USAGE;
    enum wasi_errno error = null_file_new(&file);
    return error ? refused(error) : insert(wasi, number, file, WICK_WASI_STREAM, NULL, false);
}

enum wick_status wick_wasi_add_dir(struct wick_wasi *wasi, uint32_t number, int host_fd,
                                   const char *guest_path, bool read_only, bool take)
{
    struct wasi_file *file;
    if (!is_free(wasi, number) || strlen(guest_path) >= WASI_PATH_MAX)
        return WICK_USAGE;
    enum wasi_errno error = host_file_new(host_fd, read_only, &file);
    if (error)
        return refused(error);
    if (file->type != FILETYPE_DIRECTORY) {
        file_put(file);
        return WICK_USAGE;
    }
    return insert(wasi, number, file, WICK_WASI_STREAM, guest_path, take);
}

enum wick_status wick_wasi_add_memory_dir(struct wick_wasi *wasi, uint32_t number,
                                          const char *guest_path, uint64_t max_bytes)
{
    struct wasi_file *file;
    if (!is_free(wasi, number) || strlen(guest_path) >= WASI_PATH_MAX)
        return WICK_USAGE;
    enum wasi_errno error = memory_dir_new(max_bytes, &file);
    return error ? refused(error) : insert(wasi, number, file, WICK_WASI_STREAM, guest_path, false);
}

enum wick_status wick_wasi_add_tree(struct wick_wasi *wasi, uint32_t number,
                                    const struct wick_wasi_tree *tree, void *env, uint64_t root,
                                    const char *guest_path, bool read_only)
{
    struct wasi_file *file;
    if (!is_free(wasi, number) || strlen(guest_path) >= WASI_PATH_MAX)
        return WICK_USAGE;
    enum wasi_errno error = tree_dir_new(tree, env, root, read_only, &file);
    return error ? refused(error) : insert(wasi, number, file, WICK_WASI_STREAM, guest_path, false);
}

enum wick_status wick_wasi_add_stream(struct wick_wasi *wasi, uint32_t number,
                                      const struct wick_wasi_stream *stream, void *env,
                                      enum wick_wasi_role role)
{
    struct wasi_file *file;
    if (!is_free(wasi, number))
        return WICK_USAGE;
    enum wasi_errno error = stream_file_new(stream, env, &file);
    return error ? refused(error) : insert(wasi, number, file, role, NULL, false);
}
