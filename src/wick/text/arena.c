// SPDX-License-Identifier: Apache-2.0
#include "wick/text/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 64 * 1024 };

struct text_arena_chunk {
    struct text_arena_chunk *next;
    size_t capacity;
    alignas(max_align_t) unsigned char data[];
};

static struct text_arena_chunk *add_chunk(struct text_arena *arena, size_t size)
{
    size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    if (capacity > SIZE_MAX - sizeof(struct text_arena_chunk))
        return NULL;
    struct text_arena_chunk *chunk = calloc(1, sizeof(*chunk) + capacity);
    if (!chunk)
        return NULL;
    chunk->capacity = capacity;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used = 0;
    return chunk;
}

void *text_arena_alloc(struct text_arena *arena, size_t size)
{
    const size_t alignment = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + alignment - 1) / alignment * alignment;
    struct text_arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->capacity - arena->used < size)
        chunk = add_chunk(arena, size);
    if (!chunk)
        return NULL;
    void *result = chunk->data + arena->used;
    arena->used += size;
    return result;
}

void text_arena_fini(struct text_arena *arena)
{
    while (arena->chunks) {
        struct text_arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->used = 0;
}
