/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are no files of the host: null, and what the embedder brings. */
#include "wick/wasi/context.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { DATAGRAM_MAX = 65535 }; /* bytes of the largest, of any protocol */

struct stream {
    struct wasi_file file;
    const struct wick_wasi_stream *stream; /* NULL: null */
    void *env;
    atomic_bool nonblocking;
};

static struct stream *stream_of(struct wasi_file *file)
{
    return (struct stream *)file;
}

static enum wasi_errno new_file(const struct wasi_file_ops *ops, enum wasi_filetype type,
                                struct stream **out)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return WASI_NOMEM;
    stream->file.ops = ops;
    stream->file.type = type;
    stream->file.rights = wasi_type_rights(type);
    atomic_init(&stream->file.references, 1);
    *out = stream;
    return WASI_SUCCESS;
}

/* ---- Null ------------------------------------------------------------------------------------
 */

static void null_close(struct wasi_file *file)
{
    free(file);
}

static enum wasi_errno null_read(struct wasi_file *file, const struct iovec *iovs, int count,
                                 size_t *done)
{
    (void)file;
    (void)iovs;
    (void)count;
    *done = 0;
    return WASI_SUCCESS;
}

static enum wasi_errno null_write(struct wasi_file *file, const struct iovec *iovs, int count,
                                  size_t *done)
{
    (void)file;
    *done = 0;
    for (int i = 0; i < count; i++)
        *done += iovs[i].iov_len;
    return WASI_SUCCESS;
}

static enum wasi_errno null_get_flags(struct wasi_file *file, uint16_t *fdflags)
{
    (void)file;
    *fdflags = FDFLAG_APPEND | FDFLAG_NONBLOCK;
    return WASI_SUCCESS;
}

static enum wasi_errno null_set_flags(struct wasi_file *file, uint16_t fdflags)
{
    (void)file;
    (void)fdflags;
    return WASI_SUCCESS;
}

static enum wasi_errno null_sync(struct wasi_file *file, bool only_data)
{
    (void)file;
    (void)only_data;
    return WASI_SUCCESS;
}

static void null_ready(struct wasi_file *file, bool writing, struct wasi_readiness *out)
{
    (void)file;
    (void)writing;
    *out = (struct wasi_readiness){.ready = true, .fd = -1};
}

static const struct wasi_file_ops null_ops = {
    .close = null_close,
    .read = null_read,
    .write = null_write,
    .get_flags = null_get_flags,
    .set_flags = null_set_flags,
    .sync = null_sync,
    .ready = null_ready,
};

enum wasi_errno null_file_new(struct wasi_file **out)
{
    struct stream *stream;
    enum wasi_errno error = new_file(&null_ops, FILETYPE_UNKNOWN, &stream);
    if (error == WASI_SUCCESS)
        *out = &stream->file;
    return error;
}

/* ---- The embedder's --------------------------------------------------------------------------
 */

static enum wasi_errno outcome(int64_t result, size_t size, size_t *done)
{
    if (result < 0)
        return wasi_errno_of(result > -4096 ? (int)-result : EIO);
    if ((uint64_t)result > size)
        return WASI_IO;
    *done += (size_t)result;
    return WASI_SUCCESS;
}

static enum wasi_errno stream_read(struct wasi_file *file, const struct iovec *iovs, int count,
                                   size_t *done)
{
    const struct stream *stream = stream_of(file);
    (void)count; /* one buffer is enough: less than wanted is allowed */
    if (!stream->stream->read)
        return WASI_BADF;
    return outcome(stream->stream->read(stream->env, iovs->iov_base, iovs->iov_len), iovs->iov_len,
                   done);
}

/* Bytes that were written before an error count as success; the error comes again. */
static enum wasi_errno stream_write(struct wasi_file *file, const struct iovec *iovs, int count,
                                    size_t *done)
{
    const struct stream *stream = stream_of(file);
    if (!stream->stream->write)
        return WASI_BADF;
    for (int i = 0; i < count; i++) {
        size_t before = *done;
        enum wasi_errno error =
            outcome(stream->stream->write(stream->env, iovs[i].iov_base, iovs[i].iov_len),
                    iovs[i].iov_len, done);
        if (error)
            return before ? WASI_SUCCESS : error;
        if (*done - before < iovs[i].iov_len)
            break;
    }
    return WASI_SUCCESS;
}

static enum wasi_errno stream_get_flags(struct wasi_file *file, uint16_t *fdflags)
{
    *fdflags = atomic_load(&stream_of(file)->nonblocking) ? FDFLAG_NONBLOCK : 0;
    return WASI_SUCCESS;
}

static enum wasi_errno stream_set_flags(struct wasi_file *file, uint16_t fdflags)
{
    struct stream *stream = stream_of(file);
    bool on = fdflags & FDFLAG_NONBLOCK;
    if (fdflags & ~FDFLAG_NONBLOCK)
        return WASI_INVAL;
    if (!stream->stream->set_nonblocking)
        return on ? WASI_NOTSUP : WASI_SUCCESS;
    int result = stream->stream->set_nonblocking(stream->env, on);
    if (result < 0)
        return wasi_errno_of(-result);
    atomic_store(&stream->nonblocking, on);
    return WASI_SUCCESS;
}

static void stream_ready(struct wasi_file *file, bool writing, struct wasi_readiness *out)
{
    const struct stream *stream = stream_of(file);
    struct wick_wasi_wait wait = {
        .fd = -1, .events = writing ? POLLOUT : POLLIN, .milliseconds = -1};
    int64_t bytes = stream->stream->ready(stream->env, writing, &wait);
    bool ready = bytes != 0 || wait.fd < 0; /* an error is reported by reading or writing */
    *out = (struct wasi_readiness){
        .ready = ready,
        .bytes = bytes > 0 && !writing ? (uint64_t)bytes : 0,
        .fd = wait.fd,
        .events = wait.events,
        .ask_again = true,
        .milliseconds = wait.milliseconds,
    };
}

static enum wasi_errno stream_receive(struct wasi_file *file, const struct iovec *iovs, int count,
                                      uint16_t flags, size_t *done, uint16_t *out_flags)
{
    *out_flags = 0;
    if (flags & RIFLAG_PEEK)
        return WASI_NOTSUP;
    if (count == 0)
        return WASI_SUCCESS;
    if (!(flags & RIFLAG_WAITALL))
        return stream_read(file, iovs, count, done);
    for (int i = 0; i < count; i++) {
        for (size_t got = 0; got < iovs[i].iov_len;) {
            struct iovec rest = {(char *)iovs[i].iov_base + got, iovs[i].iov_len - got};
            size_t part = 0;
            enum wasi_errno error = stream_read(file, &rest, 1, &part);
            if (error || part == 0)
                return *done ? WASI_SUCCESS : error;
            got += part;
            *done += part;
        }
    }
    return WASI_SUCCESS;
}

static enum wasi_errno stream_shutdown(struct wasi_file *file, uint8_t how)
{
    const struct stream *stream = stream_of(file);
    int host_how = how == SDFLAG_RD ? SHUT_RD : how == SDFLAG_WR ? SHUT_WR : SHUT_RDWR;
    if (!stream->stream->shutdown)
        return WASI_NOTSUP;
    return wasi_errno_of(-stream->stream->shutdown(stream->env, host_how));
}

static enum wasi_errno stream_accept(struct wasi_file *file, uint16_t fdflags,
                                     struct wasi_file **out)
{
    const struct stream *stream = stream_of(file);
    const struct wick_wasi_stream *accepted;
    void *env;
    if (!stream->stream->accept)
        return WASI_NOTSUP;
    bool nonblocking = fdflags & FDFLAG_NONBLOCK;
    int result = stream->stream->accept(stream->env, nonblocking, &accepted, &env);
    if (result < 0)
        return wasi_errno_of(-result);
    enum wasi_errno error = stream_file_new(accepted, env, out);
    if (error)
        accepted->close(env);
    else
        atomic_store(&stream_of(*out)->nonblocking, nonblocking);
    return error;
}

static void stream_close(struct wasi_file *file)
{
    const struct stream *stream = stream_of(file);
    stream->stream->close(stream->env);
    free(file);
}

static const struct wasi_file_ops stream_ops = {
    .close = stream_close,
    .read = stream_read,
    .write = stream_write,
    .get_flags = stream_get_flags,
    .set_flags = stream_set_flags,
    .ready = stream_ready,
    .receive = stream_receive,
    .send = stream_write,
    .shutdown = stream_shutdown,
    .accept = stream_accept,
};

/* ---- The embedder's, of datagrams ------------------------------------------------------------
 */

static size_t total_of(const struct iovec *iovs, int count)
{
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += iovs[i].iov_len;
    return total;
}

static enum wasi_errno receive_once(const struct stream *stream, uint8_t *data, size_t size,
                                    bool peek, size_t *done, uint16_t *out_flags)
{
    if (!stream->stream->receive)
        return WASI_BADF;
    int64_t result = stream->stream->receive(stream->env, data, size, peek);
    if (result > 0 && (uint64_t)result > size) {
        *out_flags = ROFLAG_DATA_TRUNCATED;
        result = (int64_t)size;
    }
    return outcome(result, size, done);
}

static enum wasi_errno datagram_receive(struct wasi_file *file, const struct iovec *iovs, int count,
                                        uint16_t flags, size_t *done, uint16_t *out_flags)
{
    const struct stream *stream = stream_of(file);
    const bool peek = flags & RIFLAG_PEEK;
    *out_flags = 0;
    if (count <= 1)
        return receive_once(stream, count ? iovs->iov_base : NULL, count ? iovs->iov_len : 0, peek,
                            done, out_flags);
    size_t size = total_of(iovs, count);
    size = size < DATAGRAM_MAX ? size : DATAGRAM_MAX;
    uint8_t *data = malloc(size);
    if (!data)
        return WASI_NOMEM;
    enum wasi_errno error = receive_once(stream, data, size, peek, done, out_flags);
    for (size_t i = 0, at = 0; error == WASI_SUCCESS && at < *done; i++) {
        size_t part = *done - at < iovs[i].iov_len ? *done - at : iovs[i].iov_len;
        memcpy(iovs[i].iov_base, data + at, part);
        at += part;
    }
    free(data);
    return error;
}

static enum wasi_errno datagram_read(struct wasi_file *file, const struct iovec *iovs, int count,
                                     size_t *done)
{
    uint16_t out_flags;
    return datagram_receive(file, iovs, count, 0, done, &out_flags);
}

static enum wasi_errno write_once(const struct stream *stream, const uint8_t *data, size_t size,
                                  size_t *done)
{
    if (!stream->stream->write)
        return WASI_BADF;
    return outcome(stream->stream->write(stream->env, data, size), size, done);
}

static enum wasi_errno datagram_write(struct wasi_file *file, const struct iovec *iovs, int count,
                                      size_t *done)
{
    const struct stream *stream = stream_of(file);
    if (count <= 1)
        return write_once(stream, count ? iovs->iov_base : NULL, count ? iovs->iov_len : 0, done);
    size_t size = total_of(iovs, count), at = 0;
    if (size > DATAGRAM_MAX)
        return WASI_MSGSIZE;
    uint8_t *data = malloc(size);
    if (!data)
        return WASI_NOMEM;
    for (int i = 0; i < count; i++) {
        memcpy(data + at, iovs[i].iov_base, iovs[i].iov_len);
        at += iovs[i].iov_len;
    }
    enum wasi_errno error = write_once(stream, data, size, done);
    free(data);
    return error;
}

static const struct wasi_file_ops datagram_ops = {
    .close = stream_close,
    .read = datagram_read,
    .write = datagram_write,
    .get_flags = stream_get_flags,
    .set_flags = stream_set_flags,
    .ready = stream_ready,
    .receive = datagram_receive,
    .send = datagram_write,
    .shutdown = stream_shutdown,
    .accept = stream_accept,
};

enum wasi_errno stream_file_new(const struct wick_wasi_stream *ops, void *env,
                                struct wasi_file **out)
{
    struct stream *stream;
    enum wasi_errno error = ops->datagrams ? new_file(&datagram_ops, FILETYPE_SOCKET_DGRAM, &stream)
                                           : new_file(&stream_ops, FILETYPE_SOCKET_STREAM, &stream);
    if (error)
        return error;
    stream->stream = ops;
    stream->env = env;
    *out = &stream->file;
    return WASI_SUCCESS;
}
