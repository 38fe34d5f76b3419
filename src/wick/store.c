/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration, engines and stores. */
#include "wick/shared.h"

#include <stdlib.h>
#include <sys/mman.h>

wasm_config_t *wasm_config_new(void)
{
    struct wasm_config_t *config = calloc(1, sizeof(*config));
    if (!config)
        return NULL;
    config->engine = WICK_ENGINE_INTERP;
    config->max_memory = (uint64_t)4 << 30;
    config->max_memory64 = (uint64_t)16 << 30;
    config->max_table = 10000000;
    config->max_heap = (uint64_t)1 << 30;
    config->stack = (size_t)4 << 20;
    return config;
}

void wasm_config_delete(wasm_config_t *config)
{
    free(config);
}

enum wick_status wick_config_set_engine(wasm_config_t *config, enum wick_engine engine)
{
    if (engine != WICK_ENGINE_INTERP)
        return WICK_USAGE;
    config->engine = engine;
    return WICK_OK;
}

void wick_config_set_max_memory(wasm_config_t *config, uint64_t bytes)
{
    uint64_t most = (uint64_t)1 << 47;
    config->max_memory64 = bytes < most ? bytes : most;
    config->max_memory = bytes < (uint64_t)4 << 30 ? bytes : (uint64_t)4 << 30;
}

void wick_config_set_max_table(wasm_config_t *config, uint64_t elements)
{
    uint64_t most = (uint64_t)1 << 32;
    config->max_table = elements < most ? elements : most;
}

void wick_config_set_max_heap(wasm_config_t *config, uint64_t bytes)
{
    uint64_t most = (uint64_t)1 << 46;
    config->max_heap = bytes < most ? bytes : most;
}

void wick_config_set_heap_stress(wasm_config_t *config, bool enabled)
{
    config->heap_stress = enabled;
}

void wick_config_set_stack(wasm_config_t *config, size_t bytes)
{
    size_t least = (size_t)64 << 10, most = (size_t)16 << 30;
    bytes = bytes < least ? least : bytes > most ? most : bytes;
    config->stack = (bytes + 4095) & ~(size_t)4095;
}

void wick_config_set_fuel(wasm_config_t *config, bool enabled)
{
    config->fuel = enabled;
}

/* ---- Engine -----------------------------------------------------------------------------------
 */

wasm_engine_t *wasm_engine_new(void)
{
    return wasm_engine_new_with_config(wasm_config_new());
}

wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *config)
{
    if (!config)
        return NULL;
    struct wasm_engine_t *engine = calloc(1, sizeof(*engine));
    if (engine && type_registry_init(&engine->types)) {
        free(engine);
        engine = NULL;
    }
    if (engine) {
        atomic_init(&engine->references, 1);
        engine->config = *config;
    }
    wasm_config_delete(config);
    return engine;
}

struct wasm_engine_t *engine_retain(struct wasm_engine_t *engine)
{
    atomic_fetch_add_explicit(&engine->references, 1, memory_order_relaxed);
    return engine;
}

void engine_release(struct wasm_engine_t *engine)
{
    if (!engine || atomic_fetch_sub_explicit(&engine->references, 1, memory_order_acq_rel) != 1)
        return;
    type_registry_fini(&engine->types);
    free(engine);
}

void wasm_engine_delete(wasm_engine_t *engine)
{
    engine_release(engine);
}

/* ---- Store ------------------------------------------------------------------------------------
 */

wasm_store_t *wasm_store_new(wasm_engine_t *engine)
{
    if (!engine)
        return NULL;
    struct wasm_store_t *store = calloc(1, sizeof(*store));
    if (!store)
        return NULL;
    size_t bytes = engine->config.stack;
    void *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) {
        free(store);
        return NULL;
    }
    store->engine = engine_retain(engine);
    store->stack = store->stack_top = stack;
    store->stack_end = store->stack + bytes / sizeof(*store->stack);
    heap_init(&store->heap, engine->config.max_heap, engine->config.heap_stress);
    return store;
}

void store_add(struct wasm_store_t *store, struct object *object, enum object_kind kind)
{
    object->kind = kind;
    object->store = store;
    object->next = store->objects;
    store->objects = object;
}

static void object_free(struct object *object)
{
    if (object->host_finalizer)
        object->host_finalizer(object->host_info);
    switch (object->kind) {
    case OBJECT_FUNC: {
        struct wasm_func_t *func = (struct wasm_func_t *)object;
        if (func->finalizer)
            func->finalizer(func->env);
        break;
    }
    case OBJECT_TABLE:
        table_fini((struct wasm_table_t *)object);
        break;
    case OBJECT_MEMORY:
        memory_drop((struct wasm_memory_t *)object);
        break;
    case OBJECT_INSTANCE:
        instance_fini((struct wasm_instance_t *)object);
        break;
    default:
        break;
    }
    free(object);
}

void wasm_store_delete(wasm_store_t *store)
{
    if (!store)
        return;
    while (store->objects) {
        struct object *object = store->objects;
        store->objects = object->next;
        object_free(object);
    }
    traps_abandon(store);
    heap_fini(&store->heap);
    free(store->held);
    munmap(store->stack, (size_t)((uint8_t *)store->stack_end - (uint8_t *)store->stack));
    engine_release(store->engine);
    free(store);
}

void wick_store_set_fuel(wasm_store_t *store, uint64_t units)
{
    store->fuel = units;
}

uint64_t wick_store_fuel(const wasm_store_t *store)
{
    return store->fuel;
}

void wick_store_set_deadline(wasm_store_t *store, uint64_t monotonic_ns)
{
    store->deadline = monotonic_ns;
}

void wick_store_interrupt(wasm_store_t *store)
{
    atomic_store_explicit(&store->interrupt, 1, memory_order_relaxed);
}

wasm_engine_t *wick_store_engine(const wasm_store_t *store)
{
    return store->engine;
}

void wick_store_set_data(wasm_store_t *store, void *data)
{
    store->data = data;
}

void *wick_store_data(const wasm_store_t *store)
{
    return store->data;
}
