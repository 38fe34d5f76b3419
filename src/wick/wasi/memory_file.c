/* SPDX-License-Identifier: Apache-2.0 */
/* Open files in memory. */
#include "wick/wasi/memory_fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct memory_file *memory_file(struct wasi_file *file)
{
    return (struct memory_file *)file;
}

static void lock(struct wasi_file *file)
{
    pthread_mutex_lock(&memory_node(file)->fs->lock);
}

static void unlock(struct wasi_file *file)
{
    pthread_mutex_unlock(&memory_node(file)->fs->lock);
}

/* ---- Opening and closing ---------------------------------------------------------------------
 */

enum wasi_errno memory_open_node(struct memory_node *node, uint64_t rights, uint16_t fdflags,
                                 struct wasi_file **out)
{
    struct memory_file *file = calloc(1, sizeof(*file));
    if (!file)
        return WASI_NOMEM;
    bool is_directory = node->type == FILETYPE_DIRECTORY;
    file->file.ops = is_directory ? &memory_dir_ops : &memory_file_ops;
    file->file.type = node->type;
    file->file.rights = rights & wasi_type_rights(node->type);
    file->node = node;
    file->fdflags = fdflags;
    atomic_init(&file->file.references, 1);
    node->references++;
    *out = &file->file;
    return WASI_SUCCESS;
}

void memory_close(struct wasi_file *file)
{
    struct memory_fs *fs = memory_node(file)->fs;
    pthread_mutex_lock(&fs->lock);
    bool last = memory_node_put(memory_node(file));
    pthread_mutex_unlock(&fs->lock);
    if (last)
        memory_fs_free(fs);
    free(file);
}

/* ---- Contents --------------------------------------------------------------------------------
 */

static size_t read_at(struct memory_node *node, const struct iovec *iovs, int count, uint64_t at)
{
    size_t done = 0;
    for (int i = 0; i < count && at < node->size; i++) {
        size_t left = node->size - (size_t)at;
        size_t part = iovs[i].iov_len < left ? iovs[i].iov_len : left;
        memcpy(iovs[i].iov_base, node->data + at, part);
        at += part;
        done += part;
    }
    node->accessed = memory_now();
    return done;
}

static enum wasi_errno write_at(struct memory_node *node, const struct iovec *iovs, int count,
                                uint64_t at, size_t *done)
{
    uint64_t end = at;
    for (int i = 0; i < count; i++)
        end += iovs[i].iov_len;
    if (end > INT64_MAX)
        return WASI_FBIG;
    enum wasi_errno error = end > node->size ? memory_resize(node, end) : WASI_SUCCESS;
    if (error)
        return error;
    for (int i = 0; i < count; i++) {
        memcpy(node->data + at, iovs[i].iov_base, iovs[i].iov_len);
        at += iovs[i].iov_len;
        *done += iovs[i].iov_len;
    }
    node->modified = node->changed = memory_now();
    return WASI_SUCCESS;
}

static enum wasi_errno file_read(struct wasi_file *file, const struct iovec *iovs, int count,
                                 size_t *done)
{
    lock(file);
    *done = read_at(memory_node(file), iovs, count, memory_file(file)->position);
    memory_file(file)->position += *done;
    unlock(file);
    return WASI_SUCCESS;
}

static enum wasi_errno file_write(struct wasi_file *file, const struct iovec *iovs, int count,
                                  size_t *done)
{
    struct memory_file *memory = memory_file(file);
    lock(file);
    if (memory->fdflags & FDFLAG_APPEND)
        memory->position = memory->node->size;
    enum wasi_errno error = write_at(memory->node, iovs, count, memory->position, done);
    memory->position += *done;
    unlock(file);
    return error;
}

static enum wasi_errno file_pread(struct wasi_file *file, const struct iovec *iovs, int count,
                                  uint64_t offset, size_t *done)
{
    lock(file);
    *done = read_at(memory_node(file), iovs, count, offset);
    unlock(file);
    return WASI_SUCCESS;
}

static enum wasi_errno file_pwrite(struct wasi_file *file, const struct iovec *iovs, int count,
                                   uint64_t offset, size_t *done)
{
    lock(file);
    enum wasi_errno error = write_at(memory_node(file), iovs, count, offset, done);
    unlock(file);
    return error;
}

static enum wasi_errno file_seek(struct wasi_file *file, int64_t offset, int whence,
                                 uint64_t *position)
{
    struct memory_file *memory = memory_file(file);
    int64_t at = 0;
    enum wasi_errno error = WASI_INVAL;
    lock(file);
    if (whence == WHENCE_CUR)
        at = (int64_t)memory->position;
    else if (whence == WHENCE_END)
        at = (int64_t)memory->node->size;
    if (!__builtin_add_overflow(at, offset, &at) && at >= 0) {
        memory->position = *position = (uint64_t)at;
        error = WASI_SUCCESS;
    }
    unlock(file);
    return error;
}

static enum wasi_errno file_set_size(struct wasi_file *file, uint64_t size)
{
    struct memory_node *node = memory_node(file);
    lock(file);
    enum wasi_errno error = memory_resize(node, size);
    if (error == WASI_SUCCESS)
        node->modified = node->changed = memory_now();
    unlock(file);
    return error;
}

static enum wasi_errno file_allocate(struct wasi_file *file, uint64_t offset, uint64_t length)
{
    lock(file);
    bool grows = offset + length > memory_node(file)->size;
    enum wasi_errno error =
        grows ? memory_resize(memory_node(file), offset + length) : WASI_SUCCESS;
    unlock(file);
    return error;
}

static enum wasi_errno file_advise(struct wasi_file *file, uint64_t offset, uint64_t length,
                                   int advice)
{
    (void)file;
    (void)offset;
    (void)length;
    (void)advice;
    return WASI_SUCCESS;
}

/* ---- State -----------------------------------------------------------------------------------
 */

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

void memory_node_stat(const struct memory_node *node, struct wasi_filestat *out)
{
    *out = (struct wasi_filestat){
        .device = 1,
        .inode = node->inode,
        .links = node->removed ? 0 : 1,
        .size = node->size,
        .accessed = nanoseconds(&node->accessed),
        .modified = nanoseconds(&node->modified),
        .changed = nanoseconds(&node->changed),
        .type = node->type,
    };
}

enum wasi_errno memory_stat(struct wasi_file *file, struct wasi_filestat *out)
{
    lock(file);
    memory_node_stat(memory_node(file), out);
    unlock(file);
    return WASI_SUCCESS;
}

static void set_time(struct timespec *time, const struct timespec *wanted,
                     const struct timespec *now)
{
    if (wanted->tv_nsec == UTIME_NOW)
        *time = *now;
    else if (wanted->tv_nsec != UTIME_OMIT)
        *time = *wanted;
}

void memory_node_times(struct memory_node *node, const struct timespec times[2])
{
    struct timespec now = memory_now();
    set_time(&node->accessed, &times[0], &now);
    set_time(&node->modified, &times[1], &now);
    node->changed = now;
}

enum wasi_errno memory_set_times(struct wasi_file *file, const struct timespec times[2])
{
    lock(file);
    memory_node_times(memory_node(file), times);
    unlock(file);
    return WASI_SUCCESS;
}

enum wasi_errno memory_get_flags(struct wasi_file *file, uint16_t *fdflags)
{
    lock(file);
    *fdflags = memory_file(file)->fdflags;
    unlock(file);
    return WASI_SUCCESS;
}

enum wasi_errno memory_set_flags(struct wasi_file *file, uint16_t fdflags)
{
    lock(file);
    memory_file(file)->fdflags = fdflags;
    unlock(file);
    return WASI_SUCCESS;
}

enum wasi_errno memory_sync(struct wasi_file *file, bool only_data)
{
    (void)file;
    (void)only_data;
    return WASI_SUCCESS;
}

void memory_ready(struct wasi_file *file, bool writing, struct wasi_readiness *out)
{
    const struct memory_file *memory = memory_file(file);
    *out = (struct wasi_readiness){.ready = true, .fd = -1};
    lock(file);
    if (!writing && memory->position < memory->node->size)
        out->bytes = memory->node->size - memory->position;
    unlock(file);
}

const struct wasi_file_ops memory_file_ops = {
    .close = memory_close,
    .read = file_read,
    .write = file_write,
    .pread = file_pread,
    .pwrite = file_pwrite,
    .seek = file_seek,
    .get_flags = memory_get_flags,
    .set_flags = memory_set_flags,
    .stat = memory_stat,
    .set_size = file_set_size,
    .set_times = memory_set_times,
    .advise = file_advise,
    .allocate = file_allocate,
    .sync = memory_sync,
    .ready = memory_ready,
};
