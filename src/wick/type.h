/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value types and defined types (core spec sections 2.3 and 3.2-3.3), and the engine's registry
 * that gives equal defined types of all modules one number, so that a run-time type check is a
 * comparison or two.
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

/* The abstract heap types. Each hierarchy has a top (func, extern, any, exn) and a bottom. */
enum heap_type {
    HEAP_BOTTOM, /* below all heap types; only the validator has it */
    HEAP_FUNC,
    HEAP_NOFUNC,
    HEAP_EXTERN,
    HEAP_NOEXTERN,
    HEAP_ANY,
    HEAP_EQ,
    HEAP_I31,
    HEAP_STRUCT,
    HEAP_ARRAY,
    HEAP_NONE,
    HEAP_EXN,
    HEAP_NOEXN,
    HEAP_ABSTRACT_COUNT,
};

/* What a defined type defines. */
enum def_kind {
    DEF_FUNC,
    DEF_STRUCT,
    DEF_ARRAY,
    DEF_EXCEPTION, /* the engine's own, of exception objects; no module can name it */
};

/* A concrete heap type: the flag, its def_kind and its number. */
#define HEAP_CONCRETE   0x4000000u
#define HEAP_KIND_SHIFT 24
#define HEAP_ID_MASK    0xffffffu
/* In a recursion group on its way into the registry: a member of the same group by position. */
#define HEAP_MEMBER 0x8000000u

#define TYPE_KIND_MASK  7u
#define TYPE_NULLABLE   8u
#define TYPE_HEAP_SHIFT 4

/* Packed types, in fields only: an i32 to those who look at the kind. */
#define TYPE_I8  ((uint32_t)TYPE_I32 | 1u << TYPE_HEAP_SHIFT)
#define TYPE_I16 ((uint32_t)TYPE_I32 | 2u << TYPE_HEAP_SHIFT)

enum { TYPE_ID_MAX = 1 << 24, TYPE_DEPTH_MAX = 63, TYPE_DISPLAY_MIN = 8 };

static inline uint32_t type_ref(uint32_t heap, bool nullable)
{
    return (heap << TYPE_HEAP_SHIFT) | (nullable ? TYPE_NULLABLE : 0) | TYPE_REF;
}

#define TYPE_FUNCREF   ((uint32_t)(HEAP_FUNC << TYPE_HEAP_SHIFT) | TYPE_NULLABLE | TYPE_REF)
#define TYPE_EXTERNREF ((uint32_t)(HEAP_EXTERN << TYPE_HEAP_SHIFT) | TYPE_NULLABLE | TYPE_REF)
#define TYPE_ANYREF    ((uint32_t)(HEAP_ANY << TYPE_HEAP_SHIFT) | TYPE_NULLABLE | TYPE_REF)
#define TYPE_EXNREF    ((uint32_t)(HEAP_EXN << TYPE_HEAP_SHIFT) | TYPE_NULLABLE | TYPE_REF)

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

static inline bool type_is_packed(uint32_t type)
{
    return type == TYPE_I8 || type == TYPE_I16;
}

/* The type of a field's value on the operand stack. */
static inline uint32_t type_unpacked(uint32_t type)
{
    return type_is_packed(type) ? TYPE_I32 : type;
}

static inline bool type_is_num_or_vec(uint32_t type)
{
    return type_kind(type) != TYPE_REF;
}

static inline bool type_is_nullable(uint32_t type)
{
    return type & TYPE_NULLABLE;
}

/* A local or field of this type starts with a value of its own (zero or null). */
static inline bool type_is_defaultable(uint32_t type)
{
    return !type_is_ref(type) || type_is_nullable(type);
}

/* Frame slots of 8 bytes that a value occupies. */
static inline uint32_t type_slots(uint32_t type)
{
    return type_kind(type) == TYPE_V128 ? 2 : 1;
}

static inline bool heap_is_concrete(uint32_t heap)
{
    return heap & HEAP_CONCRETE;
}

/* The registry's number of a concrete heap type. */
static inline uint32_t heap_id(uint32_t heap)
{
    return heap & HEAP_ID_MASK;
}

/* The top of the heap type's hierarchy. */
static inline uint32_t heap_top(uint32_t heap)
{
    if (heap_is_concrete(heap))
        return (heap >> HEAP_KIND_SHIFT & 3) == DEF_FUNC ? HEAP_FUNC : HEAP_ANY;
    switch (heap) {
    case HEAP_FUNC:
    case HEAP_NOFUNC:
        return HEAP_FUNC;
    case HEAP_EXTERN:
    case HEAP_NOEXTERN:
        return HEAP_EXTERN;
    case HEAP_EXN:
    case HEAP_NOEXN:
        return HEAP_EXN;
    default:
        return HEAP_ANY;
    }
}

/* True if the reference is in the hierarchy of func. */
static inline bool type_is_func_ref(uint32_t type)
{
    return type_is_ref(type) && heap_top(type_heap(type)) == HEAP_FUNC;
}

/* True if a value of this type may refer to an object of the collected heap (wick/heap.h). */
static inline bool type_is_traced(uint32_t type)
{
    return type_is_ref(type) && heap_top(type_heap(type)) != HEAP_FUNC;
}

/* A function type. Immutable; part of a struct deftype, owned by the registry and as old as the
 * engine. */
struct functype {
    uint32_t id;
    uint32_t param_count, result_count;
    uint32_t param_slots, result_slots;
    bool traced_params; /* one of them is type_is_traced */
    const uint32_t *params, *results;
};

/* A field of a struct type, or what the elements of an array type are. */
struct field {
    uint32_t type;   /* value type, TYPE_I8 or TYPE_I16 */
    uint32_t offset; /* bytes from the object's start; of an array: of element 0 */
    bool is_mutable;
};

/*
 * A defined type. Immutable; owned by the registry, as old as the engine. The marked fields are
 * addressed by compiled code.
 *
 * `display` answers "is this type T or below it" in constant time: a type of depth d (a root has 0)
 * finds itself at display[d], its supertype at display[d - 1] and so on. It has at least
 * TYPE_DISPLAY_MIN entries, the rest UINT32_MAX, so that for a T of smaller depth the test is just
 * display[T.depth] == T.id; otherwise T.depth <= depth is to be asked first.
 */
struct deftype {
    uint32_t id;   /* by compiled code */
    uint8_t kind;  /* by compiled code: enum def_kind */
    uint8_t depth; /* by compiled code */
    bool is_final;
    uint8_t element_shift;   /* array: log2 of an element's bytes */
    const uint32_t *display; /* by compiled code: numbers, root first */
    const struct deftype *super;
    struct functype func; /* DEF_FUNC; its id is the same */
    uint32_t field_count; /* struct: of fields; array: 1; func: 0 */
    uint32_t size;        /* struct: bytes of an object, header and all */
    const struct field *fields;
    const uint32_t *traced; /* offsets of the fields that are type_is_traced */
    uint32_t traced_count;  /* array: 1 if the elements are */
};

static inline const struct deftype *functype_def(const struct functype *type)
{
    return (const struct deftype *)(const void *)((const char *)type -
                                                  offsetof(struct deftype, func));
}

/* The heap type that means exactly this and its subtypes. */
static inline uint32_t deftype_heap(const struct deftype *type)
{
    return HEAP_CONCRETE | (uint32_t)type->kind << HEAP_KIND_SHIFT | type->id;
}

/* Whether `type` is `super` or declared below it. */
static inline bool deftype_is_sub(const struct deftype *type, const struct deftype *super)
{
    return super->depth <= type->depth && type->display[super->depth] == super->id;
}

/* A defined type before it has a number. In the types of a recursion group, concrete heap types are
 * registry numbers (deftype_heap) or HEAP_MEMBER + position. */
struct deftype_desc {
    enum def_kind kind;
    bool is_final;
    uint32_t super; /* a heap type; HEAP_BOTTOM: none. A member must come before its subtypes. */
    const uint32_t *params, *results;
    uint32_t param_count, result_count;
    const struct field *fields; /* the offsets do not matter */
    uint32_t field_count;
};

struct type_group;

enum { TYPE_CHUNK = 4096 };

struct type_registry {
    pthread_mutex_t lock;
    struct type_group **buckets;
    size_t bucket_count, group_count;
    uint32_t type_count;
    const struct deftype **chunks[TYPE_ID_MAX / TYPE_CHUNK]; /* of TYPE_CHUNK types, by number */
};

/* 0 or -ENOMEM. */
int type_registry_init(struct type_registry *registry);
void type_registry_fini(struct type_registry *registry);

/* Finds or adds a recursion group of `count` (at least 1) types and stores the canonical types to
 * out[0 … count). That subtypes match their supertypes is for the caller to check, afterwards, with
 * deftype_is_valid. Thread-safe. 0, -ENOMEM, -E2BIG when the engine's numbers are used up, or
 * -ELOOP when supertypes nest deeper than TYPE_DEPTH_MAX. */
int type_registry_add(struct type_registry *registry, const struct deftype_desc *group,
                      uint32_t count, const struct deftype **out);

/* The type of a number that the registry gave out. Thread-safe, without the lock. */
static inline const struct deftype *type_registry_get(const struct type_registry *registry,
                                                      uint32_t id)
{
    return registry->chunks[id / TYPE_CHUNK][id % TYPE_CHUNK];
}

/* Whether the type may be declared below its supertype (spec 3.2.9): that one is not final and what
 * it defines matches. True without a supertype. */
bool deftype_is_valid(const struct type_registry *registry, const struct deftype *type);

/* Whether a value of `type` may stand where `expected` is asked for (spec 3.3). */
bool type_matches(const struct type_registry *registry, uint32_t type, uint32_t expected);

/* Writes the type as in the text format; as snprintf. */
int type_print(uint32_t type, char *buffer, size_t size);
