/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of compiled code: for backtraces, for the collector, and for exceptions. */
#include "wick/compile/code.h"

#include "base/search.h"

#include <string.h>

/* A walk from where control left the code up to the entry. */
struct walk {
    const uint8_t *pc, *sp; /* of the frame at hand, later of the one that called it */
    struct wasm_instance_t *instance;
    bool faulted;
    const struct code_func *func;
    uint32_t at; /* pc from the function's start */
    bool early;  /* there is no frame yet */
};

static struct walk walk_begin(const struct compiled_frame *frame)
{
    return (struct walk){frame->pc, frame->sp, frame->instance, frame->faulted, NULL, 0, false};
}

/* Looks at the frame of walk->pc; false if that is the adapter by which C came in. */
static bool walk_find(struct walk *walk)
{
    const struct code_region *region = code_region_find((uintptr_t)walk->pc);
    if (!region)
        return false;
    const struct code_func *func = code_func_find(region, (uintptr_t)walk->pc - !walk->faulted);
    if (!func)
        return false;
    walk->func = func;
    walk->at = (uint32_t)(walk->pc - region->base) - func->start;
    walk->early = func->early && func->early == walk->at;
    if (func->saves_instance && !walk->early)
        memcpy(&walk->instance, walk->sp + func->frame - sizeof(walk->instance),
               sizeof(walk->instance));
    return true;
}

static void walk_out(struct walk *walk)
{
    walk->sp += walk->early ? 0 : walk->func->frame;
    memcpy(&walk->pc, walk->sp, sizeof(walk->pc));
    walk->sp += sizeof(walk->pc);
    walk->faulted = false;
}

/* ---- Backtraces -------------------------------------------------------------------------------
 */

/* Adds a frame of machine code, which is one of WebAssembly for each call that was inlined. */
static void add_inlined_frames(struct wasm_trap_t *trap, struct wasm_instance_t *instance,
                               const struct code_func *func, const struct code_offset *at)
{
    uint32_t offset = at ? at->module : 0;
    for (uint32_t site = at ? at->site : 0; site; site = func->sites[site].parent) {
        trap_add_frame(trap, instance, func->sites[site].func_index, offset);
        offset = func->sites[site].offset;
    }
    trap_add_frame(trap, instance, func->func_index, offset);
}

void frames_add(struct wasm_trap_t *trap, const struct compiled_frame *frame)
{
    struct walk walk = walk_begin(frame);
    for (; walk_find(&walk); walk_out(&walk))
        add_inlined_frames(trap, walk.instance, walk.func,
                           walk.faulted ? code_offset_of_fault(walk.func, walk.at)
                                        : code_offset_of_return(walk.func, walk.at));
}

/* ---- Collections ------------------------------------------------------------------------------
 */

static void visit_frame(struct heap *heap, const struct walk *walk)
{
    const struct code_func *func = walk->func;
    uint32_t low = SEARCH_FIRST(func->roots, 0, func->root_count, code, walk->at);
    for (; low < func->root_count && func->roots[low].code == walk->at; low++) {
        uint64_t ref;
        memcpy(&ref, walk->sp + func->roots[low].slot, sizeof(ref));
        heap_visit(heap, ref);
    }
}

void frames_visit(const struct root_frame *roots, struct heap *heap)
{
    const struct compiled_frame *frame =
        (const struct compiled_frame *)(const void *)((const uint8_t *)roots -
                                                      offsetof(struct compiled_frame, roots));
    if (!frame->pc)
        return;
    struct walk walk = walk_begin(frame);
    for (; walk_find(&walk); walk_out(&walk))
        visit_frame(heap, &walk);
}

/* ---- Exceptions -------------------------------------------------------------------------------
 */

/* The try_table around the call that the frame is in, in func->scopes; 0: none. */
static uint32_t scope_of_call(const struct walk *walk)
{
    const struct code_func *func = walk->func;
    uint32_t low = SEARCH_FIRST(func->catches, 0, func->catch_count, code, walk->at);
    bool found = low < func->catch_count && func->catches[low].code == walk->at;
    return found ? func->catches[low].scope : 0;
}

/* The number of the clause that catches the exception there, or 0. */
static uint32_t find_clause(const struct walk *walk, const struct wick_tag_t *tag)
{
    const struct code_func *func = walk->func;
    for (uint32_t scope = scope_of_call(walk); scope; scope = func->scopes[scope].outer) {
        const struct catch_scope *block = &func->scopes[scope];
        for (uint32_t i = block->first; i < block->first + block->count; i++) {
            uint32_t wanted = func->catch_tags[i];
            if (wanted == CATCH_ANY_TAG || walk->instance->tags[wanted] == tag)
                return i;
        }
    }
    return 0;
}

const void *compiled_catch(struct compiled_frame *frame)
{
    struct wasm_store_t *store = frame->instance->object.store;
    const struct wick_tag_t *tag = ref_exception(store->exception)->tag;
    struct walk walk = walk_begin(frame);
    for (; walk_find(&walk); walk_out(&walk)) {
        store->caught = find_clause(&walk, tag);
        if (!store->caught)
            continue;
        frame->sp = (uint8_t *)(uintptr_t)walk.sp;
        frame->instance = walk.instance;
        return walk.pc;
    }
    return NULL;
}
