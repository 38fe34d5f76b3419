/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct arena_chunk {
    struct arena_chunk *older;
    uint64_t size; /* of what follows, which is aligned to 16 */
};

/* The head of memory that was given back, or of what was left of a chunk. */
struct arena_rest {
    struct arena_rest *next;
    size_t size; /* with this head; a multiple of 16 */
};

enum {
#ifdef WICK_VERIFY
    REST_MIN =
        64, /* all that is given back is overwritten, so that whoever still looks there fails */
#else
    REST_MIN = 16 << 10, /* less is not worth it */
#endif
    CHUNK_SIZE = 256 << 10, /* of the first, with its header */
    HUGE_PAGE = 2 << 20,
};

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void arena_cache_fini(struct arena_cache *cache)
{
    free_chunks(cache->chunks);
    *cache = (struct arena_cache){.limit = cache->limit};
}

static void leave_chunks(struct arena *arena)
{
    struct arena_cache *cache = arena->cache;
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        if (!cache || chunk->size > cache->limit - cache->bytes) {
            free(chunk);
            continue;
        }
        chunk->older = cache->chunks;
        cache->chunks = chunk;
        cache->bytes += chunk->size;
    }
}

bool arena_run(struct arena *arena, struct arena_cache *cache, size_t limit,
               void (*work)(void *env), void *env)
{
    *arena = (struct arena){.limit = limit, .cache = cache};
    if (setjmp(arena->out)) {
        leave_chunks(arena);
        return false;
    }
    work(env);
    leave_chunks(arena);
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

/* The first chunk that was left and is large enough, and no larger than `most`; NULL if none is. */
static struct arena_chunk *get_cached(struct arena_cache *cache, size_t size, size_t most)
{
    for (struct arena_chunk **at = &cache->chunks; *at; at = &(*at)->older) {
        struct arena_chunk *chunk = *at;
        if (chunk->size < size || chunk->size > most)
            continue;
        *at = chunk->older;
        cache->bytes -= chunk->size;
        return chunk;
    }
    return NULL;
}

/* A new chunk with room for `size` bytes. The more there is, the larger they become; large ones lie
 * on huge pages, for to clear many small ones takes the host as long as the compilation. */
static struct arena_chunk *new_chunk(const struct arena *arena, size_t size)
{
    size_t left = arena->limit - arena->total, bytes = CHUNK_SIZE;
    if (bytes < arena->total / 2)
        bytes = arena->total / 2;
    if (bytes < size + sizeof(struct arena_chunk))
        bytes = size + sizeof(struct arena_chunk);
    bytes = (bytes + 15) & ~(size_t)15; /* so that what is left is always a multiple */
    bool huge = bytes >= HUGE_PAGE;
    if (huge)
        bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    if (bytes > left)
        return NULL;
    struct arena_chunk *chunk = huge ? aligned_alloc(HUGE_PAGE, bytes) : malloc(bytes);
    if (!chunk)
        return NULL;
    if (huge)
        madvise(chunk, bytes, MADV_HUGEPAGE); /* a hint */
    chunk->size = bytes - sizeof(*chunk);
    return chunk;
}

static void add_chunk(struct arena *arena, size_t size)
{
    struct arena_cache *cache = arena->cache;
    size_t left = arena->limit - arena->total;
    if (size > left)
        arena_give_up(arena);
    struct arena_chunk *chunk = cache ? get_cached(cache, size, left) : NULL;
    if (!chunk)
        chunk = new_chunk(arena, size);
    if (!chunk)
        arena_give_up(arena);
    arena->total += chunk->size;
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena->next = (uint8_t *)(chunk + 1);
    arena->end = arena->next + chunk->size;
}

void arena_give_back(struct arena *arena, void *memory, size_t size)
{
    if (size < REST_MIN)
        return;
#ifdef WICK_VERIFY
    memset(memory, 0xA5, size);
#endif
    struct arena_rest *rest = memory;
    *rest = (struct arena_rest){arena->rests, size & ~(size_t)15};
    arena->rests = rest;
}

/* Goes on in memory that was given back, if any is large enough. */
static bool use_rest(struct arena *arena, size_t size)
{
    for (struct arena_rest **at = &arena->rests; *at; at = &(*at)->next) {
        struct arena_rest *rest = *at;
        if (rest->size < size)
            continue;
        *at = rest->next;
        arena->next = (uint8_t *)rest;
        arena->end = arena->next + rest->size;
        return true;
    }
    return false;
}

void *arena_take_slow(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - 15)
        arena_give_up(arena);
    uint8_t *left = arena->next;
    size_t left_size = (size_t)(arena->end - left);
    if (!use_rest(arena, size))
        add_chunk(arena, (size + 15) & ~(size_t)15);
    if (left)
        arena_give_back(arena, left, left_size);
    return arena_take(arena, size);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_take(arena, size), 0, size);
}

/* Lengthens the memory that was taken last; false if this is another, or there is no room. */
static bool extend(struct arena *arena, uint8_t *memory, size_t old, size_t size)
{
    old = (old + 15) & ~(size_t)15;
    if (!memory || memory + old != arena->next || size > (size_t)(arena->end - memory))
        return false;
    arena->next = memory + ((size + 15) & ~(size_t)15);
    return true;
}

void arena_grow_slow(struct arena *arena, void *array_pointer, uint32_t count, uint32_t *capacity,
                     size_t size)
{
    void **array = array_pointer;
    size_t room = *capacity ? (size_t)*capacity * 2 : 16;
    if (room < count)
        room = count;
    if (room > UINT32_MAX / 2)
        arena_give_up(arena);
    if (!extend(arena, *array, *capacity * size, room * size)) {
        void *grown = arena_take(arena, room * size);
        if (*capacity) {
            memcpy(grown, *array, *capacity * size);
            arena_give_back(arena, *array, *capacity * size);
        }
        *array = grown;
    }
    *capacity = (uint32_t)room;
}
