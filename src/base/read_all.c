/* SPDX-License-Identifier: Apache-2.0 */
#include "base/read_all.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SMALLEST_ROOM = 16 << 10, HUGE_PAGE = 2 << 20 };

/* Large memory is of large pages where the kernel has them: that saves a fault each 4 KiB. */
static uint8_t *alloc_room(size_t size)
{
    if (size < 2 * HUGE_PAGE)
        return malloc(size);
    size_t rounded = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
    uint8_t *room = aligned_alloc(HUGE_PAGE, rounded);
    if (room)
        madvise(room, rounded, MADV_HUGEPAGE);
    return room;
}

/* One byte more than is expected, so that the end is seen without growing. */
static size_t first_room(int fd, size_t limit)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && status.st_size > 0 && (uint64_t)status.st_size <= limit)
        return (size_t)status.st_size + 1;
    return limit < SMALLEST_ROOM ? limit + 1 : SMALLEST_ROOM;
}

static int grow(uint8_t **data, size_t used, size_t *room, size_t limit)
{
    size_t larger = *room <= limit / 2 ? *room * 2 : limit + 1;
    uint8_t *grown = alloc_room(larger);
    if (!grown)
        return -ENOMEM;
    memcpy(grown, *data, used);
    free(*data);
    *data = grown;
    *room = larger;
    return 0;
}

int read_all(int fd, size_t limit, uint8_t **data, size_t *size)
{
    size_t room = first_room(fd, limit), used = 0;
    autofree uint8_t *bytes = alloc_room(room);
    int status = bytes ? 0 : -ENOMEM;
    while (status == 0) {
        ssize_t got = read(fd, bytes + used, room - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        if ((size_t)got > room - used)
            return -EPROTO;
        used += (size_t)got;
        if (used > limit)
            return -EFBIG;
        if (used == room)
            status = grow(&bytes, used, &room, limit);
    }
    if (status < 0)
        return status;
    *data = take_ptr(bytes);
    *size = used;
    return 0;
}
