/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/compile.h"

#include "wick/activation.h"
#include "wick/compile/code.h"
#include "wick/compile/debug.h"
#include "wick/compile/dump.h"
#include "wick/compile/helpers.h"
#include "wick/compile/layout.h"
#include "wick/compile/verify.h"
#include "wick/compile/x86_64/asm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CODE_PER_BYTE = 24,                 /* reserved for each byte of WebAssembly */
    CODE_PER_FUNC = 6 << 10,            /* and for each function besides, which may begin a page */
    ADAPTER_BYTES = 16 << 20,           /* reserved for the adapters of an engine */
    CACHE_BYTES = 16 << 20,             /* that compilations leave to each other */
    FIRST_CACHE_BYTES = (4 << 20) - 64, /* of that what a large module begins with: large pages */
    LARGE_MODULE = 64 << 20,            /* by the bytes that are reserved for its code */
    BATCH_CACHE_BYTES = 64 << 20,       /* the same while all of a module is compiled */
};

/* Bytes that one compilation may take from the host. */
#define COMPILE_MEMORY_MAX ((size_t)4 << 30)

struct adapter {
    const struct functype *type;
    enter_fn enter;
    const void *host;
};

struct compile_engine {
    struct compile_options options;
    struct code_region *region; /* of adapters */
    struct debug_object *debug; /* of that, for gdb, or NULL */
    struct adapter *adapters;   /* hash table by type */
    uint32_t adapter_count, adapter_mask;
};

struct compile_module {
    struct code_region *region;
    struct code_func **funcs; /* by index; imports too, which have none */
    struct arena_cache cache; /* with the region's lock */
};

/* ---- Engines ----------------------------------------------------------------------------------
 */

struct compile_engine *compile_engine_new(const struct wasm_config_t *config)
{
    struct compile_engine *engine = calloc(1, sizeof(*engine));
    if (!engine)
        return NULL;
    engine->options.guard = config->guard;
    engine->options.fuel = config->fuel;
    bool able = cpu_detect(&engine->options.cpu);
    if (config->baseline)
        engine->options.cpu = (struct cpu_features){0};
    if (able)
        engine->region = code_region_new(ADAPTER_BYTES, 0);
    if (!engine->region) {
        compile_engine_free(engine);
        return NULL;
    }
    if (config->gdb)
        engine->debug = debug_register_adapters(engine->region);
    signals_install();
    return engine;
}

void compile_engine_free(struct compile_engine *engine)
{
    if (!engine)
        return;
    debug_unregister(engine->debug);
    code_region_free(engine->region);
    free(engine->adapters);
    free(engine);
}

/* ---- Adapters ---------------------------------------------------------------------------------
 */

static uint32_t adapter_place(const struct compile_engine *engine, const struct functype *type)
{
    uint32_t at = (uint32_t)((uintptr_t)type * 0x9E3779B97F4A7C15u >> 32);
    while (engine->adapters[at & engine->adapter_mask].type &&
           engine->adapters[at & engine->adapter_mask].type != type)
        at++;
    return at & engine->adapter_mask;
}

static bool grow_adapters(struct compile_engine *engine)
{
    struct adapter *old = engine->adapters;
    uint32_t old_size = old ? engine->adapter_mask + 1 : 0, size = old_size ? 2 * old_size : 64;
    struct adapter *table = calloc(size, sizeof(*table));
    if (!table)
        return false;
    engine->adapters = table;
    engine->adapter_mask = size - 1;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].type)
            table[adapter_place(engine, old[i].type)] = old[i];
    }
    free(old);
    return true;
}

/* Under the region's lock. */
static struct adapter *find_adapter(struct compile_engine *engine, const struct functype *type)
{
    if (engine->adapter_count * 2 >= engine->adapter_mask && !grow_adapters(engine))
        return NULL;
    struct adapter *adapter = &engine->adapters[adapter_place(engine, type)];
    engine->adapter_count += !adapter->type;
    adapter->type = type;
    return adapter;
}

typedef void (*adapter_emitter)(struct code *code, const struct functype *type, bool avx);

struct adapter_job {
    struct arena arena;
    struct compile_engine *engine;
    const struct functype *type;
    adapter_emitter emit;
    const void *address;
};

static void run_adapter_job(void *env)
{
    struct adapter_job *job = env;
    struct code code = code_new(&job->arena, 0);
    job->emit(&code, job->type, job->engine->options.cpu.avx);
    job->address = code_install_adapter(job->engine->region, code.bytes, code.size);
}

/* NULL without memory. */
static const void *make_adapter(struct compile_engine *engine, const struct functype *type,
                                adapter_emitter emit)
{
    struct adapter_job job = {.engine = engine, .type = type, .emit = emit};
    arena_run(&job.arena, NULL, COMPILE_MEMORY_MAX, run_adapter_job, &job);
    return job.address;
}

static enter_fn enter_adapter(struct compile_engine *engine, const struct functype *type)
{
    pthread_mutex_lock(&engine->region->lock);
    struct adapter *adapter = find_adapter(engine, type);
    if (adapter && !adapter->enter)
        adapter->enter = (enter_fn)(uintptr_t)make_adapter(engine, type, adapter_emit_enter);
    enter_fn enter = adapter ? adapter->enter : NULL;
    pthread_mutex_unlock(&engine->region->lock);
    return enter;
}

/* Makes the adapter an entry point; false without memory. */
static bool link_adapter(struct wasm_func_t *func)
{
    struct compile_engine *engine = func->object.store->engine->compile;
    pthread_mutex_lock(&engine->region->lock);
    struct adapter *adapter = find_adapter(engine, func->type);
    if (adapter && !adapter->host)
        adapter->host = make_adapter(engine, func->type, adapter_emit_host);
    bool made = adapter && adapter->host;
    if (made)
        func->entry = adapter->host;
    pthread_mutex_unlock(&engine->region->lock);
    return made;
}

/* Few of the functions that a host offers are called: each gets its adapter then. */
void compile_host_init(struct wasm_func_t *func)
{
    func->entry = code_stub(func->object.store->engine->compile->region, STUB_LAZY_HOST);
}

struct outcome compiled_lazy_host(struct wasm_func_t *func)
{
    if (!link_adapter(func))
        return (struct outcome){0, WICK_TRAP_NO_MEMORY};
    return (struct outcome){(uintptr_t)func->entry, WICK_TRAP_NONE};
}

/* ---- Modules ----------------------------------------------------------------------------------
 */

static void take_memory(void *env)
{
    (void)arena_take(env, FIRST_CACHE_BYTES);
}

/* Small compilations would come by this much little by little, and fault for each page of it. */
static void fill_cache(struct arena_cache *cache)
{
    struct arena arena;
    arena_run(&arena, cache, COMPILE_MEMORY_MAX, take_memory, &arena);
}

static struct compile_module *module_new(const struct module *module)
{
    struct compile_module *compiled = calloc(1, sizeof(*compiled));
    size_t bytes = 0;
    for (uint32_t i = module->imported_funcs; i < module->func_count; i++)
        bytes += module->funcs[i].body.size * CODE_PER_BYTE + CODE_PER_FUNC;
    if (bytes > (size_t)2000 << 20) /* displacements have 32 bits */
        bytes = (size_t)2000 << 20;
    if (compiled) {
        compiled->cache.limit = CACHE_BYTES;
        if (bytes >= LARGE_MODULE)
            fill_cache(&compiled->cache);
        compiled->region = code_region_new(bytes, module->func_count);
        compiled->funcs = calloc(module->func_count + 1, sizeof(struct code_func *));
    }
    if (compiled && (!compiled->region || !compiled->funcs)) {
        compile_module_free(compiled);
        return NULL;
    }
    return compiled;
}

void compile_module_free(struct compile_module *compiled)
{
    if (!compiled)
        return;
    code_region_free(compiled->region);
    free(compiled->funcs);
    arena_cache_fini(&compiled->cache);
    free(compiled);
}

uint32_t compile_module_count(const struct compile_module *compiled)
{
    return atomic_load(&compiled->region->func_count);
}

static struct compile_module *module_get(struct module *module)
{
    pthread_mutex_lock(&module->code_lock);
    if (!module->compiled)
        module->compiled = module_new(module);
    struct compile_module *compiled = module->compiled;
    pthread_mutex_unlock(&module->code_lock);
    return compiled;
}

/* ---- Functions --------------------------------------------------------------------------------
 */

struct compile_job {
    struct arena arena;
    const struct module *module;
    uint32_t func_index;
    struct code_func *func; /* the outcome, or */
    enum wick_dump form;    /* where to dump */
    FILE *stream;
};

/* All passes; the graph is as it was last looked at. */
static void compile_func(struct compile_job *job, struct graph *graph, struct emitted *emitted)
{
    struct machine machine;
    graph_init(graph, &job->arena, &job->module->engine->compile->options, job->module,
               job->func_index);
    graph_build(graph);
    graph_analyse(graph);
    verify_graph(graph, VERIFY_CONSTRUCTION);
    graph_optimise(graph);
    verify_graph(graph, "optimisation");
    graph_share_addresses(graph);
    verify_graph(graph, "addresses");
    graph_sweep(graph);
    graph_trim_checks(graph);
    graph_place(graph);
    verify_graph(graph, "placement");
    machine_lower(&machine, graph);
    const struct operand_copy *operands = verify_keep_operands(&machine);
    machine_allocate(&machine);
    verify_allocation(&machine, operands);
    machine_emit(&machine, emitted);
}

static void run_compile_job(void *env)
{
    struct compile_job *job = env;
    struct graph graph;
    struct emitted emitted;
    compile_func(job, &graph, &emitted);
    job->func = code_install(job->module->compiled->region, &emitted, job->func_index);
}

static void run_dump_job(void *env)
{
    struct compile_job *job = env;
    struct graph graph;
    struct emitted emitted;
    compile_func(job, &graph, &emitted);
    if (job->form == WICK_DUMP_CODE)
        dump_code(&graph, &emitted, job->stream);
    else
        dump_graph(&graph, job->stream);
}

enum wick_status compile_dump(const struct module *module, uint32_t func_index, enum wick_dump form,
                              FILE *stream)
{
    struct compile_job job = {
        .module = module, .func_index = func_index, .form = form, .stream = stream};
    if (arena_run(&job.arena, NULL, COMPILE_MEMORY_MAX, run_dump_job, &job))
        return WICK_OK;
    return job.arena.unsupported ? WICK_LIMIT : WICK_NO_MEMORY;
}

/* For a function that the compiler cannot do: code that enters the interpreter, as if it were a
 * host function. */
static void run_bridge_job(void *env)
{
    struct compile_job *job = env;
    const struct compile_engine *engine = job->module->engine->compile;
    const struct functype *type = job->module->funcs[job->func_index].type;
    struct code code = code_new(&job->arena, 0);
    struct emitted emitted = {.interpreted = true};
    adapter_emit_own(&code, job->func_index - job->module->imported_funcs);
    adapter_emit_host(&code, type, engine->options.cpu.avx);
    emitted.bytes = code.bytes;
    emitted.size = code.size;
    job->func = code_install(job->module->compiled->region, &emitted, job->func_index);
}

/* NULL without memory. */
static struct code_func *compile(const struct module *module, uint32_t func_index)
{
    struct compile_job job = {.module = module, .func_index = func_index};
    struct arena_cache *cache = &module->compiled->cache;
    if (!arena_run(&job.arena, cache, COMPILE_MEMORY_MAX, run_compile_job, &job) &&
        job.arena.unsupported)
        arena_run(&job.arena, cache, COMPILE_MEMORY_MAX, run_bridge_job, &job);
    return job.func;
}

/* The code of a function, compiled by whoever comes first; NULL without memory. */
static const struct code_func *code_of(struct module *module, uint32_t func_index)
{
    struct compile_module *compiled = module->compiled;
    pthread_mutex_lock(&compiled->region->lock);
    bool made = !compiled->funcs[func_index];
    if (made)
        compiled->funcs[func_index] = compile(module, func_index);
    struct code_func *func = compiled->funcs[func_index];
    if (made && func && module->engine->config.perf_map)
        debug_write_perf_map(module, compiled->region, func);
    if (made && func && module->engine->config.gdb)
        func->debug = debug_register(module, compiled->region, func);
    pthread_mutex_unlock(&compiled->region->lock);
    return func;
}

static const void **entry_slot(struct wasm_instance_t *instance, uint32_t func_index)
{
    uint8_t *start = (uint8_t *)instance;
    return (const void **)(void *)(start + layout_entry(instance->module, func_index));
}

/* Lets direct calls and calls by reference go to the function's code from now on. */
static const struct code_func *link_func(struct wasm_instance_t *instance, uint32_t func_index)
{
    const struct module *module = instance->module;
    const struct code_func *code = code_of(instance->module, func_index);
    if (!code)
        return NULL;
    const uint8_t *start = module->compiled->region->base + code->start;
    *entry_slot(instance, func_index) = start + code->entry;
    struct wasm_func_t *func = &instance->own_funcs[func_index - module->imported_funcs];
    func->entry = start;
    return !code->interpreted || link_adapter(func) ? code : NULL;
}

bool compile_instance_init(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    struct compile_module *compiled = module_get(instance->module);
    if (!compiled)
        return false;
    const struct wasm_store_t *store = instance->object.store;
    instance->stack_limit = store->stack_limit;
    const void *lazy = code_stub(compiled->region, STUB_LAZY);
    const void *lazy_ref = code_stub(compiled->region, STUB_LAZY_REF);
    for (uint32_t i = module->imported_funcs; i < module->func_count; i++) {
        *entry_slot(instance, i) = lazy;
        instance->own_funcs[i - module->imported_funcs].entry = lazy_ref;
    }
    return true;
}

void compile_instance_tables(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->table_count; i++) {
        const struct wasm_table_t *table = instance->tables[i];
        void *place = (uint8_t *)instance + layout_table(module, i);
        *(const void **)place = layout_is_fixed(&module->tables[i].type)
                                    ? (const void *)table->slots
                                    : (const void *)table;
    }
}

enum wick_status compile_all(struct module *module)
{
    struct compile_module *compiled = module_get(module);
    bool done = compiled && code_batch_begin(compiled->region);
    if (done)
        compiled->cache.limit = BATCH_CACHE_BYTES;
    for (uint32_t i = module->imported_funcs; i < module->func_count && done; i++)
        done = code_of(module, i) != NULL;
    if (compiled) {
        compiled->cache.limit = CACHE_BYTES;
        arena_cache_fini(&compiled->cache);
        done = code_batch_end(compiled->region) && done;
    }
    return done ? WICK_OK : WICK_NO_MEMORY;
}

struct outcome compiled_lazy(struct wasm_instance_t *instance, uint32_t entry_offset)
{
    const struct module *module = instance->module;
    uint32_t first = layout_entry(module, module->imported_funcs);
    uint32_t func_index = module->imported_funcs + (entry_offset - first) / 8;
    if (!link_func(instance, func_index))
        return (struct outcome){0, WICK_TRAP_NO_MEMORY};
    return (struct outcome){(uintptr_t)*entry_slot(instance, func_index), WICK_TRAP_NONE};
}

struct outcome compiled_lazy_ref(struct wasm_func_t *func)
{
    if (!link_func(func->instance, func->index))
        return (struct outcome){0, WICK_TRAP_NO_MEMORY};
    return (struct outcome){(uintptr_t)func->entry, WICK_TRAP_NONE};
}

/* ---- Entering and leaving ---------------------------------------------------------------------
 */

/* The limits first: an alarm that comes in between is seen now or raises them again. */
static enum wick_trap_kind answer_alarm(struct wasm_store_t *store)
{
    store_set_limits(store, store->stack_limit);
    if (!atomic_exchange(&store->alarm, 0))
        return WICK_TRAP_NONE;
    if (atomic_exchange(&store->interrupt, 0))
        return WICK_TRAP_INTERRUPTED;
    return interp_deadline_passed(store) ? WICK_TRAP_DEADLINE : WICK_TRAP_NONE;
}

/* Whether the frame that asks is, or would be, below the limit. */
static bool stack_is_used_up(const struct wasm_store_t *store)
{
    const struct compiled_frame *frame = store->frame;
    const struct code_region *region = code_region_find((uintptr_t)frame->pc);
    const struct code_func *func = region ? code_func_find(region, (uintptr_t)frame->pc - 1) : NULL;
    uintptr_t sp = (uintptr_t)frame->sp;
    if (func && func->early && region->base + func->start + func->early == frame->pc)
        sp -= func->frame;
    return sp < store->stack_limit;
}

uint32_t compiled_interrupt(struct wasm_instance_t *instance)
{
    struct wasm_store_t *store = instance->object.store;
    enum wick_trap_kind kind = answer_alarm(store);
    if (!kind && stack_is_used_up(store))
        kind = WICK_TRAP_STACK;
    return kind;
}

uint32_t compiled_host_call(struct wasm_instance_t *caller, struct wasm_func_t *func,
                            wick_value_t *slots)
{
    struct wasm_store_t *store = func->object.store;
    struct wick_caller_t context = {store, caller};
    struct wasm_trap_t *trap =
        func->instance ? interp_call(func, slots) : call_host(func, &context, slots);
    if (trap && trap->kind == WICK_TRAP_EXCEPTION && trap->exception) { /* it goes on its way */
        store->exception = trap->exception;
        wasm_trap_delete(trap);
        return WICK_TRAP_EXCEPTION;
    }
    store->frame->trap = trap;
    return trap ? WICK_TRAP_HOST : WICK_TRAP_NONE;
}

struct wasm_trap_t *compiled_call(struct wasm_func_t *func, wick_value_t *slots)
{
    struct wasm_store_t *store = func->object.store;
    if (store->depth >= ACTIVATIONS_MAX)
        return trap_new(store, WICK_TRAP_STACK, NULL);
    enter_fn enter = enter_adapter(store->engine->compile, func->type);
    if (!enter)
        return trap_new(store, WICK_TRAP_NO_MEMORY, NULL);
    struct compiled_frame frame = {.outer = store->frame, .roots.visit = frames_visit};
    uintptr_t stack = frame.outer ? (uintptr_t)frame.outer->low : store->code_stack;
    store->frame = &frame;
    root_push(store, &frame.roots);
    store->depth++;
    uint32_t kind = answer_alarm(store);
    if (!kind)
        kind = enter(func, slots, (void *)(stack & ~(uintptr_t)15), &frame);
    store->depth--;
    root_pop(store, &frame.roots);
    store->frame = frame.outer;
    if (!kind)
        return NULL;
    if (kind == WICK_TRAP_FUEL)
        store->fuel = 0;
    struct wasm_trap_t *trap = frame.trap;
    if (kind == WICK_TRAP_EXCEPTION)
        trap = trap_new_exception(store, store->exception);
    else if (!trap)
        trap = trap_new(store, kind, NULL);
    if (frame.pc)
        frames_add(trap, &frame);
    return trap;
}
