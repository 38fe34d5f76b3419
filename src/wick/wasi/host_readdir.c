/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a directory. A cookie is the position that the file system itself gives (d_off),
 * so that it stays good while entries come and go. One window of entries is kept, for programs read
 * with small buffers.
 */
#include "wick/wasi/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WINDOW_SIZE = 16 * 1024, HEAD_SIZE = 19 };

struct dir_window {
    uint64_t begin;    /* the cookie before the first entry */
    uint64_t position; /* of the host's descriptor: the cookie after the last entry */
    size_t used;       /* bytes */
    _Alignas(8) char entries[WINDOW_SIZE];
};

/* What getdents64(2) writes: the name begins at byte 19. */
struct entry {
    uint64_t inode, next;
    uint8_t type;
    const char *name;
    size_t length, size;
};

/* Reads the entry at `at`; the host may have written anything. */
static bool parse_entry(const struct dir_window *window, size_t at, struct entry *out)
{
    uint16_t size;
    size_t left = window->used - at;
    const char *bytes = window->entries + at;
    if (left < HEAD_SIZE + 1)
        return false;
    memcpy(&out->inode, bytes, 8);
    memcpy(&out->next, bytes + 8, 8);
    memcpy(&size, bytes + 16, 2);
    out->type = (uint8_t)bytes[18];
    if (size < HEAD_SIZE + 1 || size > left)
        return false;
    const char *end = memchr(bytes + HEAD_SIZE, 0, size - HEAD_SIZE);
    if (!end || end == bytes + HEAD_SIZE)
        return false;
    out->name = bytes + HEAD_SIZE;
    out->length = (size_t)(end - out->name);
    out->size = size;
    return true;
}

static enum wasi_filetype type_of(uint8_t type)
{
    static const uint8_t types[] = {
        [DT_BLK] = FILETYPE_BLOCK_DEVICE, [DT_CHR] = FILETYPE_CHARACTER_DEVICE,
        [DT_DIR] = FILETYPE_DIRECTORY,    [DT_LNK] = FILETYPE_SYMBOLIC_LINK,
        [DT_REG] = FILETYPE_REGULAR_FILE, [DT_SOCK] = FILETYPE_SOCKET_STREAM,
    };
    return type < sizeof(types) ? types[type] : FILETYPE_UNKNOWN;
}

/* Fills the window with what follows a cookie; used = 0 is the end of the directory. */
static enum wasi_errno fill(struct host_file *host, uint64_t cookie)
{
    struct dir_window *window = host->window;
    window->used = 0;
    /* At the beginning always: the kernel then forgets what it remembered of the directory. */
    bool there = cookie && cookie == window->position;
    if (!there && lseek(host->fd, (off_t)cookie, SEEK_SET) < 0)
        return wasi_errno_of(errno);
    long result = syscall(SYS_getdents64, host->fd, window->entries, WINDOW_SIZE);
    window->position = 0;
    if (result < 0)
        return wasi_errno_of(errno);
    if (result > WINDOW_SIZE)
        return WASI_IO;
    window->begin = cookie;
    window->used = (size_t)result;
    window->position = cookie;
    struct entry entry;
    for (size_t at = 0; at < window->used; at += entry.size) {
        if (!parse_entry(window, at, &entry))
            return WASI_IO;
        window->position = entry.next;
    }
    return WASI_SUCCESS;
}

/* Finds the entry after a cookie in the window. */
static bool locate(const struct dir_window *window, uint64_t cookie, size_t *at)
{
    struct entry entry;
    *at = 0;
    if (!window->used || cookie == 0)
        return false;
    for (uint64_t before = window->begin; before != cookie; before = entry.next) {
        if (!parse_entry(window, *at, &entry))
            return false;
        *at += entry.size;
    }
    return *at < window->used;
}

static enum wasi_errno list(struct host_file *host, uint64_t cookie, wasi_dirent_sink sink,
                            void *env)
{
    size_t at;
    if (!locate(host->window, cookie, &at)) {
        enum wasi_errno error = fill(host, cookie);
        if (error)
            return error;
        at = 0;
    }
    while (at < host->window->used) {
        struct entry entry;
        if (!parse_entry(host->window, at, &entry))
            return WASI_IO;
        /* Where ".." leads is nothing the program should know. */
        bool above = entry.length == 2 && memcmp(entry.name, "..", 2) == 0;
        if (!sink(env, entry.next, above ? 0 : entry.inode, type_of(entry.type), entry.name,
                  entry.length))
            return WASI_SUCCESS;
        at += entry.size;
        if (at < host->window->used)
            continue;
        enum wasi_errno error = fill(host, entry.next);
        if (error)
            return error;
        at = 0;
    }
    return WASI_SUCCESS;
}

enum wasi_errno host_readdir(struct wasi_file *file, uint64_t cookie, wasi_dirent_sink sink,
                             void *env)
{
    struct host_file *host = host_file(file);
    if (cookie > INT64_MAX)
        return WASI_INVAL;
    pthread_mutex_lock(&host->lock);
    if (!host->window)
        host->window = calloc(1, sizeof(*host->window));
    enum wasi_errno error = host->window ? list(host, cookie, sink, env) : WASI_NOMEM;
    pthread_mutex_unlock(&host->lock);
    return error;
}

void host_readdir_close(struct host_file *host)
{
    free(host->window);
}
