/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs with sockets share: names of descriptors, lines, blocking or not. */
#pragma once

#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static inline void check_names(const char *count, const char *names)
{
    CHECK(getenv("FD_COUNT") && strcmp(getenv("FD_COUNT"), count) == 0);
    CHECK(getenv("FD_NAMES") && strcmp(getenv("FD_NAMES"), names) == 0);
}

static inline void set_blocking(int fd, int on)
{
    int flags = fcntl(fd, F_GETFL);
    CHECK(flags >= 0);
    CHECK(fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0);
}

static inline void await(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    CHECK(poll(&polled, 1, 60000) == 1);
}

/* Reads one line, and writes it back. */
static inline void echo_line(int fd)
{
    char line[100];
    size_t size = 0;
    while (size == 0 || line[size - 1] != '\n') {
        ssize_t got = read(fd, line + size, 1);
        if (got < 0 && errno == EAGAIN) {
            await(fd);
            continue;
        }
        CHECK(got == 1 && ++size < sizeof(line));
    }
    CHECK(write(fd, line, size) == (ssize_t)size);
}
