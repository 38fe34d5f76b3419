// SPDX-License-Identifier: Apache-2.0
#include "sealed/host.h"

#include <errno.h>
#include <unistd.h>

int host_read(int fd, uint8_t *data, size_t size, uint64_t at, size_t *got)
{
    *got = 0;
    if (at > INT64_MAX - size)
        return -EIO;
    while (*got < size) {
        ssize_t part = pread(fd, data + *got, size - *got, (off_t)(at + *got));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0 || (size_t)part > size - *got)
            return -EIO;
        if (part == 0)
            break;
        *got += (size_t)part;
    }
    return 0;
}

int host_write(int fd, const uint8_t *data, size_t size, uint64_t at)
{
    if (at > INT64_MAX - size)
        return -EIO;
    while (size > 0) {
        ssize_t part = pwrite(fd, data, size, (off_t)at);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? -ENOSPC : -EIO;
        if (part == 0 || (size_t)part > size)
            return -EIO;
        data += part;
        size -= (size_t)part;
        at += (uint64_t)part;
    }
    return 0;
}
