/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where compiled code lives, how it is entered and left, and how an address leads back to the
 * WebAssembly function.
 *
 * A region is one reservation of address space, for the functions of a module or for the adapters
 * of an engine. A page of it is either writable or executable, never both: executable those with
 * code, writable some that follow. Thread-safe.
 */
#pragma once

#include "wick/compile/emitted.h"
#include "wick/runtime.h"

#include <pthread.h>

/* A function in a region. */
struct code_func {
    uint32_t start, size; /* in the region */
    uint32_t entry;       /* from start, for callers of the same instance */
    uint32_t framed;      /* from start, where the frame is there */
    uint32_t frame;       /* bytes between RSP in the body and the return address */
    uint32_t early;       /* return address, from start, of a call before there is a frame; 0 */
    uint32_t func_index;
    bool saves_instance; /* its frame ends with its instance */
    bool interpreted;    /* a bridge to the interpreter; no frame of WebAssembly */
    uint32_t offset_count, root_count, catch_count;
    struct debug_object *debug; /* of gdb, or NULL */
    /* Behind the offsets, each behind the one before. */
    const struct code_root *roots;
    const struct inline_site *sites;
    const struct code_catch *catches;
    const struct catch_scope *scopes;
    const uint32_t *catch_tags;
    struct code_offset offsets[];
};

struct code_region {
    void *mapping; /* address space that it lies in */
    uint8_t *base;
    size_t reserved, used;
    size_t executable; /* pages up to here are executable */
    size_t writable;   /* those from there up to here are writable, in advance */
    bool batch;        /* between code_batch_begin and code_batch_end */
    /* Begun and ended; odd: a page of it may not be executable just now. It begins with the
     * region's number in the upper half, so that no two regions ever have the same. */
    atomic_ullong writes;
    uint32_t stubs[STUB_COUNT];
    struct code_func **funcs; /* ascending addresses */
    atomic_uint func_count;
    pthread_mutex_t lock; /* of everything but reading funcs below func_count */
};

/* A region for up to `funcs` functions (0: for adapters) with about `bytes` of code. NULL without
 * memory. */
struct code_region *code_region_new(size_t bytes, uint32_t funcs);
void code_region_free(struct code_region *region);

/* Places code, which is completed for that, and makes it executable; NULL when the region is full
 * or memory is. The answer is as old as the region. The caller holds region->lock. */
struct code_func *code_install(struct code_region *region, const struct emitted *emitted,
                               uint32_t func_index);
/* The same for code without frames or names; answers its address or NULL. */
const void *code_install_adapter(struct code_region *region, const uint8_t *bytes, size_t size);

/* Code that is placed in between becomes executable at the end, which saves time. Nothing in the
 * region may run meanwhile. False without memory. */
bool code_batch_begin(struct code_region *region);
bool code_batch_end(struct code_region *region);

static inline const void *code_stub(const struct code_region *region, enum code_stub stub)
{
    return region->base + region->stubs[stub];
}

/* The region that an address lies in, or NULL. Async-signal-safe. */
struct code_region *code_region_find(uintptr_t address);
/* The function in a region that an address lies in, or NULL. Async-signal-safe. */
const struct code_func *code_func_find(const struct code_region *region, uintptr_t address);
/* Where an instruction that faulted, or a return address, comes from; NULL if nowhere. */
const struct code_offset *code_offset_of_fault(const struct code_func *func, uint32_t code);
const struct code_offset *code_offset_of_return(const struct code_func *func, uint32_t code);

/* ---- Between C and compiled code --------------------------------------------------------------
 */

/* An entry into compiled code that is under way. The first five are by compiled code. */
struct compiled_frame {
    void *host_stack;  /* RSP of C at the entry, a multiple of 16 */
    uint8_t *sp;       /* when control left the code: RSP of the frame it left */
    const uint8_t *pc; /* and the return address there, or the instruction that faulted */
    uint8_t *low;      /* the lowest byte of stack in use then */
    struct wasm_instance_t *instance; /* that trapped, or catches */
    struct compiled_frame *outer;
    struct root_frame roots;  /* visits the references in the frames of this entry */
    struct wasm_trap_t *trap; /* of a host function */
    bool faulted;             /* pc is an instruction, not a return address */
};

/* frames.c: adds the frames from where control left the code up to the entry. */
void frames_add(struct wasm_trap_t *trap, const struct compiled_frame *frame);
/* The root_frame.visit of struct compiled_frame. */
void frames_visit(const struct root_frame *roots, struct heap *heap);

/* Loads arguments from slots, calls func->entry on the stack that ends at `stack`, stores results.
 * Answers a trap kind. */
typedef uint32_t (*enter_fn)(struct wasm_func_t *func, wick_value_t *slots, void *stack,
                             struct compiled_frame *frame);

/* x86_64/stubs.c: writes the region's stubs into `code` and their offsets into region->stubs. */
struct code;
void stubs_emit(struct code *code, uint32_t stubs[STUB_COUNT]);
/* Adapters for a type: from C into compiled code (enter_fn), and from compiled code to a host
 * function, as the entry of its struct wasm_func_t. */
void adapter_emit_enter(struct code *code, const struct functype *type, bool avx);
void adapter_emit_host(struct code *code, const struct functype *type, bool avx);

/* Before the latter, for direct calls of the number-th function that the module defines. */
void adapter_emit_own(struct code *code, uint32_t number);

/* What stubs call; they run on the host's stack. */
struct outcome;
struct outcome compiled_lazy(struct wasm_instance_t *instance, uint32_t entry_offset);
struct outcome compiled_lazy_ref(struct wasm_func_t *func);
struct outcome compiled_lazy_host(struct wasm_func_t *func);
uint32_t compiled_interrupt(struct wasm_instance_t *instance);
/* frames.c: looks for a frame that catches store->exception. Its return address, and sp and
 * instance in the compiled_frame; NULL: none does. */
const void *compiled_catch(struct compiled_frame *frame);
uint32_t compiled_host_call(struct wasm_instance_t *caller, struct wasm_func_t *func,
                            wick_value_t *slots);
