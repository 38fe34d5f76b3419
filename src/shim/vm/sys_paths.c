// SPDX-License-Identifier: Apache-2.0
/*
 * System calls that name files. A path is resolved by the host below a directory that the Keep
 * holds; there is no current directory and no root, so that paths without one name nothing.
 */
#include "shim/vm/files.h"
#include "shim/vm/syscall.h"

#include <asm/fcntl.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>

/* Paths are copied here, under the lock: the shim's stacks are small. */
static char paths[2][SP_PATH_MAX];

/* A directory and a path below it. */
struct place {
    struct file *dir;
    const char *path;
    uint64_t size;
};

/* Fetches a place; `slot` says which of the two path buffers is free. 0 or -errno. */
static int place_get(struct place *place, uint64_t dir, uint64_t user_path, int slot)
{
    int64_t size = user_string(paths[slot], user_path, SP_PATH_MAX);
    if (size < 0)
        return (int)size;
    if ((int)dir == AT_FDCWD || paths[slot][0] == '/')
        return -ENOENT;
    place->dir = file_get((uint32_t)dir);
    place->path = paths[slot];
    place->size = (uint64_t)size;
    return place->dir ? 0 : -EBADF;
}

static void place_put(struct place *place)
{
    file_put(place->dir);
}

#define AT_PLACE(dir_fd, user_path, expression)                                                    \
    ({                                                                                             \
        struct place at = {0};                                                                     \
        int64_t result_ = place_get(&at, dir_fd, user_path, 0);                                    \
        if (result_ == 0) {                                                                        \
            result_ = (expression);                                                                \
            place_put(&at);                                                                        \
        }                                                                                          \
        result_;                                                                                   \
    })

static int64_t open_at(uint64_t dir, uint64_t user_path, const struct sp_open_how *how)
{
    return AT_PLACE(
        dir, user_path,
        file_install(sp_openat2(port_get(), at.dir->handle, at.path, at.size, how), how->flags));
}

int64_t sys_openat(struct regs *regs)
{
    uint64_t flags = regs->rdx;
    bool creates = flags & (O_CREAT | __O_TMPFILE);
    struct sp_open_how how = {flags, creates ? regs->r10 & 07777 : 0, RESOLVE_BENEATH};
    return open_at(regs->rdi, regs->rsi, &how);
}

int64_t sys_openat2(struct regs *regs)
{
    struct sp_open_how how;
    if (regs->r10 != sizeof(how))
        return regs->r10 < sizeof(how) ? -EINVAL : -E2BIG;
    if (user_read(&how, regs->rdx, sizeof(how)) < 0)
        return -EFAULT;
    return open_at(regs->rdi, regs->rsi, &how);
}

int64_t sys_newfstatat(struct regs *regs)
{
    char first;
    if (user_read(&first, regs->rsi, 1) < 0)
        return -EFAULT;
    if (first == '\0' && regs->r10 & AT_EMPTY_PATH)
        return file_stat(regs->rdi, regs->rdx);
    return AT_PLACE(regs->rdi, regs->rsi,
                    sp_newfstatat(port_get(), at.dir->handle, at.path, at.size,
                                  user_pointer(regs->rdx), regs->r10));
}

int64_t sys_mkdirat(struct regs *regs)
{
    return AT_PLACE(regs->rdi, regs->rsi,
                    sp_mkdirat(port_get(), at.dir->handle, at.path, at.size, regs->rdx));
}

int64_t sys_unlinkat(struct regs *regs)
{
    return AT_PLACE(regs->rdi, regs->rsi,
                    sp_unlinkat(port_get(), at.dir->handle, at.path, at.size, regs->rdx));
}

int64_t sys_readlinkat(struct regs *regs)
{
    return AT_PLACE(regs->rdi, regs->rsi,
                    sp_readlinkat(port_get(), at.dir->handle, at.path, at.size,
                                  user_pointer(regs->rdx),
                                  regs->r10 < SP_PATH_MAX ? regs->r10 : SP_PATH_MAX));
}

/* The one absolute path that is known: what a program calls itself. */
int64_t sys_readlink(struct regs *regs)
{
    static const union {
        char text[16];
        uint64_t words[2];
    } self = {"/proc/self/exe"};
    static const char answer[] = "/init";
    uint64_t path[2] = {0};
    if (user_read(path, regs->rdi, sizeof("/proc/self/exe")) < 0)
        return sys_no_such_file(regs);
    if (path[0] != self.words[0] || path[1] != self.words[1])
        return -ENOENT;
    uint64_t length = sizeof(answer) - 1;
    if (regs->rdx < length)
        length = regs->rdx;
    int status = user_write(regs->rsi, answer, length);
    return status < 0 ? status : (int64_t)length;
}

int64_t sys_utimensat(struct regs *regs)
{
    struct file *file;
    void *times = user_pointer(regs->rdx);
    if (regs->rsi)
        return AT_PLACE(
            regs->rdi, regs->rsi,
            sp_utimensat(port_get(), at.dir->handle, at.path, at.size, times, regs->r10));
    if (!(file = file_get(regs->rdi)))
        return -EBADF;
    int64_t result = sp_utimensat(port_get(), file->handle, NULL, 0, times, 0);
    file_put(file);
    return result;
}

int64_t sys_symlinkat(struct regs *regs)
{
    int64_t size = user_string(paths[1], regs->rdi, SP_PATH_MAX);
    if (size < 0)
        return size;
    return AT_PLACE(
        regs->rsi, regs->rdx,
        sp_symlinkat(port_get(), paths[1], (uint64_t)size, at.dir->handle, at.path, at.size));
}

int64_t sys_linkat(struct regs *regs)
{
    struct place from = {0};
    int64_t status = place_get(&from, regs->rdi, regs->rsi, 1);
    if (status < 0)
        return status;
    int64_t result = AT_PLACE(regs->rdx, regs->r10,
                              sp_linkat(port_get(), from.dir->handle, from.path, from.size,
                                        at.dir->handle, at.path, at.size, regs->r8));
    place_put(&from);
    return result;
}

static int64_t rename_flags(struct regs *regs, uint64_t flags)
{
    struct place from = {0};
    int64_t status = place_get(&from, regs->rdi, regs->rsi, 1);
    if (status < 0)
        return status;
    int64_t result = AT_PLACE(regs->rdx, regs->r10,
                              sp_renameat2(port_get(), from.dir->handle, from.path, from.size,
                                           at.dir->handle, at.path, at.size, flags));
    place_put(&from);
    return result;
}

int64_t sys_renameat(struct regs *regs)
{
    return rename_flags(regs, 0);
}

int64_t sys_renameat2(struct regs *regs)
{
    return rename_flags(regs, regs->r8);
}

int64_t sys_getcwd(struct regs *regs)
{
    if (regs->rsi < 2)
        return -ERANGE;
    int status = user_write(regs->rdi, "/", 2);
    return status < 0 ? status : 2;
}

/* Calls on absolute paths: there are none in a Keep. */
int64_t sys_no_such_file(struct regs *regs)
{
    char path[2];
    return user_string(path, regs->rdi, sizeof(path)) == -EFAULT ? -EFAULT : -ENOENT;
}
