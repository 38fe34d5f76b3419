/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration, engines and stores. */
#include "wick/compile/compile.h"
#include "wick/shared.h"

#include <stdlib.h>
#include <sys/mman.h>

wasm_config_t *wasm_config_new(void)
{
    struct wasm_config_t *config = calloc(1, sizeof(*config));
    if (!config)
        return NULL;
    config->engine = WICK_ENGINE_COMPILER;
    config->guard = true;
    config->max_memory = MEMORY32_MAX;
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
    if (engine != WICK_ENGINE_INTERP && engine != WICK_ENGINE_COMPILER)
        return WICK_USAGE;
    config->engine = engine;
    return WICK_OK;
}

void wick_config_set_max_memory(wasm_config_t *config, uint64_t bytes)
{
    uint64_t most = (uint64_t)1 << 47;
    config->max_memory64 = bytes < most ? bytes : most;
    config->max_memory = bytes < MEMORY32_MAX ? bytes : MEMORY32_MAX;
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

void wick_config_set_guard(wasm_config_t *config, bool enabled)
{
    config->guard = enabled;
}

void wick_config_set_eager(wasm_config_t *config, bool enabled)
{
    config->eager = enabled;
}

void wick_config_set_baseline(wasm_config_t *config, bool enabled)
{
    config->baseline = enabled;
}

void wick_config_set_perf_map(wasm_config_t *config, bool enabled)
{
    config->perf_map = enabled;
}

void wick_config_set_gdb(wasm_config_t *config, bool enabled)
{
    config->gdb = enabled;
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
        engine->config.guard = config->guard && memory_try_guard(engine);
    }
    wasm_config_delete(config);
    if (engine && engine->config.engine == WICK_ENGINE_COMPILER) {
        engine->compile = compile_engine_new(&engine->config);
        if (!engine->compile) {
            engine_release(engine);
            return NULL;
        }
    }
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
    compile_engine_free(engine->compile);
    memory_end_guard(engine);
    type_registry_fini(&engine->types);
    free(engine);
}

void wasm_engine_delete(wasm_engine_t *engine)
{
    engine_release(engine);
}

enum { STACK_RESERVE = 96 << 10 }; /* below the limit of compiled code: for stubs and signals */

/* ---- Store ------------------------------------------------------------------------------------
 */

wasm_store_t *wasm_store_new(wasm_engine_t *engine)
{
    if (!engine)
        return NULL;
    struct wasm_store_t *store = calloc(1, sizeof(*store));
    if (!store)
        return NULL;
    /* The interpreter's grows up, then comes that of compiled code, which grows down. */
    size_t half = engine->config.stack;
    size_t bytes = engine->compile ? 2 * half + STACK_RESERVE : half;
    void *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) {
        free(store);
        return NULL;
    }
    store->engine = engine_retain(engine);
    store->stack = store->stack_top = stack;
    store->stack_end = store->stack + half / sizeof(*store->stack);
    store->stack_limit = (uintptr_t)store->stack_end + STACK_RESERVE;
    store->code_stack = (uintptr_t)stack + bytes;
    store->stack_bytes = bytes;
    heap_init(&store->heap, engine->config.max_heap, engine->config.heap_stress);
    return store;
}

void store_set_limits(struct wasm_store_t *store, uintptr_t limit)
{
    for (struct wasm_instance_t *i = atomic_load(&store->instances); i; i = i->next)
        atomic_store_explicit(&i->stack_limit, limit, memory_order_relaxed);
}

void store_alarm(struct wasm_store_t *store)
{
    atomic_store(&store->alarm, 1);
    store_set_limits(store, UINTPTR_MAX);
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
    watch_end(store);
    while (store->objects) {
        struct object *object = store->objects;
        store->objects = object->next;
        object_free(object);
    }
    traps_abandon(store);
    heap_fini(&store->heap);
    free(store->held);
    munmap(store->stack, store->stack_bytes);
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
    if (store->engine->compile)
        watch_deadline(store);
}

void wick_store_interrupt(wasm_store_t *store)
{
    atomic_store(&store->interrupt, 1);
    store_alarm(store);
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
