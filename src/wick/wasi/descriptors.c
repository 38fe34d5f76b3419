/* SPDX-License-Identifier: Apache-2.0 */
/* fd_*: what is asked of, and changed in, a descriptor and its file. */
#include "wick/wasi/context.h"

#include <sys/stat.h>

enum wasi_errno wasi_fd_advise(struct wasi_call *call)
{
    uint64_t offset = call->args[1].u64, length = call->args[2].u64;
    uint32_t advice = call->args[3].u32;
    DESCRIPTOR at;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, RIGHT_FD_ADVISE, &at);
    if (error)
        return error;
    if (advice >= ADVICE_COUNT || offset > INT64_MAX || length > INT64_MAX)
        return WASI_INVAL;
    if (at.file->type == FILETYPE_DIRECTORY)
        return WASI_BADF;
    return at.file->ops->advise ? at.file->ops->advise(at.file, offset, length, (int)advice)
                                : WASI_SPIPE;
}

enum wasi_errno wasi_fd_allocate(struct wasi_call *call)
{
    uint64_t offset = call->args[1].u64, length = call->args[2].u64;
    DESCRIPTOR at;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, RIGHT_FD_ALLOCATE, &at);
    if (error)
        return error;
    if (length == 0 || offset > INT64_MAX)
        return WASI_INVAL;
    if (length > INT64_MAX - offset)
        return WASI_FBIG;
    return at.file->ops->allocate ? at.file->ops->allocate(at.file, offset, length) : WASI_NOTSUP;
}

enum wasi_errno wasi_fd_close(struct wasi_call *call)
{
    return descriptor_close(call->wasi, call->args[0].u32);
}

static enum wasi_errno synchronize(struct wasi_call *call, uint64_t right, bool only_data)
{
    DESCRIPTOR at;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, right, &at);
    if (error)
        return error;
    return at.file->ops->sync ? at.file->ops->sync(at.file, only_data) : WASI_INVAL;
}

enum wasi_errno wasi_fd_datasync(struct wasi_call *call)
{
    return synchronize(call, RIGHT_FD_DATASYNC, true);
}

enum wasi_errno wasi_fd_sync(struct wasi_call *call)
{
    return synchronize(call, RIGHT_FD_SYNC, false);
}

/* ---- fdstat ----------------------------------------------------------------------------------
 */

enum wasi_errno wasi_fd_fdstat_get(struct wasi_call *call)
{
    DESCRIPTOR at;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, 0, &at);
    if (error)
        return error;
    uint8_t *out = guest_range(&call->memory, call->args[1].u32, FDSTAT_SIZE);
    uint16_t flags = 0;
    if (!out)
        return WASI_FAULT;
    error = at.file->ops->get_flags ? at.file->ops->get_flags(at.file, &flags) : WASI_SUCCESS;
    if (error)
        return error;
    memset(out, 0, FDSTAT_SIZE);
    out[0] = (uint8_t)at.file->type;
    out[2] = (uint8_t)flags;
    put_u64(out + 8, at.rights);
    put_u64(out + 16, at.inheriting);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_fdstat_set_flags(struct wasi_call *call)
{
    uint32_t flags = call->args[1].u32;
    DESCRIPTOR at;
    enum wasi_errno error =
        descriptor_find(call->wasi, call->args[0].u32, RIGHT_FD_FDSTAT_SET_FLAGS, &at);
    if (error)
        return error;
    if (flags & ~(uint32_t)FDFLAGS_ALL)
        return WASI_INVAL;
    return at.file->ops->set_flags ? at.file->ops->set_flags(at.file, (uint16_t)flags)
                                   : WASI_NOTSUP;
}

enum wasi_errno wasi_fd_fdstat_set_rights(struct wasi_call *call)
{
    return descriptor_restrict(call->wasi, call->args[0].u32, call->args[1].u64, call->args[2].u64);
}

/* ---- filestat --------------------------------------------------------------------------------
 */

void wasi_store_filestat(uint8_t out[FILESTAT_SIZE], const struct wasi_filestat *stat)
{
    memset(out, 0, FILESTAT_SIZE);
    put_u64(out, stat->device);
    put_u64(out + 8, stat->inode);
    out[16] = (uint8_t)stat->type;
    put_u64(out + 24, stat->links);
    put_u64(out + 32, stat->size);
    put_u64(out + 40, stat->accessed);
    put_u64(out + 48, stat->modified);
    put_u64(out + 56, stat->changed);
}

enum wasi_errno wasi_fd_filestat_get(struct wasi_call *call)
{
    DESCRIPTOR at;
    enum wasi_errno error =
        descriptor_find(call->wasi, call->args[0].u32, RIGHT_FD_FILESTAT_GET, &at);
    if (error)
        return error;
    uint8_t *out = guest_range(&call->memory, call->args[1].u32, FILESTAT_SIZE);
    struct wasi_filestat stat = {.type = at.file->type, .links = 1};
    if (!out)
        return WASI_FAULT;
    error = at.file->ops->stat ? at.file->ops->stat(at.file, &stat) : WASI_SUCCESS;
    if (error == WASI_SUCCESS)
        wasi_store_filestat(out, &stat);
    return error;
}

enum wasi_errno wasi_fd_filestat_set_size(struct wasi_call *call)
{
    uint64_t size = call->args[1].u64;
    DESCRIPTOR at;
    enum wasi_errno error =
        descriptor_find(call->wasi, call->args[0].u32, RIGHT_FD_FILESTAT_SET_SIZE, &at);
    if (error)
        return error;
    if (size > INT64_MAX)
        return WASI_INVAL;
    return at.file->ops->set_size ? at.file->ops->set_size(at.file, size) : WASI_INVAL;
}

static struct timespec time_of(uint64_t nanoseconds, bool set, bool now)
{
    if (now)
        return (struct timespec){.tv_nsec = UTIME_NOW};
    if (!set)
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    return (struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000u),
                             .tv_nsec = (long)(nanoseconds % 1000000000u)};
}

enum wasi_errno wasi_times(uint64_t accessed, uint64_t modified, uint32_t fstflags,
                           struct timespec times[2])
{
    bool set_accessed = fstflags & FSTFLAG_ATIM, now_accessed = fstflags & FSTFLAG_ATIM_NOW;
    bool set_modified = fstflags & FSTFLAG_MTIM, now_modified = fstflags & FSTFLAG_MTIM_NOW;
    if (fstflags > 15 || (set_accessed && now_accessed) || (set_modified && now_modified))
        return WASI_INVAL;
    times[0] = time_of(accessed, set_accessed, now_accessed);
    times[1] = time_of(modified, set_modified, now_modified);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_filestat_set_times(struct wasi_call *call)
{
    struct timespec times[2];
    DESCRIPTOR at;
    enum wasi_errno error =
        descriptor_find(call->wasi, call->args[0].u32, RIGHT_FD_FILESTAT_SET_TIMES, &at);
    if (error)
        return error;
    error = wasi_times(call->args[1].u64, call->args[2].u64, call->args[3].u32, times);
    if (error)
        return error;
    return at.file->ops->set_times ? at.file->ops->set_times(at.file, times) : WASI_NOTSUP;
}

/* ---- Pre-opened directories, numbers ---------------------------------------------------------
 */

/* Libraries look for directories from descriptor 3 on, until BADF. So that they find those behind
 * a socket, other descriptors before a directory are a kind that is not known: it is passed over.
 */
enum wasi_errno wasi_fd_prestat_get(struct wasi_call *call)
{
    enum { DIRECTORY, OTHER, FIRST_LOOKED_AT = 3 };
    uint32_t fd = call->args[0].u32;
    size_t length = 0;
    enum wasi_errno error = descriptor_preopen(call->wasi, fd, NULL, 0, &length);
    if (error && (fd < FIRST_LOOKED_AT || !descriptor_precedes_preopen(call->wasi, fd)))
        return error;
    uint8_t *out = guest_range(&call->memory, call->args[1].u32, PRESTAT_SIZE);
    if (!out)
        return WASI_FAULT;
    put_u32(out, error ? OTHER : DIRECTORY);
    put_u32(out + 4, (uint32_t)length);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_prestat_dir_name(struct wasi_call *call)
{
    char name[WASI_PATH_MAX];
    size_t length;
    uint32_t room = call->args[2].u32;
    enum wasi_errno error =
        descriptor_preopen(call->wasi, call->args[0].u32, name, sizeof(name), &length);
    if (error)
        return error;
    if (room < length)
        return WASI_NAMETOOLONG;
    uint8_t *out = guest_range(&call->memory, call->args[1].u32, length);
    if (!out)
        return WASI_FAULT;
    memcpy(out, name, length);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_renumber(struct wasi_call *call)
{
    return descriptor_renumber(call->wasi, call->args[0].u32, call->args[1].u32);
}
