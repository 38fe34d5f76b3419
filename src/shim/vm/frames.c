// SPDX-License-Identifier: Apache-2.0
/*
 * Physical memory. It comes in blocks of 2 MiB, of which each is either given out whole, or cut
 * into 32 chunks of 64 KiB. Exec's small pages and the shim's own pages are cut from chunks.
 *
 * Memory that has never been given out is zero. What was used before is zeroed when it is given out
 * again: by the host where it may be believed (INFO_HOST_ZEROES), else here.
 */
#include "shim/vm/shim.h"

enum {
    CHUNKS = LARGE_SIZE / CHUNK_SIZE, /* in a block */
    BLOCKS_MAX = MEMORY_MAX / LARGE_SIZE,
    ADD_MIN = 64 << 20, /* bytes asked of the host at a time: at first … */
    ADD_MAX = 1 << 30,  /* … and at most */
    NONE = 0,           /* end of a list; block 0 is never in the pool */
};

#define ALL_CHUNKS 0xffffffffu

struct block {
    uint32_t free;  /* bit set: chunk is free */
    uint32_t dirty; /* bit set: chunk was used before */
    uint32_t next, previous;
};

static struct block blocks[BLOCKS_MAX];
static uint32_t partial; /* list of blocks with some chunks free and some not */
static uint32_t whole;   /* list of blocks that were used and are free again */
static uint64_t fresh, fresh_end;
static uint64_t add_size = ADD_MIN;

static void *free_pages; /* linked through their first word */
static uint64_t page_cursor, page_cursor_end;

/* Added memory needs tables before it can be used: at most two pages of them, which are held back
 * for that. */
enum { HELD_BACK = BOOT_RESERVED };
static void *held_back[HELD_BACK] = {(void *)(DIRECT_BASE + BOOT_END - PAGE_SIZE),
                                     (void *)(DIRECT_BASE + BOOT_END - 2 * PAGE_SIZE)};
static uint32_t held_back_count = HELD_BACK;
static bool growing;

static uint64_t block_address(uint32_t number)
{
    return number * LARGE_SIZE;
}

static void list_push(uint32_t *list, uint32_t number)
{
    blocks[number].next = *list;
    blocks[number].previous = NONE;
    if (*list != NONE)
        blocks[*list].previous = number;
    *list = number;
}

static void list_remove(uint32_t *list, uint32_t number)
{
    struct block *block = &blocks[number];
    if (block->previous != NONE)
        blocks[block->previous].next = block->next;
    else
        *list = block->next;
    if (block->next != NONE)
        blocks[block->next].previous = block->previous;
}

static void hold_back(void)
{
    while (held_back_count < HELD_BACK) {
        void *page = page_alloc();
        if (!page)
            return;
        held_back[held_back_count++] = page;
    }
}

void frames_init(void)
{
    fresh = info->pool_start;
    fresh_end = info->pool_end;
    page_cursor = info->tables_next;
    page_cursor_end = BOOT_END - HELD_BACK * PAGE_SIZE;
}

static bool add_memory(uint64_t size)
{
    struct port_aside aside;
    port_put_aside(&aside);
    bool added = sp_memory_add(port_hold(), fresh_end, size) == 0;
    port_bring_back(&aside);
    return added;
}

/* Asks the host for more. The new memory continues where the old ends. */
static bool grow(void)
{
    uint64_t size = MEMORY_MAX - fresh_end;
    if (size > add_size)
        size = add_size;
    if (size == 0 || growing || held_back_count < HELD_BACK || !add_memory(size))
        return false;
    growing = true;
    if (table_map_direct(fresh_end, size) < 0)
        shim_panic("no page tables for memory that was added");
    growing = false;
    fresh_end += size;
    if (add_size < ADD_MAX)
        add_size *= 2;
    hold_back();
    return true;
}

void frame_zero(uint64_t physical, uint64_t size)
{
    if (!(info->flags & INFO_HOST_ZEROES)) {
        __builtin_memset(direct(physical), 0, size);
        return;
    }
    struct port_aside aside;
    port_put_aside(&aside);
    if (sp_memory_discard(port_hold(), physical, size) < 0)
        shim_panic("the host did not take back memory");
    port_bring_back(&aside);
}

/* A block of 2 MiB, as it is. */
static uint32_t take_block(void)
{
    uint32_t number = whole;
    if (number != NONE) {
        list_remove(&whole, number);
        return number;
    }
    if (fresh == fresh_end && !grow())
        return NONE;
    number = (uint32_t)(fresh / LARGE_SIZE);
    fresh += LARGE_SIZE;
    blocks[number] = (struct block){.free = ALL_CHUNKS};
    return number;
}

uint64_t large_alloc(void)
{
    uint32_t number = take_block();
    if (number == NONE)
        return 0;
    struct block *block = &blocks[number];
    block->free = 0;
    if (block->dirty)
        frame_zero(block_address(number), LARGE_SIZE);
    block->dirty = ALL_CHUNKS;
    return block_address(number);
}

uint64_t chunk_alloc(void)
{
    uint32_t number = partial;
    if (number == NONE) {
        number = take_block();
        if (number == NONE)
            return 0;
        list_push(&partial, number);
    }
    struct block *block = &blocks[number];
    uint32_t chunk = (uint32_t)__builtin_ctz(block->free);
    uint64_t physical = block_address(number) + chunk * CHUNK_SIZE;
    block->free &= ~(1u << chunk);
    if (block->free == 0)
        list_remove(&partial, number);
    if (block->dirty & 1u << chunk)
        frame_zero(physical, CHUNK_SIZE);
    block->dirty |= 1u << chunk;
    return physical;
}

void chunk_free(uint64_t physical)
{
    uint32_t number = (uint32_t)(physical / LARGE_SIZE);
    struct block *block = &blocks[number];
    if (block->free == 0)
        list_push(&partial, number);
    block->free |= 1u << ((physical & LARGE_MASK) / CHUNK_SIZE);
    if (block->free == ALL_CHUNKS) {
        list_remove(&partial, number);
        list_push(&whole, number);
    }
}

void large_free(uint64_t physical)
{
    uint32_t number = (uint32_t)(physical / LARGE_SIZE);
    blocks[number].free = ALL_CHUNKS;
    list_push(&whole, number);
}

void *page_alloc(void)
{
    if (free_pages) {
        void *page = free_pages;
        free_pages = *(void **)page;
        *(void **)page = NULL;
        return page;
    }
    if (page_cursor == page_cursor_end) {
        if (growing)
            return held_back_count ? held_back[--held_back_count] : NULL;
        page_cursor = chunk_alloc();
        if (!page_cursor) {
            page_cursor_end = 0;
            return NULL;
        }
        page_cursor_end = page_cursor + CHUNK_SIZE;
    }
    void *page = direct(page_cursor);
    page_cursor += PAGE_SIZE;
    return page;
}

void page_free(void *page)
{
    *(void **)page = free_pages;
    free_pages = page;
}

int page_reserve(void)
{
    if (page_cursor_end - page_cursor >= 2 * PAGE_SIZE || (free_pages && *(void **)free_pages))
        return 0;
    void *first = page_alloc(), *second = page_alloc();
    if (second)
        page_free(second);
    if (first)
        page_free(first);
    return first && second ? 0 : -ENOMEM;
}
