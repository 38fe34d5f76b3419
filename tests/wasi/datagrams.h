/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs with datagrams share: what libc does not say about them. */
#pragma once

#include "sockets.h"

#include <sys/socket.h>
#include <wasi/api.h>

static inline void check_type(int fd)
{
    __wasi_fdstat_t stat;
    CHECK(__wasi_fd_fdstat_get(fd, &stat) == 0);
    CHECK(stat.fs_filetype == __WASI_FILETYPE_SOCKET_DGRAM);
}

/* Waits for a datagram, takes it, or looks at it, into two buffers, and says whether it was cut. */
static inline size_t receive(int fd, char *data, size_t first, size_t second, int flags, int *cut)
{
    __wasi_iovec_t parts[2] = {{(uint8_t *)data, first}, {(uint8_t *)data + first, second}};
    __wasi_size_t got;
    __wasi_roflags_t out;
    await(fd);
    int error = __wasi_sock_recv(fd, parts, second ? 2 : 1, flags, &got, &out);
    errno = error;
    CHECK(error == 0);
    *cut = out == __WASI_ROFLAGS_RECV_DATA_TRUNCATED;
    return got;
}
