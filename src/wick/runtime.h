/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of a running program (core spec section 4.2). Everything here belongs to a store and
 * dies with it. Compiled code addresses the marked fields by offset: they come first and stay.
 */
#pragma once

#include "wick/heap.h"
#include "wick/module.h"

#include <assert.h>
#include <stdatomic.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "libwick runs on little-endian hosts");
static_assert(sizeof(void *) == 8, "libwick needs 64-bit pointers");

enum { PAGE_SHIFT = 16 };

#define PAGE_BYTES ((uint64_t)1 << PAGE_SHIFT)

/* A 32-bit memory is smaller than 4 GiB by a page: an address that grows by less always leaves it,
 * on which compiled code relies (compile/walks.c, compile/addresses.c). */
#define MEMORY32_MAX (((uint64_t)4 << 30) - PAGE_BYTES)

struct wasm_config_t {
    enum wick_engine engine;
    uint64_t max_memory, max_memory64; /* bytes */
    uint64_t max_table;                /* elements */
    uint64_t max_heap;                 /* bytes */
    size_t stack;                      /* bytes */
    bool heap_stress;
    bool fuel;
    bool guard; /* 32-bit memories are reserved in full; compiled code does not check */
    bool eager; /* compile whole modules */
    bool perf_map, gdb;
    bool baseline; /* no instruction sets beyond SSE4.2 */
};

struct wasm_engine_t {
    atomic_uint references;
    struct wasm_config_t config;
    struct type_registry types;
    struct compile_engine *compile;  /* NULL: the interpreter runs */
    _Atomic(uint8_t *) first_memory; /* address space for it, or NULL */
};

struct wasm_engine_t *engine_retain(struct wasm_engine_t *engine);
void engine_release(struct wasm_engine_t *engine);

struct activation;
struct compiled_frame;
struct watch;

/* Room for arguments and results that registers do not hold, 16 bytes each. */
enum {
    OVERFLOW_BYTES = 16 * (FUNC_PARAMS_MAX > FUNC_RESULTS_MAX ? FUNC_PARAMS_MAX : FUNC_RESULTS_MAX)
};

struct wasm_store_t {
    struct wasm_engine_t *engine;
    struct object *objects; /* all that were made, newest first */
    void *data;
    atomic_int interrupt;
    uint64_t fuel; /* by compiled code */
    uint64_t deadline;
    wick_value_t *stack, *stack_end;
    wick_value_t *stack_top; /* free from here on */
    struct activation *activation;
    unsigned depth; /* of host functions that called back */
    struct heap heap;
    struct root_frame *roots; /* newest first */
    struct object *thrown;    /* traps that carry an exception, newest first */
    uint64_t *held;           /* references that the embedder was given */
    size_t held_count, held_capacity;
    struct compiled_frame *frame; /* by compiled code: the newest entry */
    uintptr_t code_stack;         /* where that of compiled code begins */
    uintptr_t stack_limit;        /* and ends; it grows down */
    size_t stack_bytes;           /* of both */
    atomic_int alarm;             /* the instances' limits were raised, to get attention */
    _Atomic(struct wasm_instance_t *) instances; /* newest first */
    struct watch *watch;                         /* for the deadline; NULL until there is one */
    /* An exception on its way to compiled code that catches it, and there the clause; no other code
     * runs in between. */
    uint64_t exception;
    uint32_t caught;                  /* by compiled code */
    uint8_t overflow[OVERFLOW_BYTES]; /* by compiled code */
};

/* Makes a reference that the embedder was given a root until wick_store_release_refs. False without
 * memory. */
bool store_hold(struct wasm_store_t *store, uint64_t ref);

/* Sets the stack limit that compiled code sees. Async-signal-safe. */
void store_set_limits(struct wasm_store_t *store, uintptr_t limit);
/* Makes running compiled code look up soon. Async-signal-safe. */
void store_alarm(struct wasm_store_t *store);

/* Puts an object into the store's list. */
void store_add(struct wasm_store_t *store, struct object *object, enum object_kind kind);

/* A reference in a frame, global, table or segment is one 64-bit word: see heap.h. */

struct wasm_func_t {
    struct object object;
    uint32_t type_id;                 /* by compiled code */
    uint32_t index;                   /* in its module */
    struct wasm_instance_t *instance; /* by compiled code; NULL: a host function */
    const void *entry;                /* by compiled code */
    struct func_code *code;           /* of the interpreter; NULL until the first call */
    const struct functype *type;
    wick_host_callback_t host;
    void *env;
    void (*finalizer)(void *);
};

/* Whether the function's type is that of the number or below it. What a call_indirect asks when the
 * numbers differ; for a final type the answer is then no. */
static inline bool func_has_type(const struct wasm_func_t *func, uint32_t type_id)
{
    return deftype_is_sub(functype_def(func->type),
                          type_registry_get(&func->object.store->engine->types, type_id));
}

struct shared_memory;

struct wasm_memory_t {
    struct object object;
    uint8_t *base; /* by compiled code; changes when the memory grows beyond its reservation */
    uint64_t size; /* by compiled code; bytes */
    uint64_t reserved;
    uint64_t max_pages; /* the smaller of declared and configured */
    struct memory_type type;
    struct shared_memory
        *shared; /* NULL unless the type says so; its size counts then (atomic.h) */
};

/* `ref` first: code that knows the table's type needs no more. The others are of the function that
 * ref names, and 0 otherwise. */
struct table_slot {
    uint64_t ref;
    struct wasm_instance_t *instance;
    uint32_t type_id; /* of a null element: UINT32_MAX */
    uint32_t reserved;
};

struct wasm_table_t {
    struct object object;
    struct table_slot *slots; /* by compiled code */
    uint64_t size;            /* by compiled code */
    uint64_t capacity;
    uint64_t max; /* the smaller of declared and configured */
    struct table_type type;
};

struct wasm_global_t {
    struct object object;
    wick_value_t *value; /* by compiled code; two, in the instance that defines it or here */
    struct global_type type;
    wick_value_t storage[2];
};

struct wick_tag_t {
    struct object object;
    const struct functype *type;
};

struct elem_instance {
    uint64_t *refs;
    uint32_t count; /* 0 once dropped */
};

struct wasm_instance_t {
    struct object object;
    struct wasm_memory_t **memories; /* by compiled code, here and below; imports first */
    struct wasm_func_t **funcs;
    struct wasm_table_t **tables;
    struct wasm_global_t **globals;
    struct wick_tag_t **tags;
    _Atomic(uintptr_t) stack_limit;
    uint8_t *memory_base;          /* of memory 0 where guards catch every address */
    struct wasm_func_t *own_funcs; /* those that the module defines */
    struct wasm_memory_t *memory;  /* the export "memory", or NULL */
    struct module *module;
    struct elem_instance *elems;
    struct span *datas;           /* empty once dropped */
    struct wasm_instance_t *next; /* of the store */
};

struct wasm_foreign_t {
    struct object object;
};

struct wick_caller_t {
    struct wasm_store_t *store;
    struct wasm_instance_t *instance;
};

/* ---- Memory (memory.c) ------------------------------------------------------------------------
 */

/* WICK_LIMIT if the minimum is beyond the configuration, WICK_NO_MEMORY if the host refuses. */
enum wick_status memory_new(struct wasm_store_t *store, const struct memory_type *type,
                            struct wasm_memory_t **out);
void memory_fini(struct wasm_memory_t *memory);
/* Whether the host grants what guards need for a memory. What it granted is kept for the engine's
 * first memory; memory_end_guard gives it back if there was none. */
bool memory_try_guard(struct wasm_engine_t *engine);
void memory_end_guard(struct wasm_engine_t *engine);
/* The old size in pages, or -1. */
int64_t memory_grow(struct wasm_memory_t *memory, uint64_t pages);
/* The current limits: type with the minimum replaced by the current size. */
struct limits memory_limits(const struct wasm_memory_t *memory);

/* Bulk operations: check first, then act. Return a trap kind. */
enum wick_trap_kind memory_fill(struct wasm_memory_t *memory, uint64_t to, uint8_t value,
                                uint64_t count);
enum wick_trap_kind memory_copy(struct wasm_memory_t *memory, uint64_t to,
                                const struct wasm_memory_t *source, uint64_t from, uint64_t count);
enum wick_trap_kind memory_init(struct wasm_memory_t *memory, uint64_t to, struct span data,
                                uint64_t from, uint64_t count);

/* ---- Tables (table.c) -------------------------------------------------------------------------
 */

enum wick_status table_new(struct wasm_store_t *store, const struct table_type *type, uint64_t ref,
                           struct wasm_table_t **out);
void table_fini(struct wasm_table_t *table);
int64_t table_grow(struct wasm_table_t *table, uint64_t delta, uint64_t ref);
struct limits table_limits(const struct wasm_table_t *table);
/* The index must be below the size. */
void table_put(struct wasm_table_t *table, uint64_t index, uint64_t ref);
enum wick_trap_kind table_fill(struct wasm_table_t *table, uint64_t to, uint64_t ref,
                               uint64_t count);
enum wick_trap_kind table_copy(struct wasm_table_t *table, uint64_t to,
                               const struct wasm_table_t *source, uint64_t from, uint64_t count);
enum wick_trap_kind table_init(struct wasm_table_t *table, uint64_t to,
                               const struct elem_instance *elem, uint64_t from, uint64_t count);

/* ---- Instances (instance.c, constant.c) -------------------------------------------------------
 */

struct wasm_func_t *func_new_host(struct wasm_store_t *store, const struct functype *type,
                                  wick_host_callback_t callback, void *env,
                                  void (*finalizer)(void *));
struct wick_tag_t *tag_new(struct wasm_store_t *store, const struct functype *type);
struct wasm_global_t *global_new(struct wasm_store_t *store, const struct global_type *type,
                                 const wick_value_t value[2]);

/* One import per module import, in order. */
enum wick_status instance_new(struct wasm_store_t *store, struct module *module,
                              struct object *const *imports, struct wasm_instance_t **out,
                              struct wasm_trap_t **trap, struct fault *fault);
void instance_fini(struct wasm_instance_t *instance);
struct object *instance_extern(const struct wasm_instance_t *instance, wasm_externkind_t kind,
                               uint32_t index);

/* Evaluates a validated constant expression. False without memory. */
bool constant_eval(const struct wasm_instance_t *instance, struct span expression,
                   wick_value_t value[2]);
/* The same, moving the start of `expressions` behind the first of them. */
bool constant_eval_next(const struct wasm_instance_t *instance, struct span *expressions,
                        wick_value_t value[2]);

/* ---- Calls and traps (call.c, trap.c) ---------------------------------------------------------
 */

/* Arguments in, results out. Returns an owned trap or NULL. */
struct wasm_trap_t *func_call(struct wasm_func_t *func, wick_value_t *slots);

struct wasm_frame_t {
    struct wasm_instance_t *instance;
    struct module *module; /* counted */
    uint32_t func_index;
    size_t module_offset, func_offset; /* bytes */
};

enum { TRAP_FRAMES_MAX = 64 };

struct wasm_trap_t {
    struct object object; /* next: in the store's list `thrown` */
    atomic_uint references;
    enum wick_trap_kind kind;
    int32_t status;
    uint64_t exception; /* of WICK_TRAP_EXCEPTION; 0 once the store is gone */
    char *text;
    uint32_t frame_count; /* kept: the first and the last half of TRAP_FRAMES_MAX */
    uint32_t frame_total;
    struct wasm_frame_t frames[TRAP_FRAMES_MAX];
};

/* A trap of the kind with its standard text, or with `text` (copied) instead. Never NULL: without
 * memory it is a static trap that says so. */
struct wasm_trap_t *trap_new(struct wasm_store_t *store, enum wick_trap_kind kind,
                             const char *text);
/* A trap that carries an exception, which is a root of the store as long as the trap lives. */
struct wasm_trap_t *trap_new_exception(struct wasm_store_t *store, uint64_t exception);
/* Takes the exceptions from traps that outlive the store. */
void traps_abandon(struct wasm_store_t *store);
/* Adds the next outer frame. */
void trap_add_frame(struct wasm_trap_t *trap, struct wasm_instance_t *instance, uint32_t func_index,
                    size_t module_offset);
