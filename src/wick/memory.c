/* SPDX-License-Identifier: Apache-2.0 */
/* Linear memories. Address space is reserved without access and opened page by page, so that the
 * base of a memory rarely moves and compiled code can let the gap behind the end trap for it. */
#include "wick/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* 32-bit address + 32-bit offset + 16 bytes of access can never leave this. */
#define FULL_RESERVATION (((uint64_t)8 << 30) + PAGE_BYTES)

static uint8_t *reserve(uint64_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

bool memory_try_guard(struct wasm_engine_t *engine)
{
    uint8_t *base = reserve(FULL_RESERVATION);
    atomic_init(&engine->first_memory, base);
    return base;
}

void memory_end_guard(struct wasm_engine_t *engine)
{
    uint8_t *base = atomic_exchange(&engine->first_memory, NULL);
    if (base)
        munmap(base, FULL_RESERVATION);
}

/* From here on a memory is worth large pages: a fault for each 2 MiB of it instead of 4 KiB. */
enum { LARGE_BYTES = 4 << 20 };

/* The memory grew from `old` bytes. Advice that the host may not follow. */
static void advise(const struct wasm_memory_t *memory, uint64_t old)
{
    if (old < LARGE_BYTES && memory->size >= LARGE_BYTES)
        madvise(memory->base, memory->reserved, MADV_HUGEPAGE);
}

/* The largest reservation that the host grants, from all that could be needed to the minimum; where
 * guards are relied on all or nothing. */
static bool reserve_some(struct wasm_memory_t *memory, struct wasm_engine_t *engine,
                         uint64_t min_bytes)
{
    bool guarded = engine->config.guard;
    uint64_t max_bytes = memory->max_pages << PAGE_SHIFT;
    uint64_t sizes[] = {FULL_RESERVATION, max_bytes, min_bytes};
    bool narrow = !memory->type.limits.index64;
    memory->base = narrow ? atomic_exchange(&engine->first_memory, NULL) : NULL;
    if (memory->base) {
        memory->reserved = FULL_RESERVATION;
        return true;
    }
    for (size_t i = narrow ? 0 : 1; i < (narrow && guarded ? 1 : 3); i++) {
        if (sizes[i] == 0)
            continue;
        memory->base = reserve(sizes[i]);
        memory->reserved = sizes[i];
        if (memory->base)
            return true;
    }
    memory->reserved = 0;
    return min_bytes == 0;
}

enum wick_status memory_new(struct wasm_store_t *store, const struct memory_type *type,
                            struct wasm_memory_t **out)
{
    const struct wasm_config_t *config = &store->engine->config;
    uint64_t most = type->limits.index64 ? config->max_memory64 : config->max_memory;
    uint64_t max_pages = most >> PAGE_SHIFT;
    if (type->limits.min > max_pages)
        return WICK_LIMIT;
    if (type->limits.has_max && type->limits.max < max_pages)
        max_pages = type->limits.max;
    struct wasm_memory_t *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return WICK_NO_MEMORY;
    memory->type = *type;
    memory->max_pages = max_pages;
    uint64_t bytes = type->limits.min << PAGE_SHIFT;
    if (!reserve_some(memory, store->engine, bytes) ||
        (bytes && mprotect(memory->base, bytes, PROT_READ | PROT_WRITE))) {
        memory_fini(memory);
        free(memory);
        return WICK_NO_MEMORY;
    }
    memory->size = bytes;
    advise(memory, 0);
    store_add(store, &memory->object, OBJECT_MEMORY);
    *out = memory;
    return WICK_OK;
}

void memory_fini(struct wasm_memory_t *memory)
{
    if (memory->base)
        munmap(memory->base, memory->reserved);
}

/* Moves the memory to a larger reservation: the least that is needed, plus half as reserve. */
static bool enlarge(struct wasm_memory_t *memory, uint64_t bytes)
{
    uint64_t room = bytes + (bytes >> 1), most = memory->max_pages << PAGE_SHIFT;
    if (room > most)
        room = most;
    uint8_t *base = reserve(room);
    if (!base)
        return false;
    if (mprotect(base, bytes, PROT_READ | PROT_WRITE)) {
        munmap(base, room);
        return false;
    }
    if (memory->size)
        memcpy(base, memory->base, memory->size);
    memory_fini(memory);
    memory->base = base;
    memory->reserved = room;
    return true;
}

int64_t memory_grow(struct wasm_memory_t *memory, uint64_t pages)
{
    uint64_t old = memory->size >> PAGE_SHIFT;
    if (pages > memory->max_pages - old)
        return -1;
    uint64_t added = pages << PAGE_SHIFT, bytes = memory->size + added, before = memory->size;
    if (bytes > memory->reserved) {
        if (!enlarge(memory, bytes))
            return -1;
        before = 0; /* it is in a new place */
    } else if (added && mprotect(memory->base + memory->size, added, PROT_READ | PROT_WRITE)) {
        return -1;
    }
    memory->size = bytes;
    advise(memory, before);
    return (int64_t)old;
}

struct limits memory_limits(const struct wasm_memory_t *memory)
{
    struct limits limits = memory->type.limits;
    limits.min = memory->size >> PAGE_SHIFT;
    return limits;
}

static bool outside(uint64_t start, uint64_t count, uint64_t size)
{
    return start > size || count > size - start;
}

enum wick_trap_kind memory_fill(struct wasm_memory_t *memory, uint64_t to, uint8_t value,
                                uint64_t count)
{
    if (outside(to, count, memory->size))
        return WICK_TRAP_MEMORY;
    if (count)
        memset(memory->base + to, value, count);
    return WICK_TRAP_NONE;
}

enum wick_trap_kind memory_copy(struct wasm_memory_t *memory, uint64_t to,
                                const struct wasm_memory_t *source, uint64_t from, uint64_t count)
{
    if (outside(to, count, memory->size) || outside(from, count, source->size))
        return WICK_TRAP_MEMORY;
    if (count)
        memmove(memory->base + to, source->base + from, count);
    return WICK_TRAP_NONE;
}

enum wick_trap_kind memory_init(struct wasm_memory_t *memory, uint64_t to, struct span data,
                                uint64_t from, uint64_t count)
{
    if (outside(to, count, memory->size) || outside(from, count, data.size))
        return WICK_TRAP_MEMORY;
    if (count)
        memcpy(memory->base + to, data.data + from, count);
    return WICK_TRAP_NONE;
}
