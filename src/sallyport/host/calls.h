/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the generated decoders call: checks of what the guest staged, and the calls whose host side
 * is more than the system call of the same number. Internal to sallyport/host.
 *
 * Every function returns what the guest is to read: a result from 0 up or -errno; SP_HOST_BROKEN
 * means that the guest broke the protocol.
 */
#pragma once

#include "sallyport/host/execute.h"

#define SP_HOST_BROKEN INT64_MIN

/* The descriptor behind a handle, kept open until the call ends; -1 if the Keep has none such. */
int sp_host_fd(struct sp_host *host, uint64_t handle);

/* The same for a call with many handles, which gives each of them back; the last user closes. */
int sp_host_take(struct sp_host *host, uint64_t handle);
void sp_host_put(struct sp_host *host, uint64_t handle);

/* Makes a descriptor a handle. Passes negative values on; -EMFILE closes the descriptor. */
int64_t sp_host_grant(struct sp_host *host, int64_t fd);

/* `size` bytes at `offset` of the item's data, or NULL if they do not lie inside it or the offset
 * is not a multiple of 8, as the guest makes them. */
void *sp_host_bytes(const struct sp_item *item, uint8_t *data, uint64_t offset, uint64_t size);

/* A private copy of a path, or NULL if it is not a string of `size` bytes with its NUL. */
const char *sp_host_path(const struct sp_item *item, uint8_t *data, uint64_t offset, uint64_t size,
                         char copy[SP_PATH_MAX]);

int64_t sp_host_syscall(long number, long a, long b, long c, long d, long e, long f);

int64_t sp_host_close(struct sp_host *host, int fd);
int64_t sp_host_poll(struct sp_host *host, void *entries, uint64_t size, uint64_t timeout);
int64_t sp_host_ioctl(struct sp_host *host, int fd, uint64_t request, void *argument,
                      uint64_t size);
int64_t sp_host_connect(struct sp_host *host, int fd, void *address, uint64_t size);
int64_t sp_host_sendto(struct sp_host *host, int fd, void *buffer, uint64_t count, uint64_t flags,
                       void *address, uint64_t size);
int64_t sp_host_recvfrom(struct sp_host *host, int fd, void *buffer, uint64_t count, uint64_t flags,
                         void *address);
int64_t sp_host_getsockname(struct sp_host *host, int fd, void *address);
int64_t sp_host_getpeername(struct sp_host *host, int fd, void *address);
int64_t sp_host_socketpair(struct sp_host *host, uint64_t domain, uint64_t type, uint64_t protocol,
                           void *handles);
int64_t sp_host_getsockopt(struct sp_host *host, int fd, uint64_t level, uint64_t option,
                           void *value, uint64_t size);
int64_t sp_host_fcntl(struct sp_host *host, int fd, uint64_t command, uint64_t argument);
int64_t sp_host_accept4(struct sp_host *host, int fd, uint64_t flags, void *address);
int64_t sp_host_epoll_ctl(struct sp_host *host, int epoll, uint64_t operation, int fd,
                          uint64_t events, uint64_t cookie);
int64_t sp_host_epoll_wait(struct sp_host *host, int epoll, void *events, uint64_t size,
                           uint64_t timeout);
int64_t sp_host_pipe2(struct sp_host *host, uint64_t flags, void *handles);

int64_t sp_host_openat2(struct sp_host *host, int dir, const char *path, void *how);
int64_t sp_host_mkdirat(struct sp_host *host, int dir, const char *path, uint64_t mode);
int64_t sp_host_newfstatat(struct sp_host *host, int dir, const char *path, void *stat,
                           uint64_t flags);
int64_t sp_host_unlinkat(struct sp_host *host, int dir, const char *path, uint64_t flags);
int64_t sp_host_linkat(struct sp_host *host, int old_dir, const char *old_path, int new_dir,
                       const char *new_path, uint64_t flags);
int64_t sp_host_symlinkat(struct sp_host *host, const char *target, int dir, const char *path);
int64_t sp_host_readlinkat(struct sp_host *host, int dir, const char *path, void *buffer,
                           uint64_t count);
int64_t sp_host_utimensat(struct sp_host *host, int dir, const char *path, void *times,
                          uint64_t flags);
int64_t sp_host_renameat2(struct sp_host *host, int old_dir, const char *old_path, int new_dir,
                          const char *new_path, uint64_t flags);

int64_t sp_host_exit_group(struct sp_host *host, uint64_t status);
int64_t sp_host_exit_thread(struct sp_host *host);
int64_t sp_host_memory_add(struct sp_host *host, uint64_t address, uint64_t size);
int64_t sp_host_memory_discard(struct sp_host *host, uint64_t address, uint64_t size);
int64_t sp_host_thread_spawn(struct sp_host *host, uint64_t thread);
int64_t sp_host_thread_park(struct sp_host *host, uint64_t timeout);
int64_t sp_host_thread_unpark(struct sp_host *host, uint64_t thread);
int64_t sp_host_thread_kick(struct sp_host *host, uint64_t thread);
int64_t sp_host_signal_take(struct sp_host *host);
int64_t sp_host_clocks(struct sp_host *host, void *clocks);
int64_t sp_host_panic(struct sp_host *host, void *message, uint64_t size);
