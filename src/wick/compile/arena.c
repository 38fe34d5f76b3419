/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/arena.h"

#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *older;
    uint64_t unused; /* keeps what follows aligned to 16 */
};

enum { CHUNK_SIZE = 128 << 10 };

static void free_chunks(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        free(chunk);
    }
}

bool arena_run(struct arena *arena, size_t limit, void (*work)(void *env), void *env)
{
    *arena = (struct arena){.limit = limit};
    if (setjmp(arena->out)) {
        free_chunks(arena);
        return false;
    }
    work(env);
    free_chunks(arena);
    return true;
}

void arena_give_up(struct arena *arena)
{
    longjmp(arena->out, 1);
}

void arena_give_up_unsupported(struct arena *arena)
{
    arena->unsupported = true;
    arena_give_up(arena);
}

static void add_chunk(struct arena *arena, size_t size)
{
    size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    if (room > arena->limit - arena->total)
        arena_give_up(arena);
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + room);
    if (!chunk)
        arena_give_up(arena);
    arena->total += room;
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena->next = (uint8_t *)(chunk + 1);
    arena->end = arena->next + room;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (size > (size_t)(arena->end - arena->next))
        add_chunk(arena, size);
    void *memory = arena->next;
    arena->next += size;
    return memset(memory, 0, size);
}

void arena_grow(struct arena *arena, void *array_pointer, uint32_t count, uint32_t *capacity,
                size_t size)
{
    void **array = array_pointer;
    if (count <= *capacity)
        return;
    size_t room = *capacity ? (size_t)*capacity * 2 : 64;
    if (room < count)
        room = count;
    if (room > UINT32_MAX / 2)
        arena_give_up(arena);
    void *grown = arena_alloc(arena, room * size);
    if (*capacity)
        memcpy(grown, *array, *capacity * size);
    *array = grown;
    *capacity = (uint32_t)room;
}
