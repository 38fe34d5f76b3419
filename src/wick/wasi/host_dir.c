/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of the host. A path is resolved by openat2 with RESOLVE_BENEATH, so that neither
 * "..", nor a symbolic link, nor a race leads out of the directory. Calls that have no such form
 * work on the last component in its parent, which is resolved that way and held open.
 */
#include "wick/wasi/host.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum { RACES_MAX = 128 };

/* ---- Resolving -------------------------------------------------------------------------------
 */

/* A descriptor or -errno; leaving the directory is -EPERM. A concurrent rename on the path makes
 * the kernel unsure (EAGAIN): it is asked again. */
static int open_beneath(int dir, const char *path, int flags, uint64_t mode)
{
    struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC | (flags & O_PATH ? 0u : O_NOCTTY),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (flags & O_CREAT)
        how.mode = mode;
    for (int i = 0; i < RACES_MAX; i++) {
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        if (errno == EXDEV)
            return -EPERM;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

/* The directory that holds the last component of a path. */
struct parent {
    int fd;
    int opened;       /* fd, if it must be closed; else -1 */
    const char *last; /* with the slashes that follow it */
};

static void parent_close(const struct parent *parent)
{
    cleanup_close(&parent->opened);
}
#define PARENT __attribute__((cleanup(parent_close))) struct parent

static enum wasi_errno open_parent(const struct host_file *dir, const char *path,
                                   struct parent *out)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    *out = (struct parent){.fd = dir->fd, .opened = -1, .last = path + length};
    if (length == 0)
        return WASI_SUCCESS;
    char above[WASI_PATH_MAX];
    memcpy(above, path, length);
    above[length] = '\0';
    int fd = open_beneath(dir->fd, above, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return wasi_errno_of(-fd);
    out->fd = out->opened = fd;
    return WASI_SUCCESS;
}

/* As open_parent, to change what the directory holds. */
static enum wasi_errno open_parent_to_change(struct wasi_file *dir, const char *path,
                                             struct parent *out)
{
    *out = (struct parent){.opened = -1};
    if (host_file(dir)->read_only)
        return WASI_ROFS;
    return open_parent(host_file(dir), path, out);
}

static bool ends_with_slash(const char *path)
{
    return path[0] && path[strlen(path) - 1] == '/';
}

/* A slash at the end asks the kernel to follow a link, which only openat2 confines. What remains
 * of the call with such a path is its error: `is_directory` if that is what is there. */
static enum wasi_errno error_of_slash(const struct host_file *dir, const char *path,
                                      enum wasi_errno is_directory)
{
    autoclose int fd = open_beneath(dir->fd, path, O_PATH | O_DIRECTORY, 0);
    return fd < 0 ? wasi_errno_of(-fd) : is_directory;
}

static enum wasi_errno outcome(int result)
{
    return result < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

/* ---- Opening ---------------------------------------------------------------------------------
 */

static int host_flags(const struct wasi_open *how)
{
    int flags = !how->write ? O_RDONLY : how->read ? O_RDWR : O_WRONLY;
    flags |= how->follow ? 0 : O_NOFOLLOW;
    flags |= how->oflags & OFLAG_CREAT ? O_CREAT : 0;
    flags |= how->oflags & OFLAG_DIRECTORY ? O_DIRECTORY : 0;
    flags |= how->oflags & OFLAG_EXCL ? O_EXCL : 0;
    flags |= how->oflags & OFLAG_TRUNC ? O_TRUNC : 0;
    flags |= how->fdflags & FDFLAG_APPEND ? O_APPEND : 0;
    flags |= how->fdflags & FDFLAG_DSYNC ? O_DSYNC : 0;
    flags |= how->fdflags & FDFLAG_NONBLOCK ? O_NONBLOCK : 0;
    flags |= how->fdflags & (FDFLAG_SYNC | FDFLAG_RSYNC) ? O_SYNC : 0;
    return flags;
}

/* On a read-only directory what exists may be opened to be read, even with O_CREAT. */
static enum wasi_errno restrict_open(struct wasi_open *how)
{
    if (how->write || how->oflags & OFLAG_TRUNC)
        return WASI_ROFS;
    how->oflags &= (uint16_t)~OFLAG_CREAT;
    return WASI_SUCCESS;
}

static enum wasi_errno dir_open(struct wasi_file *dir, const char *path,
                                const struct wasi_open *wanted, struct wasi_file **out)
{
    const struct host_file *host = host_file(dir);
    struct wasi_open how = *wanted;
    enum wasi_errno error = host->read_only ? restrict_open(&how) : WASI_SUCCESS;
    if (error)
        return error;
    bool creates = wanted->oflags & OFLAG_CREAT, exclusive = wanted->oflags & OFLAG_EXCL;
    if (!(how.oflags & OFLAG_CREAT))
        how.oflags &= (uint16_t)~OFLAG_EXCL;
    autoclose int fd = open_beneath(host->fd, path, host_flags(&how), 0666);
    if (host->read_only && creates && fd == -ENOENT)
        return WASI_ROFS;
    if (host->read_only && creates && exclusive && fd >= 0)
        return WASI_EXIST;
    if (fd < 0)
        return wasi_errno_of(-fd);
    error = host_file_new(fd, host->read_only, out);
    if (error)
        return error;
    host_file_own(*out);
    take_fd(&fd);
    return WASI_SUCCESS;
}

/* ---- Attributes ------------------------------------------------------------------------------
 */

/* A name in the directory itself, which needs no resolving while it is not followed. */
static bool is_plain(const char *path)
{
    return !strchr(path, '/') && strcmp(path, "..") != 0;
}

static enum wasi_errno dir_stat_at(struct wasi_file *dir, const char *path, bool follow,
                                   struct wasi_filestat *out)
{
    int at = host_file(dir)->fd;
    struct stat stat;
    if (is_plain(path)) {
        if (fstatat(at, path, &stat, AT_SYMLINK_NOFOLLOW) < 0)
            return wasi_errno_of(errno);
        if (!follow || !S_ISLNK(stat.st_mode)) {
            host_filestat(&stat, out);
            return WASI_SUCCESS;
        }
    }
    autoclose int fd = open_beneath(at, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return wasi_errno_of(-fd);
    if (fstat(fd, &stat) < 0)
        return wasi_errno_of(errno);
    host_filestat(&stat, out);
    return WASI_SUCCESS;
}

static enum wasi_errno dir_set_times_at(struct wasi_file *dir, const char *path, bool follow,
                                        const struct timespec times[2])
{
    const struct host_file *host = host_file(dir);
    if (host->read_only)
        return WASI_ROFS;
    if (is_plain(path) && !follow)
        return outcome(utimensat(host->fd, path, times, AT_SYMLINK_NOFOLLOW));
    autoclose int fd = open_beneath(host->fd, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    return fd < 0 ? wasi_errno_of(-fd) : outcome(utimensat(fd, "", times, AT_EMPTY_PATH));
}

/* ---- Changing the tree -----------------------------------------------------------------------
 */

static enum wasi_errno dir_mkdir(struct wasi_file *dir, const char *path)
{
    PARENT at;
    enum wasi_errno error = open_parent_to_change(dir, path, &at);
    return error ? error : outcome(mkdirat(at.fd, at.last, 0777));
}

static enum wasi_errno dir_unlink(struct wasi_file *dir, const char *path)
{
    PARENT at;
    enum wasi_errno error = open_parent_to_change(dir, path, &at);
    return error ? error : outcome(unlinkat(at.fd, at.last, 0));
}

static enum wasi_errno dir_rmdir(struct wasi_file *dir, const char *path)
{
    PARENT at;
    enum wasi_errno error = open_parent_to_change(dir, path, &at);
    return error ? error : outcome(unlinkat(at.fd, at.last, AT_REMOVEDIR));
}

static enum wasi_errno dir_link(struct wasi_file *dir, const char *path, struct wasi_file *to,
                                const char *to_path)
{
    PARENT from = {.opened = -1};
    PARENT at;
    enum wasi_errno error = open_parent_to_change(to, to_path, &at);
    if (error)
        return error;
    if (host_file(dir)->read_only) /* the file's count of links is its attribute */
        return WASI_ROFS;
    if (ends_with_slash(path))
        return error_of_slash(host_file(dir), path, WASI_PERM);
    error = open_parent(host_file(dir), path, &from);
    return error ? error : outcome(linkat(from.fd, from.last, at.fd, at.last, 0));
}

static enum wasi_errno dir_rename(struct wasi_file *dir, const char *path, struct wasi_file *to,
                                  const char *to_path)
{
    PARENT from = {.opened = -1};
    PARENT at;
    enum wasi_errno error = open_parent_to_change(to, to_path, &at);
    if (error)
        return error;
    error = open_parent_to_change(dir, path, &from);
    return error ? error : outcome(renameat2(from.fd, from.last, at.fd, at.last, 0));
}

static enum wasi_errno dir_symlink(struct wasi_file *dir, const char *target, const char *path)
{
    PARENT at;
    enum wasi_errno error = open_parent_to_change(dir, path, &at);
    return error ? error : outcome(symlinkat(target, at.fd, at.last));
}

static enum wasi_errno dir_readlink(struct wasi_file *dir, const char *path, char *target,
                                    size_t size, size_t *length)
{
    PARENT at;
    enum wasi_errno error = open_parent(host_file(dir), path, &at);
    if (error)
        return error;
    if (ends_with_slash(path))
        return error_of_slash(host_file(dir), path, WASI_INVAL);
    ssize_t result = readlinkat(at.fd, at.last, target, size);
    if (result < 0)
        return wasi_errno_of(errno);
    if ((size_t)result > size)
        return WASI_IO;
    *length = (size_t)result;
    return WASI_SUCCESS;
}

const struct wasi_file_ops host_dir_ops = {
    .close = host_close,
    .get_flags = host_get_flags,
    .set_flags = host_set_flags,
    .stat = host_stat,
    .set_times = host_set_times,
    .sync = host_sync,
    .ready = host_ready,
    .readdir = host_readdir,
    .open = dir_open,
    .mkdir = dir_mkdir,
    .stat_at = dir_stat_at,
    .set_times_at = dir_set_times_at,
    .link = dir_link,
    .rename = dir_rename,
    .symlink = dir_symlink,
    .readlink = dir_readlink,
    .unlink = dir_unlink,
    .rmdir = dir_rmdir,
};
