/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collected heap of a store (core spec section 4.2.14 and 4.2.16): structs, arrays and
 * exceptions. Mark and sweep, precise, non-moving; an object keeps its address while it lives.
 *
 * A reference is one 64-bit word; 0 is null. In the hierarchy of func it is a struct wasm_func_t *.
 * In those of any, extern and exn the two lowest bits say what it is:
 *
 *     ...1   an i31: bits 1-31 are the value, the upper half is 0
 *     ..10   a value of the embedder's: it is the word shifted right by 2
 *     ..00   an object of this heap, by address
 *
 * extern.convert_any and any.convert_extern therefore change nothing. ref.eq compares words.
 *
 * An object begins at a multiple of 16 with its type; compiled code addresses it by offset:
 *
 *     every object   0  const struct deftype *
 *     struct         fields from HEAP_HEADER on, each at a multiple of its size and at
 *                    deftype.fields[i].offset from the object's start; i8 and i16 are packed
 *     array          HEAP_ARRAY_LENGTH  uint32_t length in elements
 *                    HEAP_ARRAY_ELEMENTS  elements, 1 << deftype.element_shift bytes each
 *     exception      HEAP_EXCEPTION_TAG  struct wick_tag_t *
 *                    HEAP_EXCEPTION_ARGS  the arguments in 8-byte slots, a v128 in two
 *
 * Collections happen only inside heap_alloc and heap_collect. Whoever calls code that may allocate
 * and holds references where no root_frame finds them gives them a root_frame of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAP_HEADER = 8,
    HEAP_ARRAY_LENGTH = 8,
    HEAP_ARRAY_ELEMENTS = 16,
    HEAP_EXCEPTION_TAG = 8,
    HEAP_EXCEPTION_ARGS = 16,
};

#define REF_I31       1u /* bit 0 */
#define REF_HOST      2u /* bits 0-1 */
#define REF_TAG_MASK  3u
#define REF_HOST_BITS 62 /* of the embedder's value */

struct deftype;
struct wasm_store_t;
struct wick_tag_t;
struct wick_heap_stats_t;

struct heap_object {
    const struct deftype *type;
};

struct heap_array {
    const struct deftype *type;
    uint32_t length;
    uint32_t reserved;
    uint8_t elements[];
};

struct heap_exception {
    const struct deftype *type; /* heap_exception_type */
    struct wick_tag_t *tag;
    uint64_t args[];
};

/* The header of all exceptions. */
extern const struct deftype heap_exception_type;

/* Whether a word of the hierarchies of any, extern and exn is the address of an object. */
static inline bool ref_is_object(uint64_t ref)
{
    return ref && !(ref & REF_TAG_MASK);
}

static inline struct heap_object *ref_object(uint64_t ref)
{
    return (struct heap_object *)(uintptr_t)ref;
}

static inline struct heap_array *ref_array(uint64_t ref)
{
    return (struct heap_array *)(uintptr_t)ref;
}

static inline struct heap_exception *ref_exception(uint64_t ref)
{
    return (struct heap_exception *)(uintptr_t)ref;
}

static inline uint64_t ref_from_i31(uint32_t value)
{
    return (uint32_t)(value << 1) | (uint64_t)REF_I31;
}

static inline uint32_t ref_i31_u(uint64_t ref)
{
    return (uint32_t)ref >> 1;
}

static inline int32_t ref_i31_s(uint64_t ref)
{
    return (int32_t)(uint32_t)ref >> 1;
}

/* Whether the reference is of the value type: what ref.test asks. The type's hierarchy must be the
 * one that the reference is known to be in. */
struct type_registry;
bool ref_is(const struct type_registry *registry, uint64_t ref, uint32_t type);

/* ---- Allocation -------------------------------------------------------------------------------
 */

enum {
    HEAP_GRANULE = 16,
    HEAP_SMALL_MAX = 2048, /* bytes up to which each multiple of the granule has a class */
    HEAP_SMALL_CLASSES = HEAP_SMALL_MAX / HEAP_GRANULE + 1,
    HEAP_MEDIUM_CLASSES = 32, /* of larger objects, by how many fit a block */
    HEAP_CLASSES = HEAP_SMALL_CLASSES + HEAP_MEDIUM_CLASSES,
};

/* Where objects of one size come from: zeroed cells at [next, end). Compiled code may take one of a
 * small class itself: it adds the rounded size to `next` if the sum is not above `end`, and stores
 * the header. */
struct heap_class {
    uintptr_t next, end;
};

struct heap_space;

struct heap {
    struct heap_class classes[HEAP_CLASSES]; /* by compiled code: small ones by bytes / granule */
    struct heap_space *space;                /* the rest: heap.c; NULL until something is made */
    uint64_t max;                            /* bytes, of the configuration */
    size_t mark_max; /* entries of the mark stack; more is found by walking the heap again */
    bool stress;     /* collect each time, overwrite what is freed; classes stay empty */
};

void heap_init(struct heap *heap, uint64_t max, bool stress);
void heap_fini(struct heap *heap);

/* Bytes that an object of `bytes` takes: the size to use with classes. */
static inline size_t heap_rounded(size_t bytes)
{
    return (bytes + HEAP_GRANULE - 1) & ~(size_t)(HEAP_GRANULE - 1);
}

/* A zeroed object with its header, of `bytes` with header and all; may collect. 0 when the heap is
 * full: WICK_TRAP_NO_MEMORY. */
uint64_t heap_alloc(struct wasm_store_t *store, const struct deftype *type, uint64_t bytes);

/* A zeroed array. 0 as above. */
uint64_t heap_alloc_array(struct wasm_store_t *store, const struct deftype *type, uint32_t length);

/* An exception with arguments copied from `slots`, which need not be roots. 0 as above. */
uint64_t heap_alloc_exception(struct wasm_store_t *store, struct wick_tag_t *tag,
                              const void *slots);

void heap_collect(struct wasm_store_t *store);

/* See wick_store_heap_stats. */
void heap_get_stats(const struct heap *heap, struct wick_heap_stats_t *out);

/* ---- Roots ------------------------------------------------------------------------------------
 */

/* Marks what a word of the hierarchies of any, extern and exn refers to; anything but an object is
 * ignored. Only during `visit`. */
void heap_visit(struct heap *heap, uint64_t ref);

/*
 * Something with references on its way through native frames: an activation of an engine, or C code
 * in the middle of an operation. Lives on the C stack, in the list store->roots from its push to
 * its pop. `visit` calls heap_visit on each reference; an engine's finds its frames by what was
 * saved at the safepoint (interp: struct activation and the map of the instruction).
 */
struct root_frame {
    struct root_frame *outer;
    void (*visit)(const struct root_frame *frame, struct heap *heap);
};

void root_push(struct wasm_store_t *store, struct root_frame *frame);
void root_pop(struct wasm_store_t *store, struct root_frame *frame);

/* A root frame of some words: root_frame.visit is root_words_visit. */
struct root_words {
    struct root_frame head;
    const uint64_t *words;
    size_t count;
};

void root_words_visit(const struct root_frame *frame, struct heap *heap);

/* All roots of a store (roots.c): frames, globals, tables, element segments, references that the
 * embedder holds, exceptions of traps. */
void heap_visit_roots(struct wasm_store_t *store);
