// SPDX-License-Identifier: Apache-2.0
#include "sallyport/host/execute.h"
#include "sallyport/host/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct host_call {
    uint16_t kind;
    uint16_t number;
    int64_t (*run)(struct sp_host *host, const struct sp_item *item, uint8_t *data);
};

#include "sallyport/host_calls.h"

int sp_handles_init(struct sp_handles *handles, const int *fds, size_t count)
{
    if (count > SP_HANDLES_MAX)
        return -EMFILE;
    pthread_mutex_init(&handles->lock, NULL);
    for (size_t i = 0; i < SP_HANDLES_MAX; i++)
        handles->entries[i] = (struct sp_handle){.fd = i < count ? fds[i] : -1};
    return 0;
}

void sp_handles_fini(struct sp_handles *handles)
{
    for (size_t i = 0; i < SP_HANDLES_MAX; i++) {
        if (handles->entries[i].fd >= 0)
            close(handles->entries[i].fd);
        handles->entries[i].fd = -1;
    }
    pthread_mutex_destroy(&handles->lock);
}

int sp_host_take(struct sp_host *host, uint64_t handle)
{
    if (handle >= SP_HANDLES_MAX)
        return -1;
    struct sp_handle *entry = &host->handles->entries[handle];
    pthread_mutex_lock(&host->handles->lock);
    int fd = entry->closing ? -1 : entry->fd;
    if (fd >= 0)
        entry->users++;
    pthread_mutex_unlock(&host->handles->lock);
    return fd;
}

void sp_host_put(struct sp_host *host, uint64_t handle)
{
    struct sp_handle *entry = &host->handles->entries[handle];
    int closing = -1;
    pthread_mutex_lock(&host->handles->lock);
    if (--entry->users == 0 && entry->closing) {
        closing = entry->fd;
        *entry = (struct sp_handle){.fd = -1};
    }
    pthread_mutex_unlock(&host->handles->lock);
    if (closing >= 0)
        close(closing);
}

int sp_host_fd(struct sp_host *host, uint64_t handle)
{
    int fd = host->held_count == 2 ? -1 : sp_host_take(host, handle);
    if (fd >= 0)
        host->held[host->held_count++] = (unsigned)handle;
    return fd;
}

/* Ends the use of the handles that the last call named. */
static void release_handles(struct sp_host *host)
{
    while (host->held_count > 0)
        sp_host_put(host, host->held[--host->held_count]);
}

int64_t sp_host_close(struct sp_host *host, int fd)
{
    (void)fd;
    struct sp_handle *entry = &host->handles->entries[host->held[0]];
    pthread_mutex_lock(&host->handles->lock);
    entry->closing = true;
    pthread_mutex_unlock(&host->handles->lock);
    return 0;
}

int64_t sp_host_grant(struct sp_host *host, int64_t fd)
{
    if (fd < 0)
        return fd;
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    pthread_mutex_lock(&host->handles->lock);
    int64_t handle = 0;
    while (handle < SP_HANDLES_MAX && host->handles->entries[handle].fd >= 0)
        handle++;
    if (handle < SP_HANDLES_MAX)
        host->handles->entries[handle] = (struct sp_handle){.fd = (int)fd};
    pthread_mutex_unlock(&host->handles->lock);
    if (handle < SP_HANDLES_MAX)
        return handle;
    close((int)fd);
    return -EMFILE;
}

void *sp_host_bytes(const struct sp_item *item, uint8_t *data, uint64_t offset, uint64_t size)
{
    if (offset % 8 != 0 || offset > item->size || size > item->size - offset)
        return NULL;
    return data + offset;
}

const char *sp_host_path(const struct sp_item *item, uint8_t *data, uint64_t offset, uint64_t size,
                         char copy[SP_PATH_MAX])
{
    const uint8_t *bytes = sp_host_bytes(item, data, offset, size);
    if (!bytes || size == 0 || size > SP_PATH_MAX)
        return NULL;
    memcpy(copy, bytes, size);
    return copy[size - 1] == '\0' ? copy : NULL;
}

int64_t sp_host_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long result = syscall(number, a, b, c, d, e, f);
    return result < 0 ? -errno : result;
}

static const struct host_call *find_call(uint16_t kind, uint16_t number)
{
    for (size_t i = 0; i < sizeof(host_calls) / sizeof(host_calls[0]); i++) {
        if (host_calls[i].kind == kind && host_calls[i].number == number)
            return &host_calls[i];
    }
    return NULL;
}

int sp_host_execute(struct sp_host *host)
{
    size_t offset = 0;
    for (;;) {
        struct sp_item item;
        if (SP_BLOCK_SIZE - offset < sizeof(item))
            return -EPROTO;
        memcpy(&item, host->block + offset, sizeof(item));
        if (item.kind == SP_END)
            return 0;
        if (item.size % 8 != 0 || item.size > SP_BLOCK_SIZE - offset - sizeof(item))
            return -EPROTO;

        const struct host_call *call = find_call(item.kind, item.number);
        if (call) {
            int64_t result = call->run(host, &item, host->block + offset + sizeof(item));
            release_handles(host);
            if (result == SP_HOST_BROKEN)
                return -EPROTO;
            ((struct sp_item *)(host->block + offset))->result = result;
        }
        offset += sizeof(item) + item.size;
    }
}

int sp_host_proxied(size_t index)
{
    for (size_t i = 0; i < sizeof(host_calls) / sizeof(host_calls[0]); i++) {
        if (host_calls[i].kind == SP_SYSCALL && index-- == 0)
            return host_calls[i].number;
    }
    return -1;
}
