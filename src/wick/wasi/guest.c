/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/wasi/guest.h"

#include "wick/wasi/file.h"

#include <stdlib.h>

static enum wasi_errno copy_iovs(struct guest_iovs *iovs, const struct guest_memory *memory,
                                 const uint8_t *vector, uint32_t count)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t address = take_u32(vector + i * IOVEC_SIZE);
        uint32_t length = take_u32(vector + i * IOVEC_SIZE + 4);
        uint8_t *bytes = guest_range(memory, address, length);
        if (!bytes)
            return WASI_FAULT;
        total += length;
        if (total > UINT32_MAX)
            return WASI_INVAL;
        if (length)
            iovs->list[iovs->count++] = (struct iovec){bytes, length};
    }
    return WASI_SUCCESS;
}

enum wasi_errno guest_iovs_init(struct guest_iovs *iovs, const struct guest_memory *memory,
                                uint32_t address, uint32_t count)
{
    iovs->list = iovs->space;
    iovs->count = 0;
    const uint8_t *vector = guest_range(memory, address, (uint64_t)count * IOVEC_SIZE);
    if (!vector)
        return WASI_FAULT;
    if (count > IOVS_MAX)
        return WASI_INVAL;
    if (count > IOVS_INLINE) {
        struct iovec *list = calloc(count, sizeof(*list));
        if (!list)
            return WASI_NOMEM;
        iovs->list = list;
    }
    return copy_iovs(iovs, memory, vector, count);
}

void guest_iovs_fini(struct guest_iovs *iovs)
{
    if (iovs->list != iovs->space)
        free(iovs->list);
}

enum wasi_errno guest_path(char *out, const struct guest_memory *memory, uint32_t address,
                           uint32_t length)
{
    const uint8_t *bytes = guest_range(memory, address, length);
    if (!bytes)
        return WASI_FAULT;
    if (length == 0)
        return WASI_NOENT;
    if (length >= WASI_PATH_MAX)
        return WASI_NAMETOOLONG;
    memcpy(out, bytes, length);
    out[length] = '\0';
    return memchr(out, 0, length) ? WASI_INVAL : WASI_SUCCESS;
}
