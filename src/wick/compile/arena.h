/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as one compilation: allocated by moving a pointer, freed as a whole.
 *
 * Nobody checks for NULL: when the host has no memory left, or the compilation exceeds a limit,
 * arena_give_up jumps back to arena_run. Code that uses an arena therefore owns nothing that the
 * arena does not.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_chunk;
struct arena_rest;

/* Memory that one compilation leaves to the next, so that the host need not clear it again. Begins
 * as zeros but for its limit; not for two threads at once. */
struct arena_cache {
    struct arena_chunk *chunks;
    size_t bytes, limit; /* that it holds; at most */
};

/* Frees what it holds. */
void arena_cache_fini(struct arena_cache *cache);

struct arena {
    struct arena_chunk *chunks; /* newest first */
    struct arena_cache *cache;  /* or NULL */
    struct arena_rest *rests;   /* given back */
    uint8_t *next, *end;
    size_t total, limit; /* bytes taken from the host; at most */
    bool unsupported;    /* why it was given up: arena_give_up_unsupported */
    jmp_buf out;
};

/* Calls work(env), which may allocate; false if it gave up. `limit` bytes are taken from the host
 * at most. Frees everything, or leaves some to the cache, which may be NULL. */
bool arena_run(struct arena *arena, struct arena_cache *cache, size_t limit,
               void (*work)(void *env), void *env);

_Noreturn void arena_give_up(struct arena *arena);
/* The same because of code that the compiler does not have. */
_Noreturn void arena_give_up_unsupported(struct arena *arena);

void *arena_take_slow(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* `size` bytes, aligned to 16, with any contents. */
static inline __attribute__((malloc, alloc_size(2))) void *arena_take(struct arena *arena,
                                                                      size_t size)
{
    if (size > (size_t)(arena->end - arena->next))
        return arena_take_slow(arena, size);
    void *memory = arena->next;
    arena->next += (size + 15) & ~(size_t)15;
    return memory;
}

/* The same, zeroed. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* Memory that nobody needs any more, to be taken again; what is small is left alone. */
void arena_give_back(struct arena *arena, void *memory, size_t size);

void arena_grow_slow(struct arena *arena, void *array_pointer, uint32_t count, uint32_t *capacity,
                     size_t size);

/* Gives an array room for at least `count` elements of `size` bytes, at least doubling it; the old
 * elements are copied, new ones are not cleared. */
static inline void arena_grow(struct arena *arena, void *array_pointer, uint32_t count,
                              uint32_t *capacity, size_t size)
{
    if (count > *capacity)
        arena_grow_slow(arena, array_pointer, count, capacity, size);
}
