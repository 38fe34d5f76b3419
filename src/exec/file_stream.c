// SPDX-License-Identifier: Apache-2.0
#include "exec/file_stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>
#include <wick_wasi.h>

void file_stream_close(const struct file_stream *stream)
{
    if (stream->ops)
        stream->ops->close(stream->env);
}

int file_wait(const struct wick_wasi_wait *wait)
{
    struct pollfd poll_fd = {.fd = wait->fd, .events = wait->events};
    return poll(&poll_fd, 1, wait->milliseconds) < 0 && errno != EINTR ? -errno : 0;
}

bool file_is_ready(int fd, short events)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    return poll(&poll_fd, 1, 0) != 0;
}

int64_t file_milliseconds(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int file_time_left(int64_t deadline)
{
    int64_t left = deadline - file_milliseconds();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
