/* SPDX-License-Identifier: Apache-2.0 */
/* The program's linear memory as WASI's functions see it. All of it may change at any time by
 * another thread of the program: what decides something is copied first. */
#pragma once

#include "wick/wasi/abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

struct guest_memory {
    uint8_t *base;
    size_t size; /* bytes */
};

/* The bytes, or NULL if they are not all inside. */
static inline uint8_t *guest_range(const struct guest_memory *memory, uint32_t address,
                                   uint64_t length)
{
    if (!memory->base || length > memory->size || address > memory->size - length)
        return NULL;
    return memory->base + address;
}

static inline void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static inline void put_u64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t take_u32(const uint8_t *in)
{
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static inline uint64_t take_u64(const uint8_t *in)
{
    return take_u32(in) | (uint64_t)take_u32(in + 4) << 32;
}

static inline enum wasi_errno guest_put_u32(const struct guest_memory *memory, uint32_t address,
                                            uint32_t value)
{
    uint8_t *out = guest_range(memory, address, 4);
    if (!out)
        return WASI_FAULT;
    put_u32(out, value);
    return WASI_SUCCESS;
}

static inline enum wasi_errno guest_put_u64(const struct guest_memory *memory, uint32_t address,
                                            uint64_t value)
{
    uint8_t *out = guest_range(memory, address, 8);
    if (!out)
        return WASI_FAULT;
    put_u64(out, value);
    return WASI_SUCCESS;
}

/* A private list of the program's buffers, checked, without the empty ones. */
enum { IOVS_INLINE = 32, IOVS_MAX = 1024 };

struct guest_iovs {
    struct iovec *list;
    int count;
    struct iovec space[IOVS_INLINE];
};

/* FAULT; INVAL for more than IOVS_MAX buffers or 4 GiB in total; NOMEM. Release with
 * guest_iovs_fini in any case. */
enum wasi_errno guest_iovs_init(struct guest_iovs *, const struct guest_memory *, uint32_t address,
                                uint32_t count) __attribute__((warn_unused_result));
void guest_iovs_fini(struct guest_iovs *);
#define GUEST_IOVS __attribute__((cleanup(guest_iovs_fini))) struct guest_iovs

/* A private, NUL-terminated copy of a path: FAULT, NOENT if empty, NAMETOOLONG, INVAL if it
 * contains a NUL. `out` has room for WASI_PATH_MAX bytes. */
enum wasi_errno guest_path(char *out, const struct guest_memory *, uint32_t address,
                           uint32_t length) __attribute__((warn_unused_result));
