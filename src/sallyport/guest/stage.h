/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of sallyport: stage → commit → exit → collect.
 *
 * For each call of calls.txt the generated part below gives
 *     sp_stage_NAME(port, &call, arguments…)   0, or -ENOMEM if the block is full, or -EFAULT
 *     sp_collect_NAME(port, &call, outputs…)   the result, or -errno as the host gave it
 *     sp_NAME(port, arguments…)                both, with an exit between them
 * Several staged calls can travel in one exit: sp_reset, sp_stage_…, sp_stage_…, sp_port_exit,
 * sp_collect_… for each.
 *
 * Buffers are named by addresses of the caller's own space; sp_port_copy_in and sp_port_copy_out,
 * which the includer provides, move bytes between them and the block and check them. Nothing that
 * was written to the block is read back, and each answer is checked before it is used.
 *
 * Keep side; freestanding; no allocation. Not thread-safe: one port a thread.
 */
#pragma once

#include "sallyport/protocol.h"

#include <stdbool.h>
#include <stddef.h>

/* Linux error numbers, which the Keep side cannot take from a libc. */
enum { SP_EINTR = -4, SP_EIO = -5, SP_ENOMEM = -12, SP_EFAULT = -14, SP_ENOSYS = -38 };

struct sp_port {
    uint8_t *block;   /* shared with the host, SP_BLOCK_SIZE bytes */
    uint32_t used;    /* bytes of committed items */
    uint32_t pending; /* bytes of data reserved for the item that is being staged */
};

/* What the guest remembers of a staged call. */
struct sp_call {
    uint32_t offset; /* of the item in the block */
    uint32_t size;   /* of its data */
    uint16_t kind;
    uint16_t number;
    uint64_t args[6];
};

/* Hands the block to the host and returns when it has been worked on. */
void sp_port_exit(struct sp_port *port);

/* Copies between the caller's space and the block. 0 or SP_EFAULT. */
int sp_port_copy_in(struct sp_port *port, void *block, const void *from, uint64_t size);
int sp_port_copy_out(struct sp_port *port, void *to, const void *block, uint64_t size);

/* A call was interrupted: told before its result is used. */
void sp_port_interrupted(struct sp_port *port);

/* The host broke the protocol: ends the Keep. */
__attribute__((noreturn)) void sp_port_attacked(struct sp_port *port, const char *why);

static inline void sp_reset(struct sp_port *port)
{
    port->used = 0;
    port->pending = 0;
}

static inline void sp_expect(struct sp_port *port, bool condition, const char *why)
{
    if (!condition)
        sp_port_attacked(port, why);
}

/* Bytes of data that the item being staged can still take: the end marker is always kept free. */
static inline uint64_t sp_free(const struct sp_port *port)
{
    return SP_BLOCK_SIZE - 2 * sizeof(struct sp_item) - port->used - port->pending;
}

/* `wanted`, or what fits if that is less. Leaves room for a socket address beside it. */
static inline uint64_t sp_room(const struct sp_port *port, uint64_t wanted)
{
    uint64_t room = sp_free(port);
    room = room > 256 ? room - 256 : 0;
    return wanted < room ? wanted : room;
}

static inline int sp_begin(struct sp_port *port, struct sp_call *call, uint16_t kind,
                           uint16_t number)
{
    if (port->used + 2 * sizeof(struct sp_item) > SP_BLOCK_SIZE)
        return SP_ENOMEM;
    port->pending = 0;
    call->offset = port->used;
    call->size = 0;
    call->kind = kind;
    call->number = number;
    return 0;
}

/* Reserves `size` bytes for the answer in argument `index`. */
static inline int sp_reserve(struct sp_port *port, struct sp_call *call, int index, uint64_t size)
{
    if (size > sp_free(port))
        return SP_ENOMEM;
    uint32_t offset = port->pending;
    port->pending += (uint32_t)((size + 7) & ~7ull);
    if (port->pending > SP_BLOCK_SIZE - 2 * sizeof(struct sp_item) - port->used)
        return SP_ENOMEM;
    call->args[index] = offset;
    return 0;
}

/* The same, and fills the bytes from `source`. */
static inline int sp_send(struct sp_port *port, struct sp_call *call, int index, const void *source,
                          uint64_t size)
{
    int failed = sp_reserve(port, call, index, size);
    if (failed < 0 || size == 0)
        return failed;
    uint8_t *data = port->block + call->offset + sizeof(struct sp_item) + call->args[index];
    return sp_port_copy_in(port, data, source, size);
}

/* Writes the header with `count` arguments: as many as the call has. */
static inline __attribute__((always_inline)) void sp_commit(struct sp_port *port,
                                                            struct sp_call *call, int count)
{
    call->size = port->pending;
    struct sp_item *item = (struct sp_item *)(port->block + call->offset);
    item->size = call->size;
    item->kind = call->kind;
    item->number = call->number;
    item->result = SP_ENOSYS;
    for (int i = 0; i < count; i++)
        item->args[i] = call->args[i];
    port->used += (uint32_t)sizeof(struct sp_item) + call->size;
    port->pending = 0;
    struct sp_item *end = (struct sp_item *)(port->block + port->used);
    end->size = 0;
    end->kind = SP_END;
}

/* The host's answer: from 0 up, or an error number from -4095 to -1. */
static inline int64_t sp_result(struct sp_port *port, const struct sp_call *call)
{
    const volatile struct sp_item *item =
        (const volatile struct sp_item *)(port->block + call->offset);
    int64_t result = item->result;
    if (result < 0) {
        sp_expect(port, result >= -4095, "a result is neither a number nor an error");
        if (result == SP_EINTR)
            sp_port_interrupted(port);
    }
    return result;
}

/* Where argument `index` of a collected call lies in the block. */
static inline const void *sp_data(const struct sp_port *port, const struct sp_call *call, int index)
{
    return port->block + call->offset + sizeof(struct sp_item) + call->args[index];
}

#include "sallyport/guest_calls.h"
