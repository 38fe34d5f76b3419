/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value types and function types (core spec sections 2.3 and 3.3), and the engine's registry that
 * gives equal function types of all modules one 32-bit number, so that a run-time type check is one
 * comparison.
 *
 * A value type is one uint32_t: bits 0-2 the kind, bit 3 nullable, bits 4-31 the heap type of a
 * reference. Concrete heap types carry the registry's number, never a module's type index; two
 * value types are equal when their numbers are.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type_kind {
    TYPE_BOTTOM, /* of unreachable code: matches everything */
    TYPE_I32,
    TYPE_I64,
    TYPE_F32,
    TYPE_F64,
    TYPE_V128,
    TYPE_REF,
};

enum heap_type {
    HEAP_BOTTOM, /* below all heap types; only the validator has it */
    HEAP_FUNC,
    HEAP_NOFUNC,
    HEAP_EXTERN,
    HEAP_NOEXTERN,
    HEAP_CONCRETE = 32, /* plus the registry's number */
};

#define TYPE_KIND_MASK  7u
#define TYPE_NULLABLE   8u
#define TYPE_HEAP_SHIFT 4

/* In a recursion group on its way into the registry: a member of the same group by position. */
#define HEAP_MEMBER 0x8000000u

enum { TYPE_ID_MAX = 1 << 24 };

static inline uint32_t type_ref(uint32_t heap, bool nullable)
{
    return (heap << TYPE_HEAP_SHIFT) | (nullable ? TYPE_NULLABLE : 0) | TYPE_REF;
}

#define TYPE_FUNCREF   ((uint32_t)(HEAP_FUNC << TYPE_HEAP_SHIFT) | TYPE_NULLABLE | TYPE_REF)
#define TYPE_EXTERNREF ((uint32_t)(HEAP_EXTERN << TYPE_HEAP_SHIFT) | TYPE_NULLABLE | TYPE_REF)

static inline enum type_kind type_kind(uint32_t type)
{
    return (enum type_kind)(type & TYPE_KIND_MASK);
}

static inline uint32_t type_heap(uint32_t type)
{
    return type >> TYPE_HEAP_SHIFT;
}

static inline bool type_is_ref(uint32_t type)
{
    return type_kind(type) == TYPE_REF;
}

static inline bool type_is_num_or_vec(uint32_t type)
{
    return type_kind(type) != TYPE_REF;
}

static inline bool type_is_nullable(uint32_t type)
{
    return type & TYPE_NULLABLE;
}

/* A local of this type starts with a value of its own (zero or null). */
static inline bool type_is_defaultable(uint32_t type)
{
    return !type_is_ref(type) || type_is_nullable(type);
}

/* Frame slots of 8 bytes that a value occupies. */
static inline uint32_t type_slots(uint32_t type)
{
    return type_kind(type) == TYPE_V128 ? 2 : 1;
}

/* Whether a value of `type` may stand where `expected` is asked for (spec 3.3.3-3.3.4). */
bool type_matches(uint32_t type, uint32_t expected);

/* True if the reference is in the hierarchy of func, and not of extern. */
bool type_is_func_ref(uint32_t type);

/* Writes the type as in the text format; as snprintf. */
int type_print(uint32_t type, char *buffer, size_t size);

/* A function type. Immutable; owned by the registry and as old as the engine. */
struct functype {
    uint32_t id;
    uint32_t param_count, result_count;
    uint32_t param_slots, result_slots;
    const uint32_t *params, *results;
};

/* A function type before it has a number. In params and results of a recursion group, concrete heap
 * types are registry numbers or HEAP_MEMBER + position. */
struct functype_desc {
    const uint32_t *params, *results;
    uint32_t param_count, result_count;
};

struct type_group;

struct type_registry {
    pthread_mutex_t lock;
    struct type_group **buckets;
    size_t bucket_count, group_count;
    uint32_t type_count;
};

/* 0 or -ENOMEM. */
int type_registry_init(struct type_registry *registry);
void type_registry_fini(struct type_registry *registry);

/* Finds or adds a recursion group of `count` (at least 1) types and stores the canonical types to
 * out[0 … count). Thread-safe. 0, -ENOMEM, or -E2BIG when the engine's numbers are used up. */
int type_registry_add(struct type_registry *registry, const struct functype_desc *group,
                      uint32_t count, const struct functype **out);
