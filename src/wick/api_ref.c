/* SPDX-License-Identifier: Apache-2.0 */
/* References: identity, host data and conversions between handles. Objects of a store are not
 * counted, see <wasm.h>; modules and traps are. */
#include "wick/api_types.h"

struct wasm_ref_t {
    struct object object;
};

struct wasm_extern_t {
    struct object object;
};

struct wasm_module_t {
    struct object object;
};

static struct object *object_of(const void *handle)
{
    return (struct object *)(uintptr_t)handle;
}

static void *object_copy(const void *handle)
{
    struct object *object = object_of(handle);
    if (object && object->kind == OBJECT_MODULE)
        module_retain((struct module *)object);
    if (object && object->kind == OBJECT_TRAP)
        wasm_trap_copy((struct wasm_trap_t *)object);
    return object;
}

static void object_delete(void *handle)
{
    struct object *object = handle;
    if (!object)
        return;
    if (object->kind == OBJECT_MODULE)
        module_release((struct module *)object);
    else if (object->kind == OBJECT_TRAP)
        wasm_trap_delete((struct wasm_trap_t *)object);
}

#define DEFINE_LIFE(name)                                                                          \
    void wasm_##name##_delete(wasm_##name##_t *handle)                                             \
    {                                                                                              \
        object_delete(handle);                                                                     \
    }                                                                                              \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *handle)                             \
    {                                                                                              \
        return object_copy(handle);                                                                \
    }

/* The handles of a store's objects: nothing to count, and nothing to look at, for they may be
 * deleted after their store. */
#define DEFINE_STORE_LIFE(name)                                                                    \
    void wasm_##name##_delete(wasm_##name##_t *handle)                                             \
    {                                                                                              \
        (void)handle;                                                                              \
    }                                                                                              \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *handle)                             \
    {                                                                                              \
        return (wasm_##name##_t *)(uintptr_t)handle;                                               \
    }

#define DEFINE_REF_BASE(name)                                                                      \
    bool wasm_##name##_same(const wasm_##name##_t *a, const wasm_##name##_t *b)                    \
    {                                                                                              \
        return (const void *)a == (const void *)b;                                                 \
    }                                                                                              \
    void *wasm_##name##_get_host_info(const wasm_##name##_t *handle)                               \
    {                                                                                              \
        return object_of(handle)->host_info;                                                       \
    }                                                                                              \
    void wasm_##name##_set_host_info(wasm_##name##_t *handle, void *info)                          \
    {                                                                                              \
        object_of(handle)->host_info = info;                                                       \
    }                                                                                              \
    void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *handle, void *info,           \
                                                    void (*finalizer)(void *))                     \
    {                                                                                              \
        object_of(handle)->host_info = info;                                                       \
        object_of(handle)->host_finalizer = finalizer;                                             \
    }

#define DEFINE_REF(name, KIND)                                                                     \
    DEFINE_REF_BASE(name)                                                                          \
    wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *handle)                                      \
    {                                                                                              \
        return (wasm_ref_t *)handle;                                                               \
    }                                                                                              \
    const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *handle)                    \
    {                                                                                              \
        return (const wasm_ref_t *)handle;                                                         \
    }                                                                                              \
    wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *ref)                                           \
    {                                                                                              \
        return ref && (KIND) ? (wasm_##name##_t *)ref : NULL;                                      \
    }                                                                                              \
    const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *ref)                       \
    {                                                                                              \
        return ref && (KIND) ? (const wasm_##name##_t *)ref : NULL;                                \
    }

#define DEFINE_EXTERN(name, KIND)                                                                  \
    wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *handle)                                \
    {                                                                                              \
        return (wasm_extern_t *)handle;                                                            \
    }                                                                                              \
    const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *handle)              \
    {                                                                                              \
        return (const wasm_extern_t *)handle;                                                      \
    }                                                                                              \
    wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *item)                                    \
    {                                                                                              \
        return item && item->object.kind == KIND ? (wasm_##name##_t *)item : NULL;                 \
    }                                                                                              \
    const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *item)                \
    {                                                                                              \
        return item && item->object.kind == KIND ? (const wasm_##name##_t *)item : NULL;           \
    }

DEFINE_LIFE(ref)
DEFINE_LIFE(module)
DEFINE_STORE_LIFE(func)
DEFINE_STORE_LIFE(global)
DEFINE_STORE_LIFE(table)
DEFINE_STORE_LIFE(memory)
DEFINE_STORE_LIFE(instance)
DEFINE_STORE_LIFE(foreign)
DEFINE_STORE_LIFE(extern)

DEFINE_REF_BASE(ref)
DEFINE_REF(func, ref->object.kind == OBJECT_FUNC)
DEFINE_REF(global, ref->object.kind == OBJECT_GLOBAL)
DEFINE_REF(table, ref->object.kind == OBJECT_TABLE)
DEFINE_REF(memory, ref->object.kind == OBJECT_MEMORY)
DEFINE_REF(instance, ref->object.kind == OBJECT_INSTANCE)
DEFINE_REF(foreign, ref->object.kind == OBJECT_FOREIGN)
DEFINE_REF(module, ref->object.kind == OBJECT_MODULE)
DEFINE_REF(trap, ref->object.kind == OBJECT_TRAP)
DEFINE_REF(extern, ref->object.kind <= OBJECT_MEMORY || ref->object.kind == OBJECT_TAG)

DEFINE_EXTERN(func, OBJECT_FUNC)
DEFINE_EXTERN(global, OBJECT_GLOBAL)
DEFINE_EXTERN(table, OBJECT_TABLE)
DEFINE_EXTERN(memory, OBJECT_MEMORY)

wasm_externkind_t wasm_extern_kind(const wasm_extern_t *item)
{
    static const wasm_externkind_t kinds[] = {
        [OBJECT_FUNC] = WASM_EXTERN_FUNC,   [OBJECT_GLOBAL] = WASM_EXTERN_GLOBAL,
        [OBJECT_TABLE] = WASM_EXTERN_TABLE, [OBJECT_MEMORY] = WASM_EXTERN_MEMORY,
        [OBJECT_TAG] = WICK_EXTERN_TAG,
    };
    return kinds[item->object.kind];
}

wasm_externtype_t *wasm_extern_type(const wasm_extern_t *item)
{
    switch (item->object.kind) {
    case OBJECT_FUNC:
        return wasm_functype_as_externtype(wasm_func_type((const wasm_func_t *)item));
    case OBJECT_GLOBAL:
        return wasm_globaltype_as_externtype(wasm_global_type((const wasm_global_t *)item));
    case OBJECT_TABLE:
        return wasm_tabletype_as_externtype(wasm_table_type((const wasm_table_t *)item));
    case OBJECT_TAG:
        return tagtype_describe(((const struct wick_tag_t *)item)->type);
    default:
        return wasm_memorytype_as_externtype(wasm_memory_type((const wasm_memory_t *)item));
    }
}
