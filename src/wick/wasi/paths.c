/* SPDX-License-Identifier: Apache-2.0 */
/* path_*: a name below an open directory. */
#include "wick/wasi/context.h"

/* The descriptor and the path that two pairs of arguments name. */
static enum wasi_errno begin(struct wasi_call *call, int fd, int path, uint64_t rights,
                             struct descriptor *at, char name[WASI_PATH_MAX])
{
    enum wasi_errno error = descriptor_find(call->wasi, call->args[fd].u32, rights, at);
    if (error)
        return error;
    if (at->file->type != FILETYPE_DIRECTORY)
        return WASI_NOTDIR;
    error = guest_path(name, &call->memory, call->args[path].u32, call->args[path + 1].u32);
    if (error)
        return error;
    return name[0] == '/' ? WASI_PERM : WASI_SUCCESS;
}

static bool bad_lookup(uint32_t flags)
{
    return flags & ~(uint32_t)LOOKUP_SYMLINK_FOLLOW;
}

enum wasi_errno wasi_path_create_directory(struct wasi_call *call)
{
    char path[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    enum wasi_errno error = begin(call, 0, 1, RIGHT_PATH_CREATE_DIRECTORY, &at, path);
    return error ? error : at.file->ops->mkdir(at.file, path);
}

enum wasi_errno wasi_path_remove_directory(struct wasi_call *call)
{
    char path[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    enum wasi_errno error = begin(call, 0, 1, RIGHT_PATH_REMOVE_DIRECTORY, &at, path);
    return error ? error : at.file->ops->rmdir(at.file, path);
}

enum wasi_errno wasi_path_unlink_file(struct wasi_call *call)
{
    char path[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    enum wasi_errno error = begin(call, 0, 1, RIGHT_PATH_UNLINK_FILE, &at, path);
    return error ? error : at.file->ops->unlink(at.file, path);
}

enum wasi_errno wasi_path_filestat_get(struct wasi_call *call)
{
    char path[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    enum wasi_errno error = begin(call, 0, 2, RIGHT_PATH_FILESTAT_GET, &at, path);
    if (error)
        return error;
    uint8_t *out = guest_range(&call->memory, call->args[4].u32, FILESTAT_SIZE);
    struct wasi_filestat stat;
    if (!out)
        return WASI_FAULT;
    if (bad_lookup(call->args[1].u32))
        return WASI_INVAL;
    error = at.file->ops->stat_at(at.file, path, call->args[1].u32, &stat);
    if (error == WASI_SUCCESS)
        wasi_store_filestat(out, &stat);
    return error;
}

enum wasi_errno wasi_path_filestat_set_times(struct wasi_call *call)
{
    char path[WASI_PATH_MAX];
    struct timespec times[2];
    DESCRIPTOR at = {0};
    enum wasi_errno error = begin(call, 0, 2, RIGHT_PATH_FILESTAT_SET_TIMES, &at, path);
    if (error)
        return error;
    error = wasi_times(call->args[4].u64, call->args[5].u64, call->args[6].u32, times);
    if (error)
        return error;
    if (bad_lookup(call->args[1].u32))
        return WASI_INVAL;
    return at.file->ops->set_times_at(at.file, path, call->args[1].u32, times);
}

enum wasi_errno wasi_path_link(struct wasi_call *call)
{
    char path[WASI_PATH_MAX], to_path[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    DESCRIPTOR to = {0};
    enum wasi_errno error = begin(call, 0, 2, RIGHT_PATH_LINK_SOURCE, &at, path);
    if (error)
        return error;
    error = begin(call, 4, 5, RIGHT_PATH_LINK_TARGET, &to, to_path);
    if (error)
        return error;
    if (call->args[1].u32) /* to follow a link would not be confined */
        return WASI_INVAL;
    if (at.file->ops != to.file->ops)
        return WASI_XDEV;
    return at.file->ops->link ? at.file->ops->link(at.file, path, to.file, to_path) : WASI_NOTSUP;
}

enum wasi_errno wasi_path_rename(struct wasi_call *call)
{
    char path[WASI_PATH_MAX], to_path[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    DESCRIPTOR to = {0};
    enum wasi_errno error = begin(call, 0, 1, RIGHT_PATH_RENAME_SOURCE, &at, path);
    if (error)
        return error;
    error = begin(call, 3, 4, RIGHT_PATH_RENAME_TARGET, &to, to_path);
    if (error)
        return error;
    if (at.file->ops != to.file->ops)
        return WASI_XDEV;
    return at.file->ops->rename(at.file, path, to.file, to_path);
}

enum wasi_errno wasi_path_symlink(struct wasi_call *call)
{
    char target[WASI_PATH_MAX], path[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    enum wasi_errno error = begin(call, 2, 3, RIGHT_PATH_SYMLINK, &at, path);
    if (error)
        return error;
    error = guest_path(target, &call->memory, call->args[0].u32, call->args[1].u32);
    if (error)
        return error;
    if (target[0] == '/') /* it could never be followed here, but mislead others */
        return WASI_PERM;
    return at.file->ops->symlink ? at.file->ops->symlink(at.file, target, path) : WASI_NOTSUP;
}

enum wasi_errno wasi_path_readlink(struct wasi_call *call)
{
    char path[WASI_PATH_MAX], target[WASI_PATH_MAX];
    DESCRIPTOR at = {0};
    enum wasi_errno error = begin(call, 0, 1, RIGHT_PATH_READLINK, &at, path);
    if (error)
        return error;
    size_t size = call->args[4].u32, length = 0;
    uint8_t *out = guest_range(&call->memory, call->args[3].u32, size);
    if (!out || !guest_range(&call->memory, call->args[5].u32, 4))
        return WASI_FAULT;
    error = at.file->ops->readlink
                ? at.file->ops->readlink(at.file, path, target, sizeof(target), &length)
                : WASI_INVAL;
    if (error)
        return error;
    length = length < size ? length : size;
    memcpy(out, target, length);
    return guest_put_u32(&call->memory, call->args[5].u32, (uint32_t)length);
}

/* ---- Opening ---------------------------------------------------------------------------------
 */

/* The rights that a directory must have for its files to be opened in this way. */
static uint64_t needed(const struct wasi_open *how)
{
    uint64_t rights = RIGHT_PATH_OPEN;
    if (how->oflags & OFLAG_CREAT)
        rights |= RIGHT_PATH_CREATE_FILE;
    if (how->oflags & OFLAG_TRUNC)
        rights |= RIGHT_PATH_FILESTAT_SET_SIZE;
    return rights;
}

static enum wasi_errno open_flags(const struct wasi_call *call, struct wasi_open *how)
{
    enum { WRITING = RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE };
    uint32_t lookup = call->args[1].u32, oflags = call->args[4].u32, fdflags = call->args[7].u32;
    uint64_t rights = call->args[5].u64;
    if (bad_lookup(lookup) || oflags & ~(uint32_t)OFLAGS_ALL || fdflags & ~(uint32_t)FDFLAGS_ALL)
        return WASI_INVAL;
    *how = (struct wasi_open){
        .follow = lookup,
        .read = rights & (RIGHT_FD_READ | RIGHT_FD_READDIR),
        .write = rights & WRITING,
        .oflags = (uint16_t)oflags,
        .fdflags = (uint16_t)fdflags,
    };
    if (oflags & OFLAG_DIRECTORY && oflags & (OFLAG_CREAT | OFLAG_TRUNC))
        return WASI_INVAL;
    return how->write && oflags & OFLAG_DIRECTORY ? WASI_ISDIR : WASI_SUCCESS;
}

/* Inserts the opened file with the rights that were asked for and make sense. */
static enum wasi_errno publish(struct wasi_call *call, struct wasi_file *file)
{
    bool is_directory = file->type == FILETYPE_DIRECTORY;
    struct descriptor opened = {
        .file = file,
        .rights = call->args[5].u64 & file->rights,
        .inheriting = is_directory ? call->args[6].u64 : 0,
    };
    uint32_t fd = WICK_WASI_ANY;
    enum wasi_errno error = descriptor_add(call->wasi, &opened, &fd);
    if (error) {
        file_put(file);
        return error;
    }
    return guest_put_u32(&call->memory, call->args[8].u32, fd);
}

enum wasi_errno wasi_path_open(struct wasi_call *call)
{
    char path[WASI_PATH_MAX];
    struct wasi_open how;
    DESCRIPTOR at = {0};
    enum wasi_errno error = open_flags(call, &how);
    if (error && error != WASI_ISDIR)
        return error;
    enum wasi_errno found = begin(call, 0, 2, needed(&how), &at, path);
    if (found)
        return found;
    if ((call->args[5].u64 | call->args[6].u64) & ~at.inheriting)
        return WASI_NOTCAPABLE;
    if (!guest_range(&call->memory, call->args[8].u32, 4))
        return WASI_FAULT;
    if (error)
        return error;
    struct wasi_file *file;
    error = at.file->ops->open(at.file, path, &how, &file);
    return error ? error : publish(call, file);
}
