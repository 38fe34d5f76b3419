/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/wasi/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Reading and writing ---------------------------------------------------------------------
 * One buffer needs no vector, which a Keep would have to copy. */

enum wasi_errno host_count(ssize_t result, const struct iovec *iovs, int count, size_t *done)
{
    size_t total = 0;
    if (result < 0)
        return wasi_errno_of(errno);
    for (int i = 0; i < count; i++)
        total += iovs[i].iov_len;
    if ((size_t)result > total)
        return WASI_IO;
    *done = (size_t)result;
    return WASI_SUCCESS;
}

static enum wasi_errno file_read(struct wasi_file *file, const struct iovec *iovs, int count,
                                 size_t *done)
{
    int fd = host_file(file)->fd;
    ssize_t result;
    do {
        result = count == 1 ? read(fd, iovs->iov_base, iovs->iov_len) : readv(fd, iovs, count);
    } while (result < 0 && errno == EINTR);
    return host_count(result, iovs, count, done);
}

static enum wasi_errno file_write(struct wasi_file *file, const struct iovec *iovs, int count,
                                  size_t *done)
{
    int fd = host_file(file)->fd;
    ssize_t result;
    do {
        result = count == 1 ? write(fd, iovs->iov_base, iovs->iov_len) : writev(fd, iovs, count);
    } while (result < 0 && errno == EINTR);
    return host_count(result, iovs, count, done);
}

static enum wasi_errno file_pread(struct wasi_file *file, const struct iovec *iovs, int count,
                                  uint64_t offset, size_t *done)
{
    int fd = host_file(file)->fd;
    off_t at = (off_t)offset;
    ssize_t result;
    do {
        result =
            count == 1 ? pread(fd, iovs->iov_base, iovs->iov_len, at) : preadv(fd, iovs, count, at);
    } while (result < 0 && errno == EINTR);
    return host_count(result, iovs, count, done);
}

static enum wasi_errno write_at(int fd, const struct iovec *iovs, int count, uint64_t offset,
                                size_t *done)
{
    off_t at = (off_t)offset;
    ssize_t result;
    do {
        result = count == 1 ? pwrite(fd, iovs->iov_base, iovs->iov_len, at)
                            : pwritev(fd, iovs, count, at);
    } while (result < 0 && errno == EINTR);
    return host_count(result, iovs, count, done);
}

/* POSIX wants the offset to count even with O_APPEND; Linux ignores it then, so the flag is off
 * during the call. */
static enum wasi_errno file_pwrite(struct wasi_file *file, const struct iovec *iovs, int count,
                                   uint64_t offset, size_t *done)
{
    struct host_file *host = host_file(file);
    int flags = fcntl(host->fd, F_GETFL);
    if (flags < 0)
        return wasi_errno_of(errno);
    if (!(flags & O_APPEND))
        return write_at(host->fd, iovs, count, offset, done);
    pthread_mutex_lock(&host->lock);
    enum wasi_errno error = WASI_SUCCESS;
    if (fcntl(host->fd, F_SETFL, flags & ~O_APPEND) < 0)
        error = wasi_errno_of(errno);
    if (error == WASI_SUCCESS)
        error = write_at(host->fd, iovs, count, offset, done);
    if (fcntl(host->fd, F_SETFL, flags) < 0 && error == WASI_SUCCESS)
        error = wasi_errno_of(errno);
    pthread_mutex_unlock(&host->lock);
    return error;
}

/* An appending write must not happen while file_pwrite has the flag off. */
static enum wasi_errno file_write_locked(struct wasi_file *file, const struct iovec *iovs,
                                         int count, size_t *done)
{
    struct host_file *host = host_file(file);
    if (file->type != FILETYPE_REGULAR_FILE)
        return file_write(file, iovs, count, done);
    pthread_mutex_lock(&host->lock);
    enum wasi_errno error = file_write(file, iovs, count, done);
    pthread_mutex_unlock(&host->lock);
    return error;
}

static enum wasi_errno file_seek(struct wasi_file *file, int64_t offset, int whence,
                                 uint64_t *position)
{
    static const int whences[] = {
        [WHENCE_SET] = SEEK_SET, [WHENCE_CUR] = SEEK_CUR, [WHENCE_END] = SEEK_END};
    off_t result = lseek(host_file(file)->fd, offset, whences[whence]);
    if (result < 0)
        return wasi_errno_of(errno);
    *position = (uint64_t)result;
    return WASI_SUCCESS;
}

/* ---- State -----------------------------------------------------------------------------------
 */

static const struct {
    uint16_t wasi;
    int host;
} flags_of[] = {
    {FDFLAG_SYNC, O_SYNC}, /* contains O_DSYNC */
    {FDFLAG_APPEND, O_APPEND},
    {FDFLAG_NONBLOCK, O_NONBLOCK},
};

enum wasi_errno host_get_flags(struct wasi_file *file, uint16_t *fdflags)
{
    int flags = fcntl(host_file(file)->fd, F_GETFL);
    if (flags < 0)
        return wasi_errno_of(errno);
    *fdflags = (flags & O_DSYNC) ? FDFLAG_DSYNC : 0;
    for (size_t i = 0; i < sizeof(flags_of) / sizeof(flags_of[0]); i++) {
        if ((flags & flags_of[i].host) == flags_of[i].host)
            *fdflags |= flags_of[i].wasi;
    }
    return WASI_SUCCESS;
}

/* Linux changes only two of them after open. */
enum wasi_errno host_set_flags(struct wasi_file *file, uint16_t fdflags)
{
    struct host_file *host = host_file(file);
    enum { CHANGEABLE = FDFLAG_APPEND | FDFLAG_NONBLOCK };
    pthread_mutex_lock(&host->lock);
    int flags = fcntl(host->fd, F_GETFL), wanted = flags & ~(O_APPEND | O_NONBLOCK);
    if (fdflags & FDFLAG_APPEND)
        wanted |= O_APPEND;
    if (fdflags & FDFLAG_NONBLOCK)
        wanted |= O_NONBLOCK;
    if (!host->owned && host->first_flags < 0)
        host->first_flags = flags;
    bool failed = flags < 0 || fcntl(host->fd, F_SETFL, wanted) < 0;
    int code = errno;
    pthread_mutex_unlock(&host->lock);
    if (failed)
        return wasi_errno_of(code);
    uint16_t now = 0;
    enum wasi_errno error = host_get_flags(file, &now);
    bool lacking = fdflags & ~now & ~CHANGEABLE;
    return error == WASI_SUCCESS && lacking ? WASI_NOTSUP : error;
}

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

static enum wasi_filetype type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return FILETYPE_REGULAR_FILE;
    case S_IFDIR:
        return FILETYPE_DIRECTORY;
    case S_IFLNK:
        return FILETYPE_SYMBOLIC_LINK;
    case S_IFCHR:
        return FILETYPE_CHARACTER_DEVICE;
    case S_IFBLK:
        return FILETYPE_BLOCK_DEVICE;
    case S_IFSOCK:
        return FILETYPE_SOCKET_STREAM;
    default:
        return FILETYPE_UNKNOWN;
    }
}

void host_filestat(const struct stat *stat, struct wasi_filestat *out)
{
    *out = (struct wasi_filestat){
        .device = stat->st_dev,
        .inode = stat->st_ino,
        .links = stat->st_nlink,
        .size = (uint64_t)stat->st_size,
        .accessed = nanoseconds(&stat->st_atim),
        .modified = nanoseconds(&stat->st_mtim),
        .changed = nanoseconds(&stat->st_ctim),
        .type = type_of(stat->st_mode),
    };
}

enum wasi_errno host_stat(struct wasi_file *file, struct wasi_filestat *out)
{
    struct stat stat;
    if (fstat(host_file(file)->fd, &stat) < 0)
        return wasi_errno_of(errno);
    host_filestat(&stat, out);
    out->type = file->type;
    return WASI_SUCCESS;
}

static enum wasi_errno file_set_size(struct wasi_file *file, uint64_t size)
{
    return ftruncate(host_file(file)->fd, (off_t)size) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

enum wasi_errno host_set_times(struct wasi_file *file, const struct timespec times[2])
{
    const struct host_file *host = host_file(file);
    if (host->read_only)
        return WASI_ROFS;
    return futimens(host->fd, times) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

static enum wasi_errno file_advise(struct wasi_file *file, uint64_t offset, uint64_t length,
                                   int advice)
{
    static const int advices[ADVICE_COUNT] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL,
                                              POSIX_FADV_RANDOM,   POSIX_FADV_WILLNEED,
                                              POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE};
    return wasi_errno_of(
        posix_fadvise(host_file(file)->fd, (off_t)offset, (off_t)length, advices[advice]));
}

static enum wasi_errno file_allocate(struct wasi_file *file, uint64_t offset, uint64_t length)
{
    int result;
    do {
        result = fallocate(host_file(file)->fd, 0, (off_t)offset, (off_t)length);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

enum wasi_errno host_sync(struct wasi_file *file, bool only_data)
{
    int fd = host_file(file)->fd;
    return (only_data ? fdatasync(fd) : fsync(fd)) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

static uint64_t bytes_left(int fd)
{
    struct stat stat;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at < 0 || fstat(fd, &stat) < 0 || stat.st_size < at)
        return 0;
    return (uint64_t)(stat.st_size - at);
}

void host_ready(struct wasi_file *file, bool writing, struct wasi_readiness *out)
{
    int fd = host_file(file)->fd;
    if (file->type == FILETYPE_REGULAR_FILE || file->type == FILETYPE_DIRECTORY) {
        *out = (struct wasi_readiness){.ready = true, .fd = -1};
        out->bytes = writing ? 0 : bytes_left(fd);
        return;
    }
    int bytes = 0;
    if (!writing && ioctl(fd, FIONREAD, &bytes) < 0)
        bytes = 0;
    *out = (struct wasi_readiness){.fd = fd, .events = writing ? POLLOUT : POLLIN};
    out->bytes = bytes > 0 ? (uint64_t)bytes : 0;
}

/* ---- Making and closing ----------------------------------------------------------------------
 */

void host_close(struct wasi_file *file)
{
    struct host_file *host = host_file(file);
    if (host->owned)
        close(host->fd);
    else if (host->first_flags >= 0)
        fcntl(host->fd, F_SETFL, host->first_flags);
    host_readdir_close(host);
    pthread_mutex_destroy(&host->lock);
    free(host);
}

void host_file_own(struct wasi_file *file)
{
    host_file(file)->owned = true;
}

const struct wasi_file_ops host_file_ops = {
    .close = host_close,
    .read = file_read,
    .write = file_write_locked,
    .pread = file_pread,
    .pwrite = file_pwrite,
    .seek = file_seek,
    .get_flags = host_get_flags,
    .set_flags = host_set_flags,
    .stat = host_stat,
    .set_size = file_set_size,
    .set_times = host_set_times,
    .advise = file_advise,
    .allocate = file_allocate,
    .sync = host_sync,
    .ready = host_ready,
};

/* What the access mode and the kind of file leave. A character device that has no position is a
 * terminal, which programs tell by its rights. */
static uint64_t rights_of(int fd, enum wasi_filetype type, int flags)
{
    uint64_t rights = wasi_type_rights(type);
    int access = flags & O_ACCMODE;
    if (type == FILETYPE_DIRECTORY)
        return rights;
    if (access == O_RDONLY)
        rights &= ~(RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE);
    if (access == O_WRONLY)
        rights &= ~RIGHT_FD_READ;
    if (type == FILETYPE_CHARACTER_DEVICE && lseek(fd, 0, SEEK_CUR) < 0)
        rights &= ~(RIGHT_FD_SEEK | RIGHT_FD_TELL);
    return rights;
}

static enum wasi_filetype socket_type(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM)
        return FILETYPE_SOCKET_DGRAM;
    return FILETYPE_SOCKET_STREAM;
}

enum wasi_errno host_file_new(int fd, bool read_only, struct wasi_file **out)
{
    struct stat stat;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &stat) < 0)
        return wasi_errno_of(errno);
    struct host_file *host = calloc(1, sizeof(*host));
    if (!host)
        return WASI_NOMEM;
    struct wasi_file *file = &host->file;
    *host = (struct host_file){.fd = fd, .read_only = read_only, .first_flags = -1};
    pthread_mutex_init(&host->lock, NULL);
    bool is_socket = S_ISSOCK(stat.st_mode);
    file->type = is_socket ? socket_type(fd) : type_of(stat.st_mode);
    file->rights = rights_of(fd, file->type, flags);
    file->ops = is_socket                          ? &host_socket_ops
                : file->type == FILETYPE_DIRECTORY ? &host_dir_ops
                                                   : &host_file_ops;
    atomic_init(&file->references, 1);
    *out = file;
    return WASI_SUCCESS;
}
