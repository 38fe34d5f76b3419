// SPDX-License-Identifier: Apache-2.0
#include "shim/vm/files.h"

static struct file files[SP_HANDLES_MAX];
static struct {
    struct file *file;
    bool close_on_exec;
} fds[FDS_MAX];

void files_init(void)
{
    for (uint32_t i = 0; i < info->handles; i++) {
        if (info->handle_holes[i / 64] >> i % 64 & 1)
            continue;
        files[i].handle = i;
        files[i].references = 1;
        fds[i].file = &files[i];
    }
}

struct file *file_get(uint64_t fd)
{
    struct file *file = fd < FDS_MAX ? fds[fd].file : NULL;
    if (file)
        file->references++;
    return file;
}

void file_put(struct file *file)
{
    if (--file->references > 0)
        return;
    struct port_aside aside;
    epoll_forget(file);
    port_put_aside(&aside);
    sp_close(port_hold(), file->handle);
    port_bring_back(&aside);
}

int64_t file_share_at(struct file *file, uint64_t fd)
{
    if (fd >= FDS_MAX)
        return -EBADF;
    if (fds[fd].file)
        file_put(fds[fd].file);
    file->references++;
    fds[fd].file = file;
    fds[fd].close_on_exec = false;
    return (int64_t)fd;
}

int64_t file_share(struct file *file, uint64_t lowest)
{
    for (uint64_t fd = lowest; fd < FDS_MAX; fd++) {
        if (!fds[fd].file)
            return file_share_at(file, fd);
    }
    return lowest >= FDS_MAX ? -EINVAL : -EMFILE;
}

int64_t file_install(int64_t handle, uint64_t flags)
{
    if (handle < 0)
        return handle;
    struct file *file = NULL;
    for (uint32_t i = 0; i < SP_HANDLES_MAX && !file; i++) {
        if (files[i].references == 0)
            file = &files[i];
    }
    if (!file) {
        sp_close(port_hold(), (uint64_t)handle);
        return -ENFILE;
    }
    *file = (struct file){.handle = (uint32_t)handle, .references = 1};
    int64_t fd = file_share(file, 0);
    if (fd >= 0)
        file_set_close_on_exec((uint64_t)fd, flags & CLOSE_ON_EXEC);
    file_put(file);
    return fd;
}

int64_t file_close(uint64_t fd)
{
    if (fd >= FDS_MAX || !fds[fd].file)
        return -EBADF;
    struct file *file = fds[fd].file;
    fds[fd].file = NULL;
    file_put(file);
    return 0;
}

bool file_close_on_exec(uint64_t fd)
{
    return fds[fd].close_on_exec;
}

void file_set_close_on_exec(uint64_t fd, bool set)
{
    fds[fd].close_on_exec = set;
}

int64_t file_pread(int64_t fd, uint64_t to, uint64_t size, uint64_t offset)
{
    struct file *file = fd >= 0 ? file_get((uint64_t)fd) : NULL;
    if (!file)
        return -EBADF;
    /* In pieces that sp_port_copy_out copies here and not at ring 3: the call is not at its end. */
    if (size > 1008)
        size = 1008;
    int64_t got = sp_pread64(port_get(), file->handle, user_pointer(to), size, offset);
    file_put(file);
    return got;
}
