/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of 64 KiB, each at a multiple of its size, so that an object's address leads to its
 * block's header with the mark bits. A block holds cells of one size, or begins a mapping of its
 * own for one large object.
 *
 * Sweeping is lazy: after marking, a size class walks its blocks once more and opens the runs of
 * cells that are not marked, one at a time, as the last one is used up. Mark bits stay until the
 * next collection begins; new blocks are in front of those that are still to be walked.
 */
#include "wick/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    BLOCK_BYTES = 1 << 16,
    CHUNK_BLOCKS = 16, /* mapped at once */
    MARK_WORDS = BLOCK_BYTES / HEAP_GRANULE / 64,
    MEDIUM_MIN_PER_BLOCK = 2,
};

/* A collection is due when as much was allocated as survived the last one, and at least this. */
#define HEAP_STEP ((uint64_t)8 << 20)

struct heap_block {
    struct heap_block *next;
    uint64_t bytes; /* of the block, or of a large object's mapping */
    uint32_t cell;  /* bytes; 0: one large object */
    uint32_t reserved[11];
    uint64_t marks[MARK_WORDS]; /* of cells, by their first granule */
};

static_assert(sizeof(struct heap_block) % HEAP_GRANULE == 0, "cells are aligned");

enum { USABLE_BYTES = BLOCK_BYTES - sizeof(struct heap_block) };

struct chunk {
    struct chunk *next;
    void *map;
};

/* The blocks of a size class. `walk` and `cursor` are where its next run is looked for. */
struct class_blocks {
    struct heap_block *first;
    struct heap_block *walk;
    uint32_t cursor;
};

struct heap_space {
    struct class_blocks classes[HEAP_CLASSES];
    struct heap_block *large;
    struct heap_block *free;
    struct chunk *chunks;
    uint64_t allocated;         /* bytes of runs and large objects since the last collection */
    uint64_t limit;             /* collect beyond so many */
    struct heap_object **stack; /* marked, but their fields were not visited */
    size_t stack_count, stack_capacity;
    bool overflow; /* the stack could not grow: all marked objects are to be visited again */
    wick_heap_stats_t stats;
};

const struct deftype heap_exception_type = {.kind = DEF_EXCEPTION, .is_final = true};

/* ---- Blocks -----------------------------------------------------------------------------------
 */

static struct heap_block *block_of(const void *object)
{
    return (struct heap_block *)((uintptr_t)object & ~(uintptr_t)(BLOCK_BYTES - 1));
}

static uint8_t *block_start(struct heap_block *block)
{
    return (uint8_t *)block + sizeof(*block);
}

static uint8_t *map_aligned(size_t bytes)
{
    size_t room = bytes + BLOCK_BYTES;
    uint8_t *map = mmap(NULL, room, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)map & (BLOCK_BYTES - 1));
    if (before)
        munmap(map, before);
    munmap(map + before + bytes, room - before - bytes);
    return map + before;
}

static bool add_chunk(struct heap_space *space)
{
    struct chunk *chunk = malloc(sizeof(*chunk));
    uint8_t *map = chunk ? map_aligned((size_t)CHUNK_BLOCKS * BLOCK_BYTES) : NULL;
    if (!map) {
        free(chunk);
        return false;
    }
    *chunk = (struct chunk){space->chunks, map};
    space->chunks = chunk;
    for (size_t i = CHUNK_BLOCKS; i-- > 0;) {
        struct heap_block *block = (struct heap_block *)(void *)(map + i * BLOCK_BYTES);
        block->next = space->free;
        space->free = block;
    }
    return true;
}

static bool may_use(const struct heap *heap, uint64_t bytes)
{
    return bytes <= heap->max && heap->space->stats.used <= heap->max - bytes;
}

static struct heap_block *take_block(struct heap *heap)
{
    struct heap_space *space = heap->space;
    if (!may_use(heap, BLOCK_BYTES) || (!space->free && !add_chunk(space)))
        return NULL;
    struct heap_block *block = space->free;
    space->free = block->next;
    space->stats.used += BLOCK_BYTES;
    memset(block, 0, BLOCK_BYTES);
    block->bytes = BLOCK_BYTES;
    return block;
}

static void give_block(struct heap_space *space, struct heap_block *block)
{
    space->stats.used -= block->bytes;
    if (!block->cell) {
        munmap(block, block->bytes);
        return;
    }
    block->next = space->free;
    space->free = block;
}

static bool has_marks(const struct heap_block *block)
{
    uint64_t any = 0;
    for (size_t i = 0; i < MARK_WORDS; i++)
        any |= block->marks[i];
    return any;
}

static bool is_marked(const struct heap_block *block, uint32_t offset)
{
    uint32_t index = offset / HEAP_GRANULE;
    return block->marks[index / 64] >> index % 64 & 1;
}

/* ---- Allocation -------------------------------------------------------------------------------
 */

/* How many objects of so many bytes, more than a small class has, share a block. */
static uint32_t medium_per_block(uint64_t bytes)
{
    return (uint32_t)(USABLE_BYTES / bytes);
}

/* Opens the next run of free cells in the blocks that the class has. */
static bool open_run(struct heap *heap, uint32_t class)
{
    struct class_blocks *blocks = &heap->space->classes[class];
    while (blocks->walk) {
        struct heap_block *block = blocks->walk;
        uint32_t at = blocks->cursor, cell = block->cell;
        while (at + cell <= BLOCK_BYTES && is_marked(block, at))
            at += cell;
        uint32_t end = at;
        while (end + cell <= BLOCK_BYTES && !is_marked(block, end))
            end += cell;
        blocks->cursor = end;
        if (end > at) {
            uint8_t *start = (uint8_t *)block + at;
            memset(start, 0, end - at);
            heap->space->allocated += end - at;
            heap->classes[class] =
                (struct heap_class){(uintptr_t)start, (uintptr_t)start + (end - at)};
            return true;
        }
        blocks->walk = block->next;
        blocks->cursor = sizeof(*block);
    }
    return false;
}

static bool open_block(struct heap *heap, uint32_t class, uint32_t cell)
{
    struct heap_block *block = cell ? take_block(heap) : NULL; /* no cell is empty */
    if (!block)
        return false;
    struct class_blocks *blocks = &heap->space->classes[class];
    block->cell = cell;
    block->next = blocks->first;
    blocks->first = block;
    uintptr_t start = (uintptr_t)block_start(block);
    uint32_t bytes = USABLE_BYTES / cell * cell;
    heap->classes[class] = (struct heap_class){start, start + bytes};
    heap->space->allocated += bytes;
    return true;
}

static uint64_t alloc_large(struct heap *heap, uint64_t bytes)
{
    uint64_t size =
        (bytes + sizeof(struct heap_block) + BLOCK_BYTES - 1) & ~(uint64_t)(BLOCK_BYTES - 1);
    if (size < bytes || !may_use(heap, size))
        return 0;
    struct heap_block *block = (struct heap_block *)(void *)map_aligned(size);
    if (!block)
        return 0;
    struct heap_space *space = heap->space;
    block->bytes = size;
    block->next = space->large;
    space->large = block;
    space->stats.used += size;
    space->allocated += size;
    return (uintptr_t)block_start(block);
}

/* An object of a class that has cells, or 0. */
static uint64_t take_cell(struct heap *heap, uint32_t class, uint32_t cell)
{
    uintptr_t at = heap->classes[class].next;
    if (at + cell > heap->classes[class].end)
        return 0;
    heap->classes[class].next = at + cell;
    return at;
}

static uint64_t try_alloc(struct heap *heap, uint64_t bytes)
{
    uint32_t class = (uint32_t)(bytes / HEAP_GRANULE), cell = (uint32_t)bytes;
    if (bytes > HEAP_SMALL_MAX) {
        uint32_t per_block = bytes <= USABLE_BYTES ? medium_per_block(bytes) : 0;
        if (per_block < MEDIUM_MIN_PER_BLOCK)
            return alloc_large(heap, bytes);
        class = HEAP_SMALL_CLASSES + per_block;
        cell = USABLE_BYTES / per_block & ~(uint32_t)(HEAP_GRANULE - 1);
    }
    uint64_t object = take_cell(heap, class, cell);
    if (object)
        return object;
    if (!open_run(heap, class) && !open_block(heap, class, cell))
        return 0;
    return take_cell(heap, class, cell);
}

static bool start_space(struct heap *heap)
{
    heap->space = calloc(1, sizeof(*heap->space));
    if (heap->space)
        heap->space->limit = HEAP_STEP;
    return heap->space;
}

uint64_t heap_alloc(struct wasm_store_t *store, const struct deftype *type, uint64_t bytes)
{
    struct heap *heap = &store->heap;
    if (bytes > heap->max || (!heap->space && !start_space(heap)))
        return 0;
    bytes = heap_rounded(bytes);
    if (heap->stress || heap->space->allocated > heap->space->limit)
        heap_collect(store);
    uint64_t object = try_alloc(heap, bytes);
    if (!object) {
        heap_collect(store);
        object = try_alloc(heap, bytes);
    }
    if (object)
        ref_object(object)->type = type;
    if (heap->stress)
        memset(heap->classes, 0, sizeof(heap->classes));
    return object;
}

uint64_t heap_alloc_array(struct wasm_store_t *store, const struct deftype *type, uint32_t length)
{
    uint64_t bytes = HEAP_ARRAY_ELEMENTS + ((uint64_t)length << type->element_shift);
    uint64_t object = heap_alloc(store, type, bytes);
    if (object)
        ref_array(object)->length = length;
    return object;
}

uint64_t heap_alloc_exception(struct wasm_store_t *store, struct wick_tag_t *tag, const void *slots)
{
    size_t bytes = tag->type->param_slots * sizeof(uint64_t);
    uint64_t object = heap_alloc(store, &heap_exception_type, HEAP_EXCEPTION_ARGS + bytes);
    if (!object)
        return 0;
    ref_exception(object)->tag = tag;
    memcpy(ref_exception(object)->args, slots, bytes);
    return object;
}

/* ---- Marking ----------------------------------------------------------------------------------
 */

static void push_object(struct heap *heap, struct heap_object *object)
{
    struct heap_space *space = heap->space;
    if (space->stack_count == heap->mark_max) {
        space->overflow = true;
        return;
    }
    if (space->stack_count == space->stack_capacity) {
        size_t room = space->stack_capacity ? space->stack_capacity * 2 : 1024;
        struct heap_object **grown = realloc(space->stack, room * sizeof(*grown));
        if (!grown) {
            space->overflow = true;
            return;
        }
        space->stack = grown;
        space->stack_capacity = room;
    }
    space->stack[space->stack_count++] = object;
}

void heap_visit(struct heap *heap, uint64_t ref)
{
    if (!ref_is_object(ref))
        return;
    struct heap_block *block = block_of(ref_object(ref));
    uint32_t index = (uint32_t)(ref - (uintptr_t)block) / HEAP_GRANULE;
    uint64_t bit = (uint64_t)1 << index % 64;
    if (block->marks[index / 64] & bit)
        return;
    block->marks[index / 64] |= bit;
    heap->space->stats.live += block->cell ? block->cell : block->bytes;
    push_object(heap, ref_object(ref));
}

static uint64_t word_at(const void *object, uint32_t offset)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)object + offset, sizeof(word));
    return word;
}

static void visit_array(struct heap *heap, const struct heap_array *array)
{
    if (array->type->traced_count == 0)
        return;
    const uint64_t *elements = (const uint64_t *)(const void *)array->elements;
    for (uint32_t i = 0; i < array->length; i++)
        heap_visit(heap, elements[i]);
}

static void visit_exception(struct heap *heap, const struct heap_exception *exception)
{
    const struct functype *type = exception->tag->type;
    const uint64_t *slot = exception->args;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (type_is_traced(type->params[i]))
            heap_visit(heap, *slot);
        slot += type_slots(type->params[i]);
    }
}

static void visit_object(struct heap *heap, const struct heap_object *object)
{
    const struct deftype *type = object->type;
    switch (type->kind) {
    case DEF_ARRAY:
        visit_array(heap, (const struct heap_array *)object);
        break;
    case DEF_EXCEPTION:
        visit_exception(heap, (const struct heap_exception *)object);
        break;
    default:
        for (uint32_t i = 0; i < type->traced_count; i++)
            heap_visit(heap, word_at(object, type->traced[i]));
    }
}

static void drain(struct heap *heap)
{
    struct heap_space *space = heap->space;
    while (space->stack_count)
        visit_object(heap, space->stack[--space->stack_count]);
}

static void visit_block(struct heap *heap, struct heap_block *block)
{
    uint32_t cell = block->cell ? block->cell : BLOCK_BYTES;
    for (uint32_t at = sizeof(*block); at < BLOCK_BYTES; at += cell) {
        if (is_marked(block, at))
            visit_object(heap, (const struct heap_object *)(const void *)((uint8_t *)block + at));
        drain(heap);
    }
}

/* After an overflow: what was marked may have fields that were not visited. */
static void visit_marked(struct heap *heap)
{
    struct heap_space *space = heap->space;
    while (space->overflow) {
        space->overflow = false;
        for (size_t i = 0; i < HEAP_CLASSES; i++) {
            for (struct heap_block *block = space->classes[i].first; block; block = block->next)
                visit_block(heap, block);
        }
        for (struct heap_block *block = space->large; block; block = block->next)
            visit_block(heap, block);
    }
}

/* ---- Collections ------------------------------------------------------------------------------
 */

static void clear_marks(struct heap_space *space)
{
    for (size_t i = 0; i < HEAP_CLASSES; i++) {
        for (struct heap_block *block = space->classes[i].first; block; block = block->next)
            memset(block->marks, 0, sizeof(block->marks));
    }
    for (struct heap_block *block = space->large; block; block = block->next)
        memset(block->marks, 0, sizeof(block->marks));
}

/* Gives back the blocks of a list in which nothing is marked. */
static void sweep_list(struct heap_space *space, struct heap_block **link)
{
    while (*link) {
        struct heap_block *block = *link;
        if (has_marks(block)) {
            link = &block->next;
            continue;
        }
        *link = block->next;
        give_block(space, block);
    }
}

/* Makes sure that nobody takes what is not marked for an object. */
static void overwrite(struct heap_space *space)
{
    for (size_t i = 0; i < HEAP_CLASSES; i++) {
        for (struct heap_block *block = space->classes[i].first; block; block = block->next) {
            for (uint32_t at = sizeof(*block); at + block->cell <= BLOCK_BYTES; at += block->cell) {
                if (!is_marked(block, at))
                    memset((uint8_t *)block + at, 0x5c, block->cell);
            }
        }
    }
}

static void sweep(struct heap *heap)
{
    struct heap_space *space = heap->space;
    for (size_t i = 0; i < HEAP_CLASSES; i++) {
        struct class_blocks *blocks = &space->classes[i];
        sweep_list(space, &blocks->first);
        blocks->walk = blocks->first;
        blocks->cursor = sizeof(struct heap_block);
        heap->classes[i] = (struct heap_class){0, 0};
    }
    sweep_list(space, &space->large);
}

/* Lets the host have the memory of free blocks, but for as much as the next step will take. */
static void trim(struct heap_space *space)
{
    uint64_t kept = 0;
    for (struct heap_block *block = space->free; block; block = block->next) {
        kept += BLOCK_BYTES;
        if (kept > space->limit + space->limit / 2)
            madvise((uint8_t *)block + 4096, BLOCK_BYTES - 4096, MADV_DONTNEED);
    }
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void heap_collect(struct wasm_store_t *store)
{
    struct heap *heap = &store->heap;
    struct heap_space *space = heap->space;
    if (!space)
        return;
    uint64_t start = now_ns();
    clear_marks(space);
    space->stats.live = 0;
    heap_visit_roots(store);
    drain(heap);
    visit_marked(heap);
    if (heap->stress)
        overwrite(space);
    sweep(heap);
    space->allocated = 0;
    space->limit = space->stats.live > HEAP_STEP ? space->stats.live : HEAP_STEP;
    trim(space);
    uint64_t taken = now_ns() - start;
    space->stats.collections++;
    space->stats.total_ns += taken;
    if (taken > space->stats.pause_ns)
        space->stats.pause_ns = taken;
}

void heap_get_stats(const struct heap *heap, wick_heap_stats_t *out)
{
    *out = heap->space ? heap->space->stats : (wick_heap_stats_t){0};
}

/* ---- The heap as a whole ----------------------------------------------------------------------
 */

void heap_init(struct heap *heap, uint64_t max, bool stress)
{
    memset(heap, 0, sizeof(*heap));
    heap->max = max;
    heap->stress = stress;
    heap->mark_max = SIZE_MAX;
}

void heap_fini(struct heap *heap)
{
    struct heap_space *space = heap->space;
    if (!space)
        return;
    while (space->large) {
        struct heap_block *block = space->large;
        space->large = block->next;
        munmap(block, block->bytes);
    }
    while (space->chunks) {
        struct chunk *chunk = space->chunks;
        space->chunks = chunk->next;
        munmap(chunk->map, (size_t)CHUNK_BLOCKS * BLOCK_BYTES);
        free(chunk);
    }
    free(space->stack);
    free(space);
    heap->space = NULL;
}
