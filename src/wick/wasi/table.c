/* SPDX-License-Identifier: Apache-2.0 */
/* The program's descriptors. */
#include "wick/wasi/context.h"

#include <stdlib.h>

/* ---- Rights ----------------------------------------------------------------------------------
 */

enum {
    COMMON = RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_GET | RIGHT_POLL_FD_READWRITE,
    STREAM = COMMON | RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SYNC | RIGHT_FD_DATASYNC |
             RIGHT_FD_FILESTAT_SET_TIMES,
    FILE_RIGHTS = STREAM | RIGHT_FD_SEEK | RIGHT_FD_TELL | RIGHT_FD_ADVISE | RIGHT_FD_ALLOCATE |
                  RIGHT_FD_FILESTAT_SET_SIZE,
    IO = RIGHT_FD_READ | RIGHT_FD_WRITE,
    SEEKING = RIGHT_FD_SEEK | RIGHT_FD_TELL,
    SOCKET = COMMON | IO | RIGHT_SOCK_SHUTDOWN | RIGHT_SOCK_ACCEPT,
    OF_DIRECTORIES = RIGHT_PATH_CREATE_DIRECTORY | RIGHT_PATH_CREATE_FILE | RIGHT_PATH_LINK_SOURCE |
                     RIGHT_PATH_LINK_TARGET | RIGHT_PATH_OPEN | RIGHT_FD_READDIR |
                     RIGHT_PATH_READLINK | RIGHT_PATH_RENAME_SOURCE | RIGHT_PATH_RENAME_TARGET |
                     RIGHT_PATH_FILESTAT_GET | RIGHT_PATH_FILESTAT_SET_SIZE |
                     RIGHT_PATH_FILESTAT_SET_TIMES | RIGHT_PATH_SYMLINK |
                     RIGHT_PATH_REMOVE_DIRECTORY | RIGHT_PATH_UNLINK_FILE,
    DIRECTORY = OF_DIRECTORIES | COMMON | RIGHT_FD_SYNC | RIGHT_FD_DATASYNC | RIGHT_FD_ADVISE |
                RIGHT_FD_FILESTAT_SET_TIMES,
};

uint64_t wasi_type_rights(enum wasi_filetype type)
{
    switch (type) {
    case FILETYPE_REGULAR_FILE:
    case FILETYPE_BLOCK_DEVICE:
    case FILETYPE_CHARACTER_DEVICE:
        return FILE_RIGHTS;
    case FILETYPE_DIRECTORY:
        return DIRECTORY;
    case FILETYPE_SOCKET_DGRAM:
    case FILETYPE_SOCKET_STREAM:
        return SOCKET;
    default:
        return STREAM;
    }
}

/* POSIX has better words than NOTCAPABLE where the kind of file is why a right is missing. */
static enum wasi_errno missing(const struct wasi_file *file, uint64_t rights)
{
    bool is_directory = file->type == FILETYPE_DIRECTORY;
    if (rights & OF_DIRECTORIES)
        return is_directory ? WASI_NOTCAPABLE : WASI_NOTDIR;
    if (rights & IO)
        return is_directory ? WASI_ISDIR : WASI_BADF;
    if ((rights & (RIGHT_SOCK_SHUTDOWN | RIGHT_SOCK_ACCEPT)) && !(file->rights & rights))
        return WASI_NOTSOCK;
    if (is_directory && (rights & ~(uint64_t)DIRECTORY))
        return WASI_BADF;
    if ((rights & SEEKING) && !(file->rights & SEEKING))
        return WASI_SPIPE;
    return rights & ~file->rights ? WASI_INVAL : WASI_NOTCAPABLE;
}

/* ---- Table -----------------------------------------------------------------------------------
 */

/* With the lock held; NULL if the number is free. */
static struct descriptor *at(struct wick_wasi *wasi, uint32_t fd)
{
    if (fd >= wasi->descriptor_room || !wasi->descriptors[fd].file)
        return NULL;
    return &wasi->descriptors[fd];
}

enum wasi_errno descriptor_find(struct wick_wasi *wasi, uint32_t fd, uint64_t rights,
                                struct descriptor *out)
{
    *out = (struct descriptor){0};
    enum wasi_errno result = WASI_BADF;
    pthread_mutex_lock(&wasi->lock);
    const struct descriptor *found = at(wasi, fd);
    if (found) {
        uint64_t held = found->rights;
        if (held & RIGHT_FD_SEEK)
            held |= RIGHT_FD_TELL; /* the one implies the other */
        uint64_t lacking = rights & ~held;
        result = lacking ? missing(found->file, lacking) : WASI_SUCCESS;
    }
    if (result == WASI_SUCCESS) {
        *out = *found;
        file_get(out->file);
    }
    pthread_mutex_unlock(&wasi->lock);
    return result;
}

static bool make_room(struct wick_wasi *wasi, uint32_t fd)
{
    if (fd < wasi->descriptor_room)
        return true;
    uint32_t room = fd + 1 < 16 ? 16 : (fd + 1) * 2;
    struct descriptor *grown = realloc(wasi->descriptors, room * sizeof(*grown));
    if (!grown)
        return false;
    for (uint32_t i = wasi->descriptor_room; i < room; i++)
        grown[i] = (struct descriptor){0};
    wasi->descriptors = grown;
    wasi->descriptor_room = room;
    return true;
}

static enum wasi_errno add(struct wick_wasi *wasi, const struct descriptor *descriptor,
                           uint32_t *fd)
{
    uint32_t number = *fd;
    if (number != WICK_WASI_ANY && at(wasi, number))
        return WASI_EXIST;
    if (number == WICK_WASI_ANY) {
        number = 0;
        while (at(wasi, number))
            number++;
    }
    if (number >= WASI_FD_MAX)
        return WASI_MFILE;
    if (!make_room(wasi, number))
        return WASI_NOMEM;
    wasi->descriptors[number] = *descriptor;
    *fd = number;
    return WASI_SUCCESS;
}

enum wasi_errno descriptor_add(struct wick_wasi *wasi, const struct descriptor *descriptor,
                               uint32_t *fd)
{
    pthread_mutex_lock(&wasi->lock);
    enum wasi_errno result = add(wasi, descriptor, fd);
    pthread_mutex_unlock(&wasi->lock);
    return result;
}

static void dispose(const struct descriptor *descriptor)
{
    file_put(descriptor->file);
    free((char *)descriptor->preopen);
}

enum wasi_errno descriptor_close(struct wick_wasi *wasi, uint32_t fd)
{
    struct descriptor closed = {0};
    pthread_mutex_lock(&wasi->lock);
    struct descriptor *found = at(wasi, fd);
    if (found) {
        closed = *found;
        *found = (struct descriptor){0};
    }
    pthread_mutex_unlock(&wasi->lock);
    dispose(&closed);
    return closed.file ? WASI_SUCCESS : WASI_BADF;
}

enum wasi_errno descriptor_renumber(struct wick_wasi *wasi, uint32_t from, uint32_t to)
{
    struct descriptor replaced = {0};
    pthread_mutex_lock(&wasi->lock);
    struct descriptor *source = at(wasi, from), *target = at(wasi, to);
    bool both = source && target;
    if (both && source != target) {
        replaced = *target;
        *target = *source;
        *source = (struct descriptor){0};
    }
    pthread_mutex_unlock(&wasi->lock);
    dispose(&replaced);
    return both ? WASI_SUCCESS : WASI_BADF;
}

enum wasi_errno descriptor_restrict(struct wick_wasi *wasi, uint32_t fd, uint64_t rights,
                                    uint64_t inheriting)
{
    enum wasi_errno result = WASI_BADF;
    pthread_mutex_lock(&wasi->lock);
    struct descriptor *found = at(wasi, fd);
    if (found) {
        bool more = (rights & ~found->rights) || (inheriting & ~found->inheriting);
        result = more ? WASI_NOTCAPABLE : WASI_SUCCESS;
    }
    if (result == WASI_SUCCESS) {
        found->rights = rights;
        found->inheriting = inheriting;
    }
    pthread_mutex_unlock(&wasi->lock);
    return result;
}

bool descriptor_precedes_preopen(struct wick_wasi *wasi, uint32_t fd)
{
    bool result = false;
    pthread_mutex_lock(&wasi->lock);
    if (at(wasi, fd)) {
        for (uint32_t i = fd + 1; i < wasi->descriptor_room && !result; i++)
            result = wasi->descriptors[i].file && wasi->descriptors[i].preopen;
    }
    pthread_mutex_unlock(&wasi->lock);
    return result;
}

enum wasi_errno descriptor_preopen(struct wick_wasi *wasi, uint32_t fd, char *name, size_t size,
                                   size_t *length)
{
    enum wasi_errno result = WASI_BADF;
    pthread_mutex_lock(&wasi->lock);
    const struct descriptor *found = at(wasi, fd);
    if (found && found->preopen) {
        *length = strlen(found->preopen);
        if (size)
            memcpy(name, found->preopen, *length < size ? *length : size);
        result = WASI_SUCCESS;
    }
    pthread_mutex_unlock(&wasi->lock);
    return result;
}
