// SPDX-License-Identifier: Apache-2.0
/* System calls on descriptors. */
#include "shim/vm/files.h"
#include "shim/vm/syscall.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

enum { IOV_AT_ONCE = 64 };

int64_t sys_read(struct regs *regs)
{
    if (regs->rdx && !space_writable(regs->rsi))
        return -EFAULT;
    return ON_FILE(regs, sp_read(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx));
}

int64_t sys_write(struct regs *regs)
{
    if (bulk_in(regs, regs->rsi, regs->rdx))
        return SYSCALL_REGISTERS_SET;
    return signal_broken_pipe(
        ON_FILE(regs, sp_write(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx)),
        false);
}

int64_t sys_pread64(struct regs *regs)
{
    if (regs->rdx && !space_writable(regs->rsi))
        return -EFAULT;
    return ON_FILE(
        regs, sp_pread64(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx, regs->r10));
}

int64_t sys_pwrite64(struct regs *regs)
{
    if (bulk_in(regs, regs->rsi, regs->rdx))
        return SYSCALL_REGISTERS_SET;
    return ON_FILE(
        regs, sp_pwrite64(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx, regs->r10));
}

enum direction { READ, WRITE };

/*
 * readv and its kin: one call over the concatenation of the pieces, which may be partial. `offset`
 * is -1 for the file's own position.
 */
static int64_t transfer(struct regs *regs, enum direction direction, int64_t offset)
{
    struct iovec pieces[IOV_AT_ONCE];
    uint64_t count = regs->rdx, total = 0;
    if (count > UIO_MAXIOV)
        return -EINVAL;
    if (count > IOV_AT_ONCE)
        count = IOV_AT_ONCE;
    if (user_read(pieces, regs->rsi, count * sizeof(pieces[0])) < 0)
        return -EFAULT;
    for (uint64_t i = 0; i < count; i++) {
        if (!user_range((uint64_t)pieces[i].iov_base, pieces[i].iov_len))
            return -EFAULT;
        bool writes = direction == READ && pieces[i].iov_len > 0;
        if (writes && !space_writable((uint64_t)pieces[i].iov_base))
            return -EFAULT;
        total += pieces[i].iov_len;
        if (total > INT32_MAX)
            return -EINVAL;
    }
    struct file *file = file_get(regs->rdi);
    if (!file)
        return -EBADF;

    struct cpu *cpu = this_cpu();
    cpu->iov = pieces;
    cpu->iov_count = count;
    void *buffer = count ? pieces[0].iov_base : NULL;
    int64_t result;
    if (direction == READ)
        result = offset < 0 ? sp_read(port_get(), file->handle, buffer, total)
                            : sp_pread64(port_get(), file->handle, buffer, total, (uint64_t)offset);
    else
        result = offset < 0
                     ? sp_write(port_get(), file->handle, buffer, total)
                     : sp_pwrite64(port_get(), file->handle, buffer, total, (uint64_t)offset);
    cpu->iov = NULL;
    file_put(file);
    return direction == WRITE ? signal_broken_pipe(result, false) : result;
}

int64_t sys_readv(struct regs *regs)
{
    return transfer(regs, READ, -1);
}

int64_t sys_writev(struct regs *regs)
{
    return transfer(regs, WRITE, -1);
}

int64_t sys_preadv(struct regs *regs)
{
    return (int64_t)regs->r10 < 0 ? -EINVAL : transfer(regs, READ, (int64_t)regs->r10);
}

int64_t sys_pwritev(struct regs *regs)
{
    return (int64_t)regs->r10 < 0 ? -EINVAL : transfer(regs, WRITE, (int64_t)regs->r10);
}

int64_t sys_close(struct regs *regs)
{
    return file_close(regs->rdi);
}

int64_t file_stat(uint64_t fd, uint64_t user_stat)
{
    struct file *file = file_get(fd);
    if (!file)
        return -EBADF;
    int64_t result = sp_fstat(port_get(), file->handle, user_pointer(user_stat));
    file_put(file);
    return result;
}

int64_t sys_fstat(struct regs *regs)
{
    return file_stat(regs->rdi, regs->rsi);
}

int64_t sys_lseek(struct regs *regs)
{
    return ON_FILE(regs, sp_lseek(port_get(), file->handle, regs->rsi, regs->rdx));
}

int64_t sys_ioctl(struct regs *regs)
{
    static const struct {
        uint32_t request, size;
    } known[] = {{FIONREAD, 4}, {FIONBIO, 4}, {TIOCGWINSZ, 8}, {TCGETS, 36}};
    for (int i = 0; i < 4; i++) {
        if (known[i].request == (uint32_t)regs->rsi)
            return ON_FILE(regs, sp_ioctl(port_get(), file->handle, regs->rsi,
                                          user_pointer(regs->rdx), known[i].size));
    }
    return ON_FILE(regs, -ENOTTY);
}

int64_t sys_fcntl(struct regs *regs)
{
    uint64_t fd = regs->rdi, argument = regs->rdx;
    struct file *file = file_get(fd);
    if (!file)
        return -EBADF;
    int64_t result = -EINVAL;
    switch ((int)regs->rsi) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        result = file_share(file, argument);
        if (result >= 0 && (int)regs->rsi == F_DUPFD_CLOEXEC)
            file_set_close_on_exec((uint64_t)result, true);
        break;
    case F_GETFD:
        result = file_close_on_exec(fd) ? FD_CLOEXEC : 0;
        break;
    case F_SETFD:
        file_set_close_on_exec(fd, argument & FD_CLOEXEC);
        result = 0;
        break;
    case F_GETFL:
    case F_SETFL:
        result = sp_fcntl(port_get(), file->handle, regs->rsi, argument);
        break;
    }
    file_put(file);
    return result;
}

int64_t sys_dup(struct regs *regs)
{
    return ON_FILE(regs, file_share(file, 0));
}

int64_t sys_dup2(struct regs *regs)
{
    if (regs->rdi == regs->rsi)
        return ON_FILE(regs, (int64_t)regs->rsi);
    return ON_FILE(regs, file_share_at(file, regs->rsi));
}

int64_t sys_dup3(struct regs *regs)
{
    if (regs->rdi == regs->rsi || regs->rdx & ~(uint64_t)O_CLOEXEC)
        return -EINVAL;
    int64_t fd = ON_FILE(regs, file_share_at(file, regs->rsi));
    if (fd >= 0 && regs->rdx)
        file_set_close_on_exec((uint64_t)fd, true);
    return fd;
}

/* Makes descriptors of the two handles that a call has answered and stores them for exec. */
int64_t files_install_pair(const int32_t handles[2], uint64_t user_fds, uint64_t flags)
{
    if ((uint32_t)handles[0] >= SP_HANDLES_MAX || (uint32_t)handles[1] >= SP_HANDLES_MAX)
        shim_panic("a handle is out of range");
    int64_t first = file_install(handles[0], flags);
    int64_t second = file_install(handles[1], flags);
    int32_t fds[2] = {(int32_t)first, (int32_t)second};
    int64_t status = first < 0 ? first : second < 0 ? second : user_write(user_fds, fds, 8);
    if (status < 0 && first >= 0)
        file_close((uint64_t)first);
    if (status < 0 && second >= 0)
        file_close((uint64_t)second);
    return status;
}

static int64_t new_pipe(uint64_t user_fds, uint64_t flags)
{
    int32_t handles[2];
    int64_t result = sp_pipe2(port_hold(), flags & ~(uint64_t)O_CLOEXEC, handles);
    return result < 0 ? result : files_install_pair(handles, user_fds, flags);
}

int64_t sys_pipe(struct regs *regs)
{
    return new_pipe(regs->rdi, 0);
}

int64_t sys_pipe2(struct regs *regs)
{
    return new_pipe(regs->rdi, regs->rsi);
}

int64_t sys_eventfd2(struct regs *regs)
{
    return file_install(sp_eventfd2(port_hold(), regs->rdi, regs->rsi), regs->rsi);
}

int64_t sys_flock(struct regs *regs)
{
    return ON_FILE(regs, sp_flock(port_get(), file->handle, regs->rsi));
}

int64_t sys_fsync(struct regs *regs)
{
    return ON_FILE(regs, sp_fsync(port_get(), file->handle));
}

int64_t sys_fdatasync(struct regs *regs)
{
    return ON_FILE(regs, sp_fdatasync(port_get(), file->handle));
}

int64_t sys_ftruncate(struct regs *regs)
{
    return ON_FILE(regs, sp_ftruncate(port_get(), file->handle, regs->rsi));
}

int64_t sys_fallocate(struct regs *regs)
{
    return ON_FILE(regs, sp_fallocate(port_get(), file->handle, regs->rsi, regs->rdx, regs->r10));
}

int64_t sys_fadvise64(struct regs *regs)
{
    return ON_FILE(regs, sp_fadvise64(port_get(), file->handle, regs->rsi, regs->rdx, regs->r10));
}

int64_t sys_getdents64(struct regs *regs)
{
    if (!space_writable(regs->rsi))
        return -EFAULT;
    return ON_FILE(regs,
                   sp_getdents64(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx));
}

int64_t sys_sync(struct regs *regs)
{
    (void)regs;
    return sp_sync(port_get());
}
