/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps objects of the collected heap alive, and the test of a reference's type. */
#include "wick/runtime.h"

#include <stdlib.h>

void root_push(struct wasm_store_t *store, struct root_frame *frame)
{
    frame->outer = store->roots;
    store->roots = frame;
}

void root_pop(struct wasm_store_t *store, struct root_frame *frame)
{
    store->roots = frame->outer;
}

void root_words_visit(const struct root_frame *frame, struct heap *heap)
{
    const struct root_words *words = (const struct root_words *)frame;
    for (size_t i = 0; i < words->count; i++)
        heap_visit(heap, words->words[i]);
}

bool store_hold(struct wasm_store_t *store, uint64_t ref)
{
    if (!ref_is_object(ref))
        return true;
    if (store->held_count == store->held_capacity) {
        size_t room = store->held_capacity ? store->held_capacity * 2 : 16;
        uint64_t *grown = realloc(store->held, room * sizeof(*grown));
        if (!grown)
            return false;
        store->held = grown;
        store->held_capacity = room;
    }
    store->held[store->held_count++] = ref;
    return true;
}

static void visit_global(struct heap *heap, const struct wasm_global_t *global)
{
    if (type_is_traced(global->type.type))
        heap_visit(heap, global->value[0].u64);
}

static void visit_table(struct heap *heap, const struct wasm_table_t *table)
{
    if (!type_is_traced(table->type.type))
        return;
    for (uint64_t i = 0; i < table->size; i++)
        heap_visit(heap, table->slots[i].ref);
}

static void visit_instance(struct heap *heap, const struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->elem_count && instance->elems; i++) {
        const struct elem_instance *elem = &instance->elems[i];
        for (uint32_t k = 0; k < elem->count && type_is_traced(module->elems[i].type); k++)
            heap_visit(heap, elem->refs[k]);
    }
}

static void visit_store_object(struct heap *heap, const struct object *object)
{
    switch (object->kind) {
    case OBJECT_GLOBAL:
        visit_global(heap, (const struct wasm_global_t *)object);
        break;
    case OBJECT_TABLE:
        visit_table(heap, (const struct wasm_table_t *)object);
        break;
    case OBJECT_INSTANCE:
        visit_instance(heap, (const struct wasm_instance_t *)object);
        break;
    default:
        break;
    }
}

void heap_visit_roots(struct wasm_store_t *store)
{
    struct heap *heap = &store->heap;
    for (const struct root_frame *frame = store->roots; frame; frame = frame->outer)
        frame->visit(frame, heap);
    for (const struct object *object = store->objects; object; object = object->next)
        visit_store_object(heap, object);
    for (size_t i = 0; i < store->held_count; i++)
        heap_visit(heap, store->held[i]);
    for (const struct object *object = store->thrown; object; object = object->next)
        heap_visit(heap, ((const struct wasm_trap_t *)object)->exception);
}

/* ---- The type of a reference ------------------------------------------------------------------
 */

static bool object_is(const struct type_registry *registry, const struct deftype *type,
                      uint32_t heap)
{
    if (heap_is_concrete(heap))
        return deftype_is_sub(type, type_registry_get(registry, heap_id(heap)));
    switch (heap) {
    case HEAP_ANY:
    case HEAP_EQ:
    case HEAP_EXTERN:
        return true;
    case HEAP_STRUCT:
        return type->kind == DEF_STRUCT;
    case HEAP_ARRAY:
        return type->kind == DEF_ARRAY;
    case HEAP_EXN:
        return type->kind == DEF_EXCEPTION;
    default:
        return false;
    }
}

static bool func_is(const struct type_registry *registry, uint64_t ref, uint32_t heap)
{
    const struct wasm_func_t *func = (const struct wasm_func_t *)(uintptr_t)ref;
    if (!heap_is_concrete(heap))
        return heap == HEAP_FUNC;
    return deftype_is_sub(functype_def(func->type), type_registry_get(registry, heap_id(heap)));
}

bool ref_is(const struct type_registry *registry, uint64_t ref, uint32_t type)
{
    uint32_t heap = type_heap(type);
    if (!ref)
        return type_is_nullable(type);
    if (heap_top(heap) == HEAP_FUNC)
        return func_is(registry, ref, heap);
    if (ref & REF_I31)
        return heap == HEAP_I31 || heap == HEAP_EQ || heap == HEAP_ANY || heap == HEAP_EXTERN;
    if (ref & REF_HOST)
        return heap == HEAP_ANY || heap == HEAP_EXTERN;
    return object_is(registry, ref_object(ref)->type, heap);
}
