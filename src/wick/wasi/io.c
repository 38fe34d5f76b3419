/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing: files, directories, sockets. */
#include "wick/wasi/context.h"

static enum wasi_errno put_count(struct wasi_call *call, int argument, size_t count)
{
    return guest_put_u32(&call->memory, call->args[argument].u32, (uint32_t)count);
}

/* The steps that all transfers begin with: descriptor, buffers, and a place for the count, so that
 * nothing is transferred in vain. */
static enum wasi_errno begin(struct wasi_call *call, uint64_t rights, struct descriptor *at,
                             struct guest_iovs *iovs, int result)
{
    iovs->list = iovs->space;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, rights, at);
    if (error)
        return error;
    if (!guest_range(&call->memory, call->args[result].u32, 4))
        return WASI_FAULT;
    return guest_iovs_init(iovs, &call->memory, call->args[1].u32, call->args[2].u32);
}

enum wasi_errno wasi_fd_read(struct wasi_call *call)
{
    DESCRIPTOR at = {0};
    GUEST_IOVS iovs;
    size_t done = 0;
    enum wasi_errno error = begin(call, RIGHT_FD_READ, &at, &iovs, 3);
    if (error)
        return error;
    if (!at.file->ops->read)
        return WASI_BADF;
    if (iovs.count)
        error = at.file->ops->read(at.file, iovs.list, iovs.count, &done);
    return error ? error : put_count(call, 3, done);
}

enum wasi_errno wasi_fd_write(struct wasi_call *call)
{
    DESCRIPTOR at = {0};
    GUEST_IOVS iovs;
    size_t done = 0;
    enum wasi_errno error = begin(call, RIGHT_FD_WRITE, &at, &iovs, 3);
    if (error)
        return error;
    if (!at.file->ops->write)
        return WASI_BADF;
    if (iovs.count)
        error = at.file->ops->write(at.file, iovs.list, iovs.count, &done);
    return error ? error : put_count(call, 3, done);
}

enum wasi_errno wasi_fd_pread(struct wasi_call *call)
{
    uint64_t offset = call->args[3].u64;
    DESCRIPTOR at = {0};
    GUEST_IOVS iovs;
    size_t done = 0;
    enum wasi_errno error = begin(call, RIGHT_FD_READ, &at, &iovs, 4);
    if (error)
        return error;
    if (!at.file->ops->pread)
        return WASI_SPIPE;
    if (offset > INT64_MAX)
        return WASI_INVAL;
    if (iovs.count)
        error = at.file->ops->pread(at.file, iovs.list, iovs.count, offset, &done);
    return error ? error : put_count(call, 4, done);
}

enum wasi_errno wasi_fd_pwrite(struct wasi_call *call)
{
    uint64_t offset = call->args[3].u64;
    DESCRIPTOR at = {0};
    GUEST_IOVS iovs;
    size_t done = 0;
    enum wasi_errno error = begin(call, RIGHT_FD_WRITE, &at, &iovs, 4);
    if (error)
        return error;
    if (!at.file->ops->pwrite)
        return WASI_SPIPE;
    if (offset > INT64_MAX)
        return WASI_INVAL;
    if (iovs.count)
        error = at.file->ops->pwrite(at.file, iovs.list, iovs.count, offset, &done);
    return error ? error : put_count(call, 4, done);
}

static enum wasi_errno seek(struct wasi_call *call, uint64_t right, int64_t offset, uint32_t whence,
                            uint32_t result)
{
    DESCRIPTOR at;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, right, &at);
    if (error)
        return error;
    uint64_t position;
    if (whence > WHENCE_END)
        return WASI_INVAL;
    if (!guest_range(&call->memory, result, 8))
        return WASI_FAULT;
    if (!at.file->ops->seek)
        return WASI_SPIPE;
    error = at.file->ops->seek(at.file, offset, (int)whence, &position);
    return error ? error : guest_put_u64(&call->memory, result, position);
}

enum wasi_errno wasi_fd_seek(struct wasi_call *call)
{
    int64_t offset = call->args[1].i64;
    uint32_t whence = call->args[2].u32;
    bool only_asks = offset == 0 && whence == WHENCE_CUR;
    return seek(call, only_asks ? RIGHT_FD_TELL : RIGHT_FD_SEEK, offset, whence, call->args[3].u32);
}

enum wasi_errno wasi_fd_tell(struct wasi_call *call)
{
    return seek(call, RIGHT_FD_TELL, 0, WHENCE_CUR, call->args[1].u32);
}

/* ---- Directories -----------------------------------------------------------------------------
 */

struct dirent_buffer {
    uint8_t *out;
    size_t size, used;
};

/* Appends what fits; a cut entry fills the buffer, which tells the program to come again. */
static bool append(struct dirent_buffer *buffer, const void *bytes, size_t size)
{
    size_t room = buffer->size - buffer->used;
    size_t count = size < room ? size : room;
    memcpy(buffer->out + buffer->used, bytes, count);
    buffer->used += count;
    return count == size;
}

static bool add_dirent(void *env, uint64_t next, uint64_t inode, enum wasi_filetype type,
                       const char *name, size_t length)
{
    struct dirent_buffer *buffer = env;
    uint8_t head[DIRENT_SIZE] = {0};
    put_u64(head, next);
    put_u64(head + 8, inode);
    put_u32(head + 16, (uint32_t)length);
    head[20] = (uint8_t)type;
    return append(buffer, head, sizeof(head)) && append(buffer, name, length);
}

enum wasi_errno wasi_fd_readdir(struct wasi_call *call)
{
    DESCRIPTOR at;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, RIGHT_FD_READDIR, &at);
    if (error)
        return error;
    struct dirent_buffer buffer = {.size = call->args[2].u32};
    buffer.out = guest_range(&call->memory, call->args[1].u32, buffer.size);
    if (!buffer.out || !guest_range(&call->memory, call->args[4].u32, 4))
        return WASI_FAULT;
    if (!at.file->ops->readdir)
        return WASI_NOTDIR;
    error = at.file->ops->readdir(at.file, call->args[3].u64, add_dirent, &buffer);
    return error ? error : put_count(call, 4, buffer.used);
}

/* ---- Sockets ---------------------------------------------------------------------------------
 */

enum wasi_errno wasi_sock_accept(struct wasi_call *call)
{
    uint32_t flags = call->args[1].u32;
    DESCRIPTOR at;
    enum wasi_errno error = descriptor_find(call->wasi, call->args[0].u32, RIGHT_SOCK_ACCEPT, &at);
    if (error)
        return error;
    if (flags & ~(uint32_t)FDFLAG_NONBLOCK)
        return WASI_INVAL;
    if (!guest_range(&call->memory, call->args[2].u32, 4))
        return WASI_FAULT;
    if (!at.file->ops->accept)
        return WASI_NOTSOCK;
    struct descriptor accepted = {0};
    error = at.file->ops->accept(at.file, (uint16_t)flags, &accepted.file);
    if (error)
        return error;
    accepted.rights = at.inheriting & accepted.file->rights;
    uint32_t fd = WICK_WASI_ANY;
    error = descriptor_add(call->wasi, &accepted, &fd);
    if (error) {
        file_put(accepted.file);
        return error;
    }
    return put_count(call, 2, fd);
}

enum wasi_errno wasi_sock_recv(struct wasi_call *call)
{
    uint32_t flags = call->args[3].u32;
    DESCRIPTOR at = {0};
    GUEST_IOVS iovs;
    size_t done = 0;
    uint16_t out_flags = 0;
    enum wasi_errno error = begin(call, RIGHT_FD_READ, &at, &iovs, 4);
    if (error)
        return error;
    uint8_t *out = guest_range(&call->memory, call->args[5].u32, 2);
    if (!out)
        return WASI_FAULT;
    if (!at.file->ops->receive)
        return WASI_NOTSOCK;
    if (flags & ~(uint32_t)(RIFLAG_PEEK | RIFLAG_WAITALL))
        return WASI_INVAL;
    error =
        at.file->ops->receive(at.file, iovs.list, iovs.count, (uint16_t)flags, &done, &out_flags);
    if (error)
        return error;
    out[0] = (uint8_t)out_flags;
    out[1] = 0;
    return put_count(call, 4, done);
}

enum wasi_errno wasi_sock_send(struct wasi_call *call)
{
    DESCRIPTOR at = {0};
    GUEST_IOVS iovs;
    size_t done = 0;
    enum wasi_errno error = begin(call, RIGHT_FD_WRITE, &at, &iovs, 4);
    if (error)
        return error;
    if (!at.file->ops->send)
        return WASI_NOTSOCK;
    if (call->args[3].u32)
        return WASI_INVAL;
    error = at.file->ops->send(at.file, iovs.list, iovs.count, &done);
    return error ? error : put_count(call, 4, done);
}

enum wasi_errno wasi_sock_shutdown(struct wasi_call *call)
{
    uint32_t how = call->args[1].u32;
    DESCRIPTOR at;
    enum wasi_errno error =
        descriptor_find(call->wasi, call->args[0].u32, RIGHT_SOCK_SHUTDOWN, &at);
    if (error)
        return error;
    if (how == 0 || how > (SDFLAG_RD | SDFLAG_WR))
        return WASI_INVAL;
    return at.file->ops->shutdown ? at.file->ops->shutdown(at.file, (uint8_t)how) : WASI_NOTSOCK;
}
