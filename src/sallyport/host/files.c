// SPDX-License-Identifier: Apache-2.0
/*
 * Calls that name files. Every path is resolved by openat2 with RESOLVE_BENEATH, so that neither
 * "..", nor an absolute path, nor a symbolic link, nor a race leads out of the directory that the
 * Keep was given. Calls that have no such form work on the last component in its resolved parent.
 */
#include "sallyport/host/calls.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { CONFINED = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

static int open_beneath(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY),
                           .mode = mode,
                           .resolve = resolve | CONFINED};
    return (int)sp_host_syscall(SYS_openat2, dir, (long)path, (long)&how, sizeof(how), 0, 0);
}

/* Opens the directory that holds the last component of `path` and points `last` at that. */
static int open_parent(int dir, const char *path, const char **last)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    *last = path + length;
    if (length == 0)
        return open_beneath(dir, ".", O_PATH | O_DIRECTORY, 0, 0);

    char parent[SP_PATH_MAX];
    memcpy(parent, path, length);
    parent[length] = '\0';
    return open_beneath(dir, parent, O_PATH | O_DIRECTORY, 0, 0);
}

int64_t sp_host_openat2(struct sp_host *host, int dir, const char *path, void *how)
{
    struct sp_open_how wanted;
    memcpy(&wanted, how, sizeof(wanted));
    return sp_host_grant(host, open_beneath(dir, path, wanted.flags, wanted.mode, wanted.resolve));
}

int64_t sp_host_mkdirat(struct sp_host *host, int dir, const char *path, uint64_t mode)
{
    (void)host;
    const char *last;
    autoclose int parent = open_parent(dir, path, &last);
    return parent < 0 ? parent
                      : sp_host_syscall(SYS_mkdirat, parent, (long)last, (long)mode, 0, 0, 0);
}

int64_t sp_host_unlinkat(struct sp_host *host, int dir, const char *path, uint64_t flags)
{
    (void)host;
    const char *last;
    autoclose int parent = open_parent(dir, path, &last);
    return parent < 0 ? parent
                      : sp_host_syscall(SYS_unlinkat, parent, (long)last, (long)flags, 0, 0, 0);
}

int64_t sp_host_symlinkat(struct sp_host *host, const char *target, int dir, const char *path)
{
    (void)host;
    const char *last;
    autoclose int parent = open_parent(dir, path, &last);
    return parent < 0 ? parent
                      : sp_host_syscall(SYS_symlinkat, (long)target, parent, (long)last, 0, 0, 0);
}

int64_t sp_host_linkat(struct sp_host *host, int old_dir, const char *old_path, int new_dir,
                       const char *new_path, uint64_t flags)
{
    (void)host;
    if (flags != 0)
        return -EINVAL;
    const char *old_last, *new_last;
    autoclose int old_parent = open_parent(old_dir, old_path, &old_last);
    if (old_parent < 0)
        return old_parent;
    autoclose int new_parent = open_parent(new_dir, new_path, &new_last);
    if (new_parent < 0)
        return new_parent;
    return sp_host_syscall(SYS_linkat, old_parent, (long)old_last, new_parent, (long)new_last, 0,
                           0);
}

int64_t sp_host_renameat2(struct sp_host *host, int old_dir, const char *old_path, int new_dir,
                          const char *new_path, uint64_t flags)
{
    (void)host;
    const char *old_last, *new_last;
    autoclose int old_parent = open_parent(old_dir, old_path, &old_last);
    if (old_parent < 0)
        return old_parent;
    autoclose int new_parent = open_parent(new_dir, new_path, &new_last);
    if (new_parent < 0)
        return new_parent;
    return sp_host_syscall(SYS_renameat2, old_parent, (long)old_last, new_parent, (long)new_last,
                           (long)flags, 0);
}

/* Opens what a path names without opening the file itself. */
static int open_path(int dir, const char *path, uint64_t flags)
{
    if (path[0] == '\0' && !(flags & AT_EMPTY_PATH))
        return -ENOENT;
    if (path[0] == '\0')
        return (int)sp_host_syscall(SYS_fcntl, dir, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
    return open_beneath(dir, path, O_PATH | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0, 0);
}

int64_t sp_host_newfstatat(struct sp_host *host, int dir, const char *path, void *stat,
                           uint64_t flags)
{
    (void)host;
    autoclose int fd = open_path(dir, path, flags);
    return fd < 0 ? fd : sp_host_syscall(SYS_fstat, fd, (long)stat, 0, 0, 0, 0);
}

int64_t sp_host_readlinkat(struct sp_host *host, int dir, const char *path, void *buffer,
                           uint64_t count)
{
    (void)host;
    autoclose int fd = open_path(dir, path, AT_SYMLINK_NOFOLLOW);
    if (fd < 0)
        return fd;
    int64_t result = sp_host_syscall(SYS_readlinkat, fd, (long)"", (long)buffer, (long)count, 0, 0);
    return result == -ENOENT ? -EINVAL : result;
}

int64_t sp_host_utimensat(struct sp_host *host, int dir, const char *path, void *times,
                          uint64_t flags)
{
    (void)host;
    if (!path)
        return sp_host_syscall(SYS_utimensat, dir, 0, (long)times, 0, 0, 0);
    autoclose int fd = open_path(dir, path, flags);
    return fd < 0 ? fd
                  : sp_host_syscall(SYS_utimensat, fd, (long)"", (long)times, AT_EMPTY_PATH, 0, 0);
}
