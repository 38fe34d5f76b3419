/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/wasi/host.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct msghdr message_of(const struct iovec *iovs, int count)
{
    return (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)iovs, .msg_iovlen = (size_t)count};
}

static enum wasi_errno receive(int fd, const struct iovec *iovs, int count, int flags, size_t *done,
                               uint16_t *out_flags)
{
    struct msghdr message = message_of(iovs, count);
    ssize_t result;
    do {
        result = recvmsg(fd, &message, flags);
    } while (result < 0 && errno == EINTR);
    enum wasi_errno error = host_count(result, iovs, count, done);
    if (error == WASI_SUCCESS && (message.msg_flags & MSG_TRUNC))
        *out_flags = ROFLAG_DATA_TRUNCATED;
    return error;
}

/* A stream is never cut, so that the shorter call does. */
static enum wasi_errno socket_receive(struct wasi_file *file, const struct iovec *iovs, int count,
                                      uint16_t flags, size_t *done, uint16_t *out_flags)
{
    int fd = host_file(file)->fd;
    int host_flags =
        (flags & RIFLAG_PEEK ? MSG_PEEK : 0) | (flags & RIFLAG_WAITALL ? MSG_WAITALL : 0);
    if (file->type != FILETYPE_SOCKET_STREAM || count != 1)
        return receive(fd, iovs, count, host_flags, done, out_flags);
    ssize_t result;
    do {
        result = recv(fd, iovs->iov_base, iovs->iov_len, host_flags);
    } while (result < 0 && errno == EINTR);
    return host_count(result, iovs, count, done);
}

static enum wasi_errno socket_read(struct wasi_file *file, const struct iovec *iovs, int count,
                                   size_t *done)
{
    uint16_t out_flags;
    return socket_receive(file, iovs, count, 0, done, &out_flags);
}

static enum wasi_errno socket_write(struct wasi_file *file, const struct iovec *iovs, int count,
                                    size_t *done)
{
    int fd = host_file(file)->fd;
    struct msghdr message = message_of(iovs, count);
    ssize_t result;
    do {
        result = count == 1 ? send(fd, iovs->iov_base, iovs->iov_len, MSG_NOSIGNAL)
                            : sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (result < 0 && errno == EINTR);
    return host_count(result, iovs, count, done);
}

static enum wasi_errno socket_shutdown(struct wasi_file *file, uint8_t how)
{
    int host_how = how == SDFLAG_RD ? SHUT_RD : how == SDFLAG_WR ? SHUT_WR : SHUT_RDWR;
    return shutdown(host_file(file)->fd, host_how) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

static enum wasi_errno socket_accept(struct wasi_file *file, uint16_t fdflags,
                                     struct wasi_file **out)
{
    int flags = SOCK_CLOEXEC | (fdflags & FDFLAG_NONBLOCK ? SOCK_NONBLOCK : 0);
    int fd;
    do {
        fd = accept4(host_file(file)->fd, NULL, NULL, flags);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return wasi_errno_of(errno);
    enum wasi_errno error = host_file_new(fd, false, out);
    if (error) {
        close(fd);
        return error;
    }
    host_file_own(*out);
    return WASI_SUCCESS;
}

const struct wasi_file_ops host_socket_ops = {
    .close = host_close,
    .read = socket_read,
    .write = socket_write,
    .get_flags = host_get_flags,
    .set_flags = host_set_flags,
    .stat = host_stat,
    .ready = host_ready,
    .receive = socket_receive,
    .send = socket_write,
    .shutdown = socket_shutdown,
    .accept = socket_accept,
};
