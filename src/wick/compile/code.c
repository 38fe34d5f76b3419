/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/code.h"

#include "base/search.h"

#include "wick/compile/debug.h"

#include "wick/compile/x86_64/asm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    CODE_PAGE = 4096,
    REGIONS_MAX = 4096,
    FUNC_ALIGNMENT = 64,
    SMALL_CODE = 128, /* bytes; less than that shares a page with older code */
    AHEAD = 2 << 20,  /* the region becomes writable in pieces of so many bytes: large pages */
};

/* ---- All regions, for signal handlers ---------------------------------------------------------
 */

static _Atomic(struct code_region *) regions[REGIONS_MAX];
static atomic_uint region_end; /* no region at or behind */

static bool register_region(struct code_region *region)
{
    for (uint32_t i = 0; i < REGIONS_MAX; i++) {
        struct code_region *none = NULL;
        if (!atomic_compare_exchange_strong(&regions[i], &none, region))
            continue;
        uint32_t end = atomic_load(&region_end);
        while (end < i + 1 && !atomic_compare_exchange_weak(&region_end, &end, i + 1))
            continue;
        return true;
    }
    return false;
}

static void unregister_region(struct code_region *region)
{
    for (uint32_t i = 0; i < atomic_load(&region_end); i++) {
        struct code_region *found = region;
        if (atomic_compare_exchange_strong(&regions[i], &found, NULL))
            return;
    }
}

struct code_region *code_region_find(uintptr_t address)
{
    for (uint32_t i = 0; i < atomic_load(&region_end); i++) {
        struct code_region *region = atomic_load(&regions[i]);
        if (region && address - (uintptr_t)region->base < region->reserved)
            return region;
    }
    return NULL;
}

/* ---- Regions ----------------------------------------------------------------------------------
 */

static size_t page_down(size_t at)
{
    return at & ~(size_t)(CODE_PAGE - 1);
}

static size_t page_up(size_t at)
{
    return page_down(at + CODE_PAGE - 1);
}

/* Makes the pages of [start, end) writable, or executable. */
static bool protect(struct code_region *region, size_t start, size_t end, int protection)
{
    return start == end || mprotect(region->base + start, end - start, protection) == 0;
}

/* From the second piece on the region is worth large pages. Advice that the host may not follow. */
static void advise(const struct code_region *region, size_t writable)
{
    if (region->writable <= AHEAD && writable > AHEAD)
        madvise(region->base + AHEAD, region->reserved - AHEAD, MADV_HUGEPAGE);
}

/* Makes the pages from the region's end up to `end` writable: the first of them again, if there is
 * code in it, and those behind it some more at a time, as nothing but the boundary between what is
 * executable and what is writable moves then. */
static bool make_writable(struct code_region *region, size_t end)
{
    size_t start = page_down(region->used), until = region->executable;
    if (end >= region->writable) {
        until = (end / AHEAD + 1) * AHEAD;
        if (until > region->reserved)
            until = region->reserved;
    }
    if (start < until && !protect(region, start, until, PROT_READ | PROT_WRITE))
        return false;
    if (until > region->writable) {
        advise(region, until);
        region->writable = until;
    }
    return true;
}

/* Copies code to the region's end. Threads that run into a page which is being written wait in the
 * signal handler (signals.c). */
static bool append(struct code_region *region, const uint8_t *bytes, size_t size)
{
    if (size > region->reserved - region->used)
        return false;
    size_t start = page_down(region->used), end = page_up(region->used + size);
    atomic_fetch_add(&region->writes, 1);
    bool done = make_writable(region, end);
    if (done) {
        memcpy(region->base + region->used, bytes, size);
        done = region->batch || protect(region, start, end, PROT_READ | PROT_EXEC);
    }
    atomic_fetch_add(&region->writes, 1);
    if (!done)
        return false;
    region->used += size;
    if (!region->batch)
        region->executable = end;
    return true;
}

bool code_batch_begin(struct code_region *region)
{
    region->batch = make_writable(region, page_up(region->used));
    if (region->batch)
        region->executable = page_down(region->used);
    return region->batch;
}

bool code_batch_end(struct code_region *region)
{
    size_t start = region->executable, end = page_up(region->used);
    region->batch = false;
    region->executable = end;
    return protect(region, start, end, PROT_READ | PROT_EXEC);
}

struct stub_writer {
    struct arena arena;
    struct code_region *region;
    bool done;
};

static void write_stubs(void *env)
{
    struct stub_writer *writer = env;
    struct code code = code_new(&writer->arena, 0);
    stubs_emit(&code, writer->region->stubs);
    writer->done = append(writer->region, code.bytes, code.size);
}

static bool add_stubs(struct code_region *region)
{
    struct stub_writer writer = {.region = region};
    return arena_run(&writer.arena, NULL, SIZE_MAX, write_stubs, &writer) && writer.done;
}

/* Takes address space that begins where a large page can. */
static void reserve(struct code_region *region)
{
    uint8_t *start = mmap(NULL, region->reserved + AHEAD, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return;
    region->mapping = start;
    region->base = start + (-(uintptr_t)start & (AHEAD - 1));
}

struct code_region *code_region_new(size_t bytes, uint32_t funcs)
{
    struct code_region *region = calloc(1, sizeof(*region));
    if (!region)
        return NULL;
    static atomic_ullong region_count;
    atomic_init(&region->writes, (atomic_fetch_add(&region_count, 1) + 1) << 32);
    pthread_mutex_init(&region->lock, NULL);
    region->reserved = page_up(bytes + CODE_PAGE);
    region->funcs = calloc(funcs + 1, sizeof(struct code_func *));
    reserve(region);
    if (!region->funcs || !region->base || !add_stubs(region) || !register_region(region)) {
        code_region_free(region);
        return NULL;
    }
    return region;
}

void code_region_free(struct code_region *region)
{
    if (!region)
        return;
    unregister_region(region);
    for (uint32_t i = 0; region->funcs && i < atomic_load(&region->func_count); i++) {
        debug_unregister(region->funcs[i]->debug);
        free(region->funcs[i]);
    }
    free(region->funcs);
    if (region->mapping)
        munmap(region->mapping, region->reserved + AHEAD);
    pthread_mutex_destroy(&region->lock);
    free(region);
}

/* ---- Functions --------------------------------------------------------------------------------
 */

/* Whether code begins on a page of its own, which saves making an executable one writable again.
 * Not if too much of the page would be left, nor when the region could become full of that. */
static bool needs_page(const struct code_region *region, size_t aligned, size_t size)
{
    return !region->batch && region->used < region->reserved / 2 &&
           (size > SMALL_CODE || aligned + size > page_up(aligned));
}

/* Starts the next code at a multiple of the alignment. On a page of its own it keeps its distance
 * from the start if it can: all at the same would meet in the same sets of the caches. */
static void align(struct code_region *region, size_t size)
{
    size_t aligned = (region->used + FUNC_ALIGNMENT - 1) & ~(size_t)(FUNC_ALIGNMENT - 1);
    size_t page = page_up(aligned), distance = aligned % CODE_PAGE;
    if (needs_page(region, aligned, size))
        aligned = page_up(distance + size) > page_up(size) ? page : page + distance;
    region->used = aligned < region->reserved ? aligned : region->reserved;
}

static void link_stubs(const struct code_region *region, const struct emitted *emitted)
{
    for (uint32_t i = 0; i < emitted->stub_count; i++) {
        const struct stub_fixup *fixup = &emitted->stubs[i];
        uint32_t from = (uint32_t)region->used + fixup->place + 4;
        uint32_t disp = region->stubs[fixup->stub] - from;
        memcpy(emitted->bytes + fixup->place, &disp, 4);
    }
}

/* Copies an array to *place and moves that behind it. */
static void *put_array(uint8_t **place, const void *array, size_t bytes)
{
    void *copy = *place;
    if (bytes)
        memcpy(copy, array, bytes);
    *place += bytes;
    return copy;
}

/* What is known of a function that will lie at region->used, in one allocation; NULL without
 * memory. */
static struct code_func *describe(const struct code_region *region, const struct emitted *emitted,
                                  uint32_t func_index)
{
    static const struct graph none;
    const struct graph *graph = emitted->graph ? emitted->graph : &none;
    size_t offsets = emitted->offset_count * sizeof(struct code_offset);
    size_t roots = emitted->root_count * sizeof(struct code_root);
    size_t sites = graph->site_count * sizeof(struct inline_site);
    size_t catches = emitted->catch_count * sizeof(struct code_catch);
    size_t scopes = graph->scope_count * sizeof(struct catch_scope);
    size_t tags = graph->catch_count * sizeof(uint32_t);
    struct code_func *func =
        malloc(sizeof(*func) + offsets + roots + sites + catches + scopes + tags);
    if (!func)
        return NULL;
    *func = (struct code_func){
        .start = (uint32_t)region->used,
        .size = emitted->size,
        .entry = emitted->entry,
        .frame = emitted->frame,
        .framed = emitted->framed,
        .early = emitted->early,
        .func_index = func_index,
        .saves_instance = emitted->saves_instance,
        .interpreted = emitted->interpreted,
        .offset_count = emitted->offset_count,
        .root_count = emitted->root_count,
        .catch_count = emitted->catch_count,
    };
    uint8_t *place = (uint8_t *)func->offsets;
    put_array(&place, emitted->offsets, offsets);
    func->roots = put_array(&place, emitted->roots, roots);
    func->sites = put_array(&place, graph->sites, sites);
    func->catches = put_array(&place, emitted->catches, catches);
    func->scopes = put_array(&place, graph->scopes, scopes);
    func->catch_tags = put_array(&place, graph->catch_tags, tags);
    return func;
}

struct code_func *code_install(struct code_region *region, const struct emitted *emitted,
                               uint32_t func_index)
{
    align(region, emitted->size);
    struct code_func *func = describe(region, emitted, func_index);
    link_stubs(region, emitted);
    if (!func || !append(region, emitted->bytes, emitted->size)) {
        free(func);
        return NULL;
    }
    uint32_t count = atomic_load(&region->func_count);
    region->funcs[count] = func;
    atomic_store_explicit(&region->func_count, count + 1, memory_order_release);
    return func;
}

const void *code_install_adapter(struct code_region *region, const uint8_t *bytes, size_t size)
{
    align(region, size);
    const void *at = region->base + region->used;
    return append(region, bytes, size) ? at : NULL;
}

const struct code_func *code_func_find(const struct code_region *region, uintptr_t address)
{
    uint32_t at = (uint32_t)(address - (uintptr_t)region->base), low = 0;
    uint32_t high = atomic_load_explicit(&region->func_count, memory_order_acquire);
    while (low < high) { /* the first function that ends behind the address */
        uint32_t middle = low + (high - low) / 2;
        const struct code_func *func = region->funcs[middle];
        if (func->start + func->size <= at)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < atomic_load_explicit(&region->func_count, memory_order_acquire) &&
                 region->funcs[low]->start <= at;
    return found ? region->funcs[low] : NULL;
}

/* The place of the first offset whose code is at or behind `code`. */
static uint32_t lower_bound(const struct code_func *func, uint32_t code)
{
    return SEARCH_FIRST(func->offsets, 0, func->offset_count, code, code);
}

const struct code_offset *code_offset_of_fault(const struct code_func *func, uint32_t code)
{
    uint32_t behind = lower_bound(func, code + 1);
    return behind ? &func->offsets[behind - 1] : NULL;
}

const struct code_offset *code_offset_of_return(const struct code_func *func, uint32_t code)
{
    uint32_t at = lower_bound(func, code);
    return at < func->offset_count ? &func->offsets[at] : NULL;
}
