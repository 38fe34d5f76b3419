// SPDX-License-Identifier: Apache-2.0
/* Calls on sockets, pipes and events, and the two that wait for them. */
#include "sallyport/host/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

_Static_assert(sizeof(struct sp_poll) == sizeof(struct pollfd), "laid out as struct pollfd");

int64_t sp_host_poll(struct sp_host *host, void *entries, uint64_t size, uint64_t timeout)
{
    struct pollfd fds[SP_POLL_MAX];
    if (size > sizeof(fds) || size % sizeof(fds[0]) != 0)
        return SP_HOST_BROKEN;
    memcpy(fds, entries, size);

    /* Held as long as they are waited for: a number that is closed may soon name something else. */
    size_t count = size / sizeof(fds[0]);
    int handles[SP_POLL_MAX];
    for (size_t i = 0; i < count; i++) {
        handles[i] = fds[i].fd;
        fds[i].fd = handles[i] < 0 ? -1 : sp_host_take(host, (uint64_t)handles[i]);
    }
    int result = poll(fds, count, (int)timeout), code = errno;
    for (size_t i = 0; i < count; i++) {
        if (fds[i].fd >= 0)
            sp_host_put(host, (uint64_t)handles[i]);
    }
    if (result < 0)
        return -code;
    struct sp_poll *out = entries;
    for (size_t i = 0; i < count; i++)
        out[i].revents = fds[i].revents;
    return result;
}

int64_t sp_host_ioctl(struct sp_host *host, int fd, uint64_t request, void *argument, uint64_t size)
{
    (void)host;
    static const struct {
        unsigned long request;
        size_t size;
    } allowed[] = {
        {FIONREAD, sizeof(int)},
        {FIONBIO, sizeof(int)},
        {TIOCGWINSZ, sizeof(struct winsize)},
        {TCGETS, 36},
    };
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (allowed[i].request == request && allowed[i].size == size)
            return sp_host_syscall(SYS_ioctl, fd, (long)request, (long)argument, 0, 0, 0);
    }
    return -ENOTTY;
}

/* Hands an address on as the kernel gave it; a longer one than fits is cut as Linux does. */
static void put_address(void *to, const struct sockaddr_storage *from, socklen_t size)
{
    struct sp_address address = {.size = size < SP_ADDRESS_MAX ? size : SP_ADDRESS_MAX};
    memcpy(address.bytes, from, address.size);
    memcpy(to, &address, sizeof(address));
}

/*
 * A Unix socket of the host's is a door to the host's own services, which no path rule guards: a
 * Keep may listen on one and make pairs, but not knock. The address is copied before it is judged.
 */
static int64_t copy_address(struct sockaddr_storage *to, const void *address, uint64_t size)
{
    if (size < sizeof(to->ss_family) || size > sizeof(*to))
        return -EINVAL;
    memcpy(to, address, size);
    return to->ss_family == AF_UNIX ? -EACCES : 0;
}

int64_t sp_host_connect(struct sp_host *host, int fd, void *address, uint64_t size)
{
    (void)host;
    struct sockaddr_storage to;
    int64_t refused = copy_address(&to, address, size);
    if (refused < 0)
        return refused;
    return connect(fd, (struct sockaddr *)&to, (socklen_t)size) < 0 ? -errno : 0;
}

int64_t sp_host_sendto(struct sp_host *host, int fd, void *buffer, uint64_t count, uint64_t flags,
                       void *address, uint64_t size)
{
    (void)host;
    struct sockaddr_storage to;
    int64_t refused = address ? copy_address(&to, address, size) : 0;
    if (refused < 0)
        return refused;
    ssize_t sent = sendto(fd, buffer, count, (int)flags, address ? (struct sockaddr *)&to : NULL,
                          address ? (socklen_t)size : 0);
    return sent < 0 ? -errno : sent;
}

int64_t sp_host_recvfrom(struct sp_host *host, int fd, void *buffer, uint64_t count, uint64_t flags,
                         void *address)
{
    (void)host;
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    ssize_t got = recvfrom(fd, buffer, count, (int)flags, address ? (struct sockaddr *)&from : NULL,
                           address ? &size : NULL);
    if (got < 0)
        return -errno;
    if (address)
        put_address(address, &from, size);
    return got;
}

int64_t sp_host_getsockname(struct sp_host *host, int fd, void *address)
{
    (void)host;
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    if (getsockname(fd, (struct sockaddr *)&name, &size) < 0)
        return -errno;
    put_address(address, &name, size);
    return 0;
}

int64_t sp_host_getpeername(struct sp_host *host, int fd, void *address)
{
    (void)host;
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    if (getpeername(fd, (struct sockaddr *)&name, &size) < 0)
        return -errno;
    put_address(address, &name, size);
    return 0;
}

int64_t sp_host_accept4(struct sp_host *host, int fd, uint64_t flags, void *address)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    int accepted = accept4(fd, address ? (struct sockaddr *)&peer : NULL, address ? &size : NULL,
                           (int)flags | SOCK_CLOEXEC);
    if (accepted < 0)
        return -errno;
    if (address)
        put_address(address, &peer, size);
    return sp_host_grant(host, accepted);
}

int64_t sp_host_getsockopt(struct sp_host *host, int fd, uint64_t level, uint64_t option,
                           void *value, uint64_t size)
{
    (void)host;
    socklen_t length = (socklen_t)size;
    if (getsockopt(fd, (int)level, (int)option, value, &length) < 0)
        return -errno;
    return length;
}

/* Makes handles of two new descriptors, or of none. */
static int64_t grant_pair(struct sp_host *host, const int fds[2], void *handles)
{
    int64_t first = sp_host_grant(host, fds[0]);
    if (first < 0) {
        close(fds[1]);
        return first;
    }
    int64_t second = sp_host_grant(host, fds[1]);
    if (second < 0) {
        pthread_mutex_lock(&host->handles->lock);
        host->handles->entries[first] = (struct sp_handle){.fd = -1};
        pthread_mutex_unlock(&host->handles->lock);
        close(fds[0]);
        return second;
    }
    memcpy(handles, &(int32_t[2]){(int32_t)first, (int32_t)second}, 8);
    return 0;
}

int64_t sp_host_pipe2(struct sp_host *host, uint64_t flags, void *handles)
{
    int fds[2];
    if (pipe2(fds, (int)flags) < 0)
        return -errno;
    return grant_pair(host, fds, handles);
}

int64_t sp_host_socketpair(struct sp_host *host, uint64_t domain, uint64_t type, uint64_t protocol,
                           void *handles)
{
    int fds[2];
    if (socketpair((int)domain, (int)type, (int)protocol, fds) < 0)
        return -errno;
    return grant_pair(host, fds, handles);
}

int64_t sp_host_fcntl(struct sp_host *host, int fd, uint64_t command, uint64_t argument)
{
    (void)host;
    if (command != F_GETFL && command != F_SETFL)
        return -EINVAL;
    return sp_host_syscall(SYS_fcntl, fd, (long)command, (long)argument, 0, 0, 0);
}

int64_t sp_host_epoll_ctl(struct sp_host *host, int epoll, uint64_t operation, int fd,
                          uint64_t events, uint64_t cookie)
{
    (void)host;
    struct epoll_event event = {.events = (uint32_t)events, .data.u64 = cookie};
    return epoll_ctl(epoll, (int)operation, fd, &event) < 0 ? -errno : 0;
}

int64_t sp_host_epoll_wait(struct sp_host *host, int epoll, void *events, uint64_t size,
                           uint64_t timeout)
{
    (void)host;
    struct epoll_event got[256];
    size_t limit = size / sizeof(struct sp_event);
    if (limit > sizeof(got) / sizeof(got[0]))
        limit = sizeof(got) / sizeof(got[0]);
    int count = epoll_wait(epoll, got, (int)limit, (int)timeout);
    if (count < 0)
        return -errno;
    struct sp_event *out = events;
    for (int i = 0; i < count; i++)
        out[i] = (struct sp_event){.events = got[i].events, .cookie = got[i].data.u64};
    return count;
}
