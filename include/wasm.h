/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WebAssembly C API: what every engine offers under these names.
 *
 * Ownership. `own` marks what the receiver must delete: an owned result by the caller, an owned
 * parameter by the callee. A vector owns its elements. Objects of a store (functions, globals,
 * tables, memories, instances, foreign objects) live as long as the store: in this implementation
 * deleting one releases the handle and nothing else, and a handle must not be used after
 * wasm_store_delete. Modules and traps are counted and may outlive the store.
 *
 * Threads. An engine and its modules may be used by several threads; a store and what belongs to
 * it by one at a time.
 *
 * Errors. Constructors return NULL when they fail; functions that run WebAssembly return an owned
 * trap, or NULL when all went well. <wick.h> has variants that say why in words.
 *
 *     wasm_engine_t *engine = wasm_engine_new();
 *     wasm_store_t *store = wasm_store_new(engine);
 *     wasm_module_t *module = wasm_module_new(store, &bytes);
 *     wasm_extern_vec_t imports = WASM_EMPTY_VEC;
 *     wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
 */
#ifndef WASM_H
#define WASM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_API_EXTERN
#define WASM_API_EXTERN __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Marks ownership for the reader; the compiler sees nothing. */
#ifndef own
#define own
#endif

typedef char byte_t;
typedef float float32_t;
typedef double float64_t;

/* ---- Patterns ---------------------------------------------------------------------------------
 * OWN:  an opaque object and its destructor, which accepts NULL.
 * VEC:  a counted array. _new copies the elements' bits and takes ownership of what they point to;
 *       _copy makes a deep copy; _delete deletes elements and array and leaves an empty vector.
 * TYPE: an immutable description that can be copied.
 * REF:  a reference to an object: copies share it, `same` compares identity, and the embedder may
 *       attach one pointer of its own. */

#define WASM_DECLARE_OWN(name)                                                                     \
    typedef struct wasm_##name##_t wasm_##name##_t;                                                \
    WASM_API_EXTERN void wasm_##name##_delete(own wasm_##name##_t *);

#define WASM_DECLARE_VEC(name, star)                                                               \
    typedef struct wasm_##name##_vec_t {                                                           \
        size_t size;                                                                               \
        wasm_##name##_t star *data;                                                                \
    } wasm_##name##_vec_t;                                                                         \
    WASM_API_EXTERN void wasm_##name##_vec_new_empty(own wasm_##name##_vec_t *out);                \
    WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized(own wasm_##name##_vec_t *out,         \
                                                             size_t size);                         \
    WASM_API_EXTERN void wasm_##name##_vec_new(own wasm_##name##_vec_t *out, size_t size,          \
                                               own wasm_##name##_t star const data[]);             \
    WASM_API_EXTERN void wasm_##name##_vec_copy(own wasm_##name##_vec_t *out,                      \
                                                const wasm_##name##_vec_t *from);                  \
    WASM_API_EXTERN void wasm_##name##_vec_delete(own wasm_##name##_vec_t *);

#define WASM_DECLARE_TYPE(name)                                                                    \
    WASM_DECLARE_OWN(name)                                                                         \
    WASM_DECLARE_VEC(name, *)                                                                      \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *);

#define WASM_DECLARE_REF_BASE(name)                                                                \
    WASM_DECLARE_OWN(name)                                                                         \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *);              \
    WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t *, const wasm_##name##_t *);     \
    WASM_API_EXTERN void *wasm_##name##_get_host_info(const wasm_##name##_t *);                    \
    WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t *, void *info);               \
    WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer(                               \
        wasm_##name##_t *, void *info, void (*finalizer)(void *info));

#define WASM_DECLARE_REF(name)                                                                     \
    WASM_DECLARE_REF_BASE(name)                                                                    \
    WASM_API_EXTERN wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *);                           \
    WASM_API_EXTERN wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *);                             \
    WASM_API_EXTERN const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *);         \
    WASM_API_EXTERN const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *);

#define WASM_DECLARE_SHARABLE_REF(name)                                                            \
    WASM_DECLARE_REF(name)                                                                         \
    WASM_DECLARE_OWN(shared_##name)                                                                \
    WASM_API_EXTERN own wasm_shared_##name##_t *wasm_##name##_share(const wasm_##name##_t *);      \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_obtain(wasm_store_t *,                      \
                                                              const wasm_shared_##name##_t *);

/* ---- Bytes and names --------------------------------------------------------------------------
 */

typedef byte_t wasm_byte_t;
WASM_DECLARE_VEC(byte, )

typedef wasm_byte_vec_t wasm_name_t;

#define wasm_name                   wasm_byte_vec
#define wasm_name_new               wasm_byte_vec_new
#define wasm_name_new_empty         wasm_byte_vec_new_empty
#define wasm_name_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy              wasm_byte_vec_copy
#define wasm_name_delete            wasm_byte_vec_delete

/* The characters of a C string without, and with, the terminating NUL. */
static inline void wasm_name_new_from_string(own wasm_name_t *out, const char *text)
{
    wasm_name_new(out, strlen(text), text);
}

static inline void wasm_name_new_from_string_nt(own wasm_name_t *out, const char *text)
{
    wasm_name_new(out, strlen(text) + 1, text);
}

/* ---- Configuration, engine, store -------------------------------------------------------------
 */

WASM_DECLARE_OWN(config)
WASM_API_EXTERN own wasm_config_t *wasm_config_new(void);

WASM_DECLARE_OWN(engine)
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new(void);
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new_with_config(own wasm_config_t *);

/* The store keeps its engine alive. */
WASM_DECLARE_OWN(store)
WASM_API_EXTERN own wasm_store_t *wasm_store_new(wasm_engine_t *);

/* ---- Types ------------------------------------------------------------------------------------
 */

typedef uint8_t wasm_mutability_t;
enum wasm_mutability_enum {
    WASM_CONST,
    WASM_VAR,
};

typedef struct wasm_limits_t {
    uint32_t min;
    uint32_t max;
} wasm_limits_t;

static const uint32_t wasm_limits_max_default = 0xffffffff;

typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
    WASM_I32,
    WASM_I64,
    WASM_F32,
    WASM_F64,
    WASM_V128, /* only through <wick.h>: wasm_val_t cannot hold it */
    WASM_EXTERNREF = 128,
    WASM_ANYREF = WASM_EXTERNREF, /* the older name */
    WASM_FUNCREF,
};

WASM_DECLARE_TYPE(valtype)
WASM_API_EXTERN own wasm_valtype_t *wasm_valtype_new(wasm_valkind_t);
/* Reference types below extern answer WASM_EXTERNREF, those below func WASM_FUNCREF. */
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *);

static inline bool wasm_valkind_is_num(wasm_valkind_t kind)
{
    return kind < WASM_EXTERNREF;
}

static inline bool wasm_valkind_is_ref(wasm_valkind_t kind)
{
    return kind >= WASM_EXTERNREF;
}

static inline bool wasm_valtype_is_num(const wasm_valtype_t *type)
{
    return wasm_valkind_is_num(wasm_valtype_kind(type));
}

static inline bool wasm_valtype_is_ref(const wasm_valtype_t *type)
{
    return wasm_valkind_is_ref(wasm_valtype_kind(type));
}

WASM_DECLARE_TYPE(functype)
WASM_API_EXTERN own wasm_functype_t *wasm_functype_new(own wasm_valtype_vec_t *params,
                                                       own wasm_valtype_vec_t *results);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *);

WASM_DECLARE_TYPE(globaltype)
WASM_API_EXTERN own wasm_globaltype_t *wasm_globaltype_new(own wasm_valtype_t *, wasm_mutability_t);
WASM_API_EXTERN const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *);
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *);

WASM_DECLARE_TYPE(tabletype)
WASM_API_EXTERN own wasm_tabletype_t *wasm_tabletype_new(own wasm_valtype_t *,
                                                         const wasm_limits_t *);
WASM_API_EXTERN const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *);
WASM_API_EXTERN const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *);

/* Limits in pages of 64 KiB. */
WASM_DECLARE_TYPE(memorytype)
WASM_API_EXTERN own wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *);
WASM_API_EXTERN const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *);

typedef uint8_t wasm_externkind_t;
enum wasm_externkind_enum {
    WASM_EXTERN_FUNC,
    WASM_EXTERN_GLOBAL,
    WASM_EXTERN_TABLE,
    WASM_EXTERN_MEMORY,
};

WASM_DECLARE_TYPE(externtype)
WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *);

#define WASM_DECLARE_EXTERNTYPE(name)                                                              \
    WASM_API_EXTERN wasm_externtype_t *wasm_##name##type_as_externtype(wasm_##name##type_t *);     \
    WASM_API_EXTERN wasm_##name##type_t *wasm_externtype_as_##name##type(wasm_externtype_t *);     \
    WASM_API_EXTERN const wasm_externtype_t *wasm_##name##type_as_externtype_const(                \
        const wasm_##name##type_t *);                                                              \
    WASM_API_EXTERN const wasm_##name##type_t *wasm_externtype_as_##name##type_const(              \
        const wasm_externtype_t *);

/* The conversions to a kind answer NULL when the object is of another kind. */
WASM_DECLARE_EXTERNTYPE(func)
WASM_DECLARE_EXTERNTYPE(global)
WASM_DECLARE_EXTERNTYPE(table)
WASM_DECLARE_EXTERNTYPE(memory)

WASM_DECLARE_TYPE(importtype)
WASM_API_EXTERN own wasm_importtype_t *
wasm_importtype_new(own wasm_name_t *module, own wasm_name_t *name, own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *);

WASM_DECLARE_TYPE(exporttype)
WASM_API_EXTERN own wasm_exporttype_t *wasm_exporttype_new(own wasm_name_t *,
                                                           own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *);

/* ---- Values -----------------------------------------------------------------------------------
 */

struct wasm_ref_t;

typedef struct wasm_val_t {
    wasm_valkind_t kind;
    union {
        int32_t i32;
        int64_t i64;
        float32_t f32;
        float64_t f64;
        struct wasm_ref_t *ref; /* NULL is the null reference */
    } of;
} wasm_val_t;

WASM_API_EXTERN void wasm_val_delete(own wasm_val_t *);
WASM_API_EXTERN void wasm_val_copy(own wasm_val_t *out, const wasm_val_t *);
WASM_DECLARE_VEC(val, )

/* ---- References -------------------------------------------------------------------------------
 */

WASM_DECLARE_REF_BASE(ref)

/* One WebAssembly function on the stack of a trap. */
WASM_DECLARE_OWN(frame)
WASM_DECLARE_VEC(frame, *)
WASM_API_EXTERN own wasm_frame_t *wasm_frame_copy(const wasm_frame_t *);
WASM_API_EXTERN struct wasm_instance_t *wasm_frame_instance(const wasm_frame_t *);
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t *);
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t *);   /* bytes from the body */
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t *); /* bytes from the start */

typedef wasm_name_t wasm_message_t; /* with a terminating NUL */

WASM_DECLARE_REF(trap)
WASM_API_EXTERN own wasm_trap_t *wasm_trap_new(wasm_store_t *, const wasm_message_t *);
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t *, own wasm_message_t *out);
WASM_API_EXTERN own wasm_frame_t *wasm_trap_origin(const wasm_trap_t *); /* NULL: in the host */
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t *, own wasm_frame_vec_t *out);

/* An object of the host's that WebAssembly can hold as an externref. */
WASM_DECLARE_REF(foreign)
WASM_API_EXTERN own wasm_foreign_t *wasm_foreign_new(wasm_store_t *);

/* ---- Modules ----------------------------------------------------------------------------------
 */

/* NULL when the bytes are malformed or invalid; wick_module_new says why. */
WASM_DECLARE_SHARABLE_REF(module)
WASM_API_EXTERN own wasm_module_t *wasm_module_new(wasm_store_t *, const wasm_byte_vec_t *binary);
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t *, const wasm_byte_vec_t *binary);
WASM_API_EXTERN void wasm_module_imports(const wasm_module_t *, own wasm_importtype_vec_t *out);
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t *, own wasm_exporttype_vec_t *out);
/* The serialised form is the module's own bytes: nothing is trusted on the way back. */
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t *, own wasm_byte_vec_t *out);
WASM_API_EXTERN own wasm_module_t *wasm_module_deserialize(wasm_store_t *, const wasm_byte_vec_t *);

/* ---- Functions --------------------------------------------------------------------------------
 */

/* A host function fills `results`, whose size is set, or returns a trap that it owned. */
typedef own wasm_trap_t *(*wasm_func_callback_t)(const wasm_val_vec_t *args,
                                                 own wasm_val_vec_t *results);
typedef own wasm_trap_t *(*wasm_func_callback_with_env_t)(void *env, const wasm_val_vec_t *args,
                                                          wasm_val_vec_t *results);

WASM_DECLARE_REF(func)
WASM_API_EXTERN own wasm_func_t *wasm_func_new(wasm_store_t *, const wasm_functype_t *,
                                               wasm_func_callback_t);
WASM_API_EXTERN own wasm_func_t *wasm_func_new_with_env(wasm_store_t *, const wasm_functype_t *,
                                                        wasm_func_callback_with_env_t, void *env,
                                                        void (*finalizer)(void *env));
WASM_API_EXTERN own wasm_functype_t *wasm_func_type(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t *);
/* `args` must match the parameters in number and kind; `results` must have room for the results. */
WASM_API_EXTERN own wasm_trap_t *wasm_func_call(const wasm_func_t *, const wasm_val_vec_t *args,
                                                wasm_val_vec_t *results);

/* ---- Globals, tables, memories ----------------------------------------------------------------
 */

WASM_DECLARE_REF(global)
WASM_API_EXTERN own wasm_global_t *wasm_global_new(wasm_store_t *, const wasm_globaltype_t *,
                                                   const wasm_val_t *);
WASM_API_EXTERN own wasm_globaltype_t *wasm_global_type(const wasm_global_t *);
WASM_API_EXTERN void wasm_global_get(const wasm_global_t *, own wasm_val_t *out);
WASM_API_EXTERN void wasm_global_set(wasm_global_t *,
                                     const wasm_val_t *); /* ignored if immutable */

typedef uint32_t wasm_table_size_t;

WASM_DECLARE_REF(table)
WASM_API_EXTERN own wasm_table_t *wasm_table_new(wasm_store_t *, const wasm_tabletype_t *,
                                                 wasm_ref_t *init);
WASM_API_EXTERN own wasm_tabletype_t *wasm_table_type(const wasm_table_t *);
WASM_API_EXTERN own wasm_ref_t *wasm_table_get(const wasm_table_t *, wasm_table_size_t index);
WASM_API_EXTERN bool wasm_table_set(wasm_table_t *, wasm_table_size_t index, wasm_ref_t *);
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t *);
WASM_API_EXTERN bool wasm_table_grow(wasm_table_t *, wasm_table_size_t delta, wasm_ref_t *init);

typedef uint32_t wasm_memory_pages_t;

static const size_t MEMORY_PAGE_SIZE = 0x10000;

WASM_DECLARE_REF(memory)
WASM_API_EXTERN own wasm_memory_t *wasm_memory_new(wasm_store_t *, const wasm_memorytype_t *);
WASM_API_EXTERN own wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *);
WASM_API_EXTERN byte_t *wasm_memory_data(wasm_memory_t *);
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t *); /* bytes */
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *);
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t *, wasm_memory_pages_t delta);

/* ---- Externals and instances ------------------------------------------------------------------
 */

WASM_DECLARE_REF(extern)
WASM_DECLARE_VEC(extern, *)
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t *);
WASM_API_EXTERN own wasm_externtype_t *wasm_extern_type(const wasm_extern_t *);

#define WASM_DECLARE_EXTERN(name)                                                                  \
    WASM_API_EXTERN wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *);                     \
    WASM_API_EXTERN wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *);                       \
    WASM_API_EXTERN const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *);   \
    WASM_API_EXTERN const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *);

WASM_DECLARE_EXTERN(func)
WASM_DECLARE_EXTERN(global)
WASM_DECLARE_EXTERN(table)
WASM_DECLARE_EXTERN(memory)

/* Imports in the order of wasm_module_imports. NULL when they do not fit (no trap) or the start
 * function trapped (*trap set, if trap is not NULL). */
WASM_DECLARE_REF(instance)
WASM_API_EXTERN own wasm_instance_t *wasm_instance_new(wasm_store_t *, const wasm_module_t *,
                                                       const wasm_extern_vec_t *imports,
                                                       own wasm_trap_t **trap);
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t *, own wasm_extern_vec_t *out);

/* ---- Conveniences -----------------------------------------------------------------------------
 */

#define WASM_EMPTY_VEC                                                                             \
    {                                                                                              \
        0, NULL                                                                                    \
    }
#define WASM_ARRAY_VEC(array)                                                                      \
    {                                                                                              \
        sizeof(array) / sizeof(*(array)), array                                                    \
    }

#define WASM_I32_VAL(i)                                                                            \
    {                                                                                              \
        .kind = WASM_I32, .of = {.i32 = i }                                                        \
    }
#define WASM_I64_VAL(i)                                                                            \
    {                                                                                              \
        .kind = WASM_I64, .of = {.i64 = i }                                                        \
    }
#define WASM_F32_VAL(z)                                                                            \
    {                                                                                              \
        .kind = WASM_F32, .of = {.f32 = z }                                                        \
    }
#define WASM_F64_VAL(z)                                                                            \
    {                                                                                              \
        .kind = WASM_F64, .of = {.f64 = z }                                                        \
    }
#define WASM_REF_VAL(r)                                                                            \
    {                                                                                              \
        .kind = WASM_EXTERNREF, .of = {.ref = r }                                                  \
    }
#define WASM_INIT_VAL                                                                              \
    {                                                                                              \
        .kind = WASM_EXTERNREF, .of = {.ref = NULL }                                               \
    }

#define WASM_DEFINE_VALTYPE_NEW(name, kind)                                                        \
    static inline own wasm_valtype_t *wasm_valtype_new_##name(void)                                \
    {                                                                                              \
        return wasm_valtype_new(kind);                                                             \
    }
WASM_DEFINE_VALTYPE_NEW(i32, WASM_I32)
WASM_DEFINE_VALTYPE_NEW(i64, WASM_I64)
WASM_DEFINE_VALTYPE_NEW(f32, WASM_F32)
WASM_DEFINE_VALTYPE_NEW(f64, WASM_F64)
WASM_DEFINE_VALTYPE_NEW(externref, WASM_EXTERNREF)
WASM_DEFINE_VALTYPE_NEW(anyref, WASM_EXTERNREF)
WASM_DEFINE_VALTYPE_NEW(funcref, WASM_FUNCREF)
#undef WASM_DEFINE_VALTYPE_NEW

/* wasm_functype_new_P_R(p1, …, r1, …): function types by number of parameters and results. */
static inline own wasm_functype_t *wasm_functype_new_arrays(size_t param_count,
                                                            own wasm_valtype_t *const params[],
                                                            size_t result_count,
                                                            own wasm_valtype_t *const results[])
{
    wasm_valtype_vec_t param_vec, result_vec;
    wasm_valtype_vec_new(&param_vec, param_count, params);
    wasm_valtype_vec_new(&result_vec, result_count, results);
    return wasm_functype_new(&param_vec, &result_vec);
}

#define WASM_PARAMETERS_0 void
#define WASM_PARAMETERS_1 wasm_valtype_t *a1
#define WASM_PARAMETERS_2 WASM_PARAMETERS_1, wasm_valtype_t *a2
#define WASM_PARAMETERS_3 WASM_PARAMETERS_2, wasm_valtype_t *a3
#define WASM_PARAMETERS_4 WASM_PARAMETERS_3, wasm_valtype_t *a4
#define WASM_PARAMETERS_5 WASM_PARAMETERS_4, wasm_valtype_t *a5
#define WASM_LIST_1       a1,
#define WASM_LIST_2       a1, a2,
#define WASM_LIST_3       a1, a2, a3,
#define WASM_LIST_4       a1, a2, a3, a4,
#define WASM_LIST_5       a1, a2, a3, a4, a5,

#define WASM_DEFINE_FUNCTYPE_NEW(p, r, total)                                                      \
    static inline own wasm_functype_t *wasm_functype_new_##p##_##r(WASM_PARAMETERS_##total)        \
    {                                                                                              \
        wasm_valtype_t *types[] = {WASM_LIST_##total NULL};                                        \
        return wasm_functype_new_arrays(p, types, r, types + (p));                                 \
    }

static inline own wasm_functype_t *wasm_functype_new_0_0(void)
{
    return wasm_functype_new_arrays(0, NULL, 0, NULL);
}
WASM_DEFINE_FUNCTYPE_NEW(1, 0, 1)
WASM_DEFINE_FUNCTYPE_NEW(2, 0, 2)
WASM_DEFINE_FUNCTYPE_NEW(3, 0, 3)
WASM_DEFINE_FUNCTYPE_NEW(0, 1, 1)
WASM_DEFINE_FUNCTYPE_NEW(1, 1, 2)
WASM_DEFINE_FUNCTYPE_NEW(2, 1, 3)
WASM_DEFINE_FUNCTYPE_NEW(3, 1, 4)
WASM_DEFINE_FUNCTYPE_NEW(0, 2, 2)
WASM_DEFINE_FUNCTYPE_NEW(1, 2, 3)
WASM_DEFINE_FUNCTYPE_NEW(2, 2, 4)
WASM_DEFINE_FUNCTYPE_NEW(3, 2, 5)
#undef WASM_DEFINE_FUNCTYPE_NEW

static inline void wasm_val_init_ptr(own wasm_val_t *out, void *pointer)
{
    out->kind = WASM_I64;
    out->of.i64 = (int64_t)(intptr_t)pointer;
}

static inline void *wasm_val_ptr(const wasm_val_t *value)
{
    return (void *)(intptr_t)value->of.i64;
}

#ifdef __cplusplus
}
#endif

#endif /* WASM_H */
