/* SPDX-License-Identifier: Apache-2.0 */
/* Functions, globals, tables, memories and foreign objects of the API. */
#include "wick/api_types.h"
#include "wick/shared.h"

#include <stdlib.h>

/* ---- Values -----------------------------------------------------------------------------------
 */

static wick_val_t widen(const wasm_val_t *value)
{
    wick_val_t wide = {.kind = value->kind};
    wide.of.i64 = value->of.i64;
    return wide;
}

static wasm_val_t narrow(const wick_val_t *value)
{
    wasm_val_t small = {.kind = value->kind};
    small.of.i64 = value->of.i64;
    return small;
}

/* ---- Functions --------------------------------------------------------------------------------
 */

wasm_func_t *wick_func_new_raw(wasm_store_t *store, const wasm_functype_t *type,
                               wick_host_callback_t callback, void *env, void (*finalizer)(void *))
{
    const struct functype *resolved = functype_resolve(store->engine, type);
    return resolved ? func_new_host(store, resolved, callback, env, finalizer) : NULL;
}

/* A host function of <wasm.h>, behind a raw one. */
struct adapter {
    wasm_func_callback_t plain;
    wasm_func_callback_with_env_t with_env;
    void *env;
    void (*finalizer)(void *);
    const struct functype *type;
};

static void adapter_free(void *env)
{
    struct adapter *adapter = env;
    if (adapter->finalizer)
        adapter->finalizer(adapter->env);
    free(adapter);
}

static void slots_to_vec(const wick_value_t *slots, const uint32_t *types, wasm_val_vec_t *vec)
{
    for (size_t i = 0; i < vec->size; i++) {
        wick_val_t value;
        slot_read(slots, types[i], &value);
        vec->data[i] = narrow(&value);
        slots += type_slots(types[i]);
    }
}

static struct wasm_trap_t *adapter_results(struct wasm_store_t *store, const struct functype *type,
                                           const wasm_val_vec_t *results, wick_value_t *slots)
{
    for (uint32_t i = 0; i < type->result_count; i++) {
        wick_val_t value = widen(&results->data[i]);
        if (!value_fits(store, &value, type->results[i]))
            return wick_trap_new_text(store, "host function: result %u has the wrong type", i);
        slot_write(slots++, type->results[i], &value);
    }
    return NULL;
}

static struct wasm_trap_t *adapter_call(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    const struct adapter *adapter = env;
    const struct functype *type = adapter->type;
    wasm_val_vec_t args, results;
    wasm_val_vec_new_uninitialized(&args, type->param_count);
    wasm_val_vec_new_uninitialized(&results, type->result_count);
    struct wasm_trap_t *trap = NULL;
    if (args.size != type->param_count || results.size != type->result_count) {
        trap = trap_new(caller->store, WICK_TRAP_NO_MEMORY, NULL);
    } else {
        slots_to_vec(slots, type->params, &args);
        for (uint32_t i = 0; i < type->result_count; i++)
            results.data[i].kind = valkind_of(type->results[i]);
        trap = adapter->plain ? adapter->plain(&args, &results)
                              : adapter->with_env(adapter->env, &args, &results);
    }
    if (!trap)
        trap = adapter_results(caller->store, type, &results, slots);
    wasm_val_vec_delete(&args);
    wasm_val_vec_delete(&results);
    return trap;
}

static bool has_vectors(const struct functype *type)
{
    return type->param_slots != type->param_count || type->result_slots != type->result_count;
}

static wasm_func_t *adapter_new(wasm_store_t *store, const wasm_functype_t *type,
                                struct adapter adapter)
{
    adapter.type = functype_resolve(store->engine, type);
    if (!adapter.type || has_vectors(adapter.type))
        return NULL;
    struct adapter *copy = malloc(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = adapter;
    struct wasm_func_t *func = func_new_host(store, adapter.type, adapter_call, copy, adapter_free);
    if (!func)
        free(copy);
    return func;
}

wasm_func_t *wasm_func_new(wasm_store_t *store, const wasm_functype_t *type,
                           wasm_func_callback_t callback)
{
    return adapter_new(store, type, (struct adapter){.plain = callback});
}

wasm_func_t *wasm_func_new_with_env(wasm_store_t *store, const wasm_functype_t *type,
                                    wasm_func_callback_with_env_t callback, void *env,
                                    void (*finalizer)(void *))
{
    return adapter_new(store, type,
                       (struct adapter){.with_env = callback, .env = env, .finalizer = finalizer});
}

wasm_functype_t *wasm_func_type(const wasm_func_t *func)
{
    return functype_describe(func->type);
}

size_t wasm_func_param_arity(const wasm_func_t *func)
{
    return func->type->param_count;
}

size_t wasm_func_result_arity(const wasm_func_t *func)
{
    return func->type->result_count;
}

wasm_trap_t *wick_func_call_raw(const wasm_func_t *func, wick_value_t *slots)
{
    return func_call((struct wasm_func_t *)(uintptr_t)func, slots);
}

static struct wasm_trap_t *check_args(const wasm_func_t *func, const wick_val_t *args,
                                      size_t arg_count, size_t result_count, wick_value_t *slots)
{
    const struct functype *type = func->type;
    struct wasm_store_t *store = func->object.store;
    if (arg_count != type->param_count)
        return wick_trap_new_text(store, "call: %zu arguments, the function takes %u", arg_count,
                                  type->param_count);
    if (result_count < type->result_count)
        return wick_trap_new_text(store, "call: room for %zu results, the function returns %u",
                                  result_count, type->result_count);
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (!value_fits(store, &args[i], type->params[i]))
            return wick_trap_new_text(store, "call: argument %u has the wrong type", i);
        slot_write(slots, type->params[i], &args[i]);
        slots += type_slots(type->params[i]);
    }
    return NULL;
}

wasm_trap_t *wick_func_call(const wasm_func_t *func, const wick_val_t *args, size_t arg_count,
                            wick_val_t *results, size_t result_count)
{
    const struct functype *type = func->type;
    uint32_t room = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    wick_value_t few[16], *slots = room <= 16 ? few : malloc(room * sizeof(*slots));
    if (!slots)
        return trap_new(func->object.store, WICK_TRAP_NO_MEMORY, NULL);
    struct wasm_trap_t *trap = check_args(func, args, arg_count, result_count, slots);
    if (!trap)
        trap = wick_func_call_raw(func, slots);
    const wick_value_t *next = slots;
    for (uint32_t i = 0; i < type->result_count && !trap; i++) {
        if (!slot_read_held(func->object.store, next, type->results[i], &results[i]))
            trap = trap_new(func->object.store, WICK_TRAP_NO_MEMORY, NULL);
        next += type_slots(type->results[i]);
    }
    if (slots != few)
        free(slots);
    return trap;
}

wasm_trap_t *wasm_func_call(const wasm_func_t *func, const wasm_val_vec_t *args,
                            wasm_val_vec_t *results)
{
    const struct functype *type = func->type;
    struct wasm_store_t *store = func->object.store;
    size_t arg_count = args ? args->size : 0, room = results ? results->size : 0;
    if (has_vectors(type))
        return wick_trap_new_text(store, "call: vectors need wick_func_call");
    wick_val_t *wide = calloc(arg_count + type->result_count + 1, sizeof(*wide));
    if (!wide)
        return trap_new(store, WICK_TRAP_NO_MEMORY, NULL);
    for (size_t i = 0; i < arg_count; i++)
        wide[i] = widen(&args->data[i]);
    wick_val_t *wide_results = wide + arg_count;
    size_t result_count = room < type->result_count ? room : type->result_count;
    struct wasm_trap_t *trap = wick_func_call(func, wide, arg_count, wide_results, result_count);
    for (size_t i = 0; i < result_count && !trap; i++)
        results->data[i] = narrow(&wide_results[i]);
    free(wide);
    return trap;
}

/* What another thread may have added counts. */
static uint64_t current_size(const wasm_memory_t *memory)
{
    memory_refresh((wasm_memory_t *)(uintptr_t)memory);
    return memory->size;
}

/* ---- Callers ----------------------------------------------------------------------------------
 */

uint8_t *wick_caller_memory(const wick_caller_t *caller, size_t *size)
{
    const struct wasm_memory_t *memory = caller->instance ? caller->instance->memory : NULL;
    *size = memory ? current_size(memory) : 0;
    return memory ? memory->base : NULL;
}

wasm_instance_t *wick_caller_instance(const wick_caller_t *caller)
{
    return caller->instance;
}

wasm_store_t *wick_caller_store(const wick_caller_t *caller)
{
    return caller->store;
}

/* ---- Globals ----------------------------------------------------------------------------------
 */

wasm_global_t *wick_global_new(wasm_store_t *store, const wasm_globaltype_t *type,
                               const wick_val_t *value)
{
    struct global_type own_type = {type->content->type, type->mutability == WASM_VAR};
    wick_value_t slots[2] = {{.u64 = 0}, {.u64 = 0}};
    if (!value_fits(store, value, own_type.type))
        return NULL;
    slot_write(slots, own_type.type, value);
    return global_new(store, &own_type, slots);
}

wasm_global_t *wasm_global_new(wasm_store_t *store, const wasm_globaltype_t *type,
                               const wasm_val_t *value)
{
    wick_val_t wide = widen(value);
    return wick_global_new(store, type, &wide);
}

wasm_globaltype_t *wasm_global_type(const wasm_global_t *global)
{
    return globaltype_describe(&global->type);
}

void wick_global_get(const wasm_global_t *global, wick_val_t *out)
{
    slot_read(global->value, global->type.type, out);
    if (type_is_traced(global->type.type) && !store_hold(global->object.store, global->value->ref))
        memset(&out->of, 0, sizeof(out->of)); /* without memory: null */
}

void wasm_global_get(const wasm_global_t *global, wasm_val_t *out)
{
    wick_val_t wide;
    wick_global_get(global, &wide);
    *out = narrow(&wide);
}

enum wick_status wick_global_set(wasm_global_t *global, const wick_val_t *value)
{
    if (!global->type.is_mutable || !value_fits(global->object.store, value, global->type.type))
        return WICK_USAGE;
    slot_write(global->value, global->type.type, value);
    return WICK_OK;
}

void wasm_global_set(wasm_global_t *global, const wasm_val_t *value)
{
    wick_val_t wide = widen(value);
    wick_global_set(global, &wide);
}

/* ---- Tables -----------------------------------------------------------------------------------
 */

static wick_val_t ref_value(uint32_t type, const wasm_ref_t *ref)
{
    wick_val_t value = {.kind = valkind_of(type)};
    value.of.externref = (void *)(uintptr_t)ref;
    return value;
}

static bool ref_fits(const struct wasm_table_t *table, const wasm_ref_t *ref)
{
    wick_val_t value = ref_value(table->type.type, ref);
    return value_fits(table->object.store, &value, table->type.type);
}

/* What the table stores for it. */
static uint64_t table_word(const struct wasm_table_t *table, const wasm_ref_t *ref)
{
    wick_val_t value = ref_value(table->type.type, ref);
    return ref_word(&value);
}

wasm_table_t *wasm_table_new(wasm_store_t *store, const wasm_tabletype_t *type, wasm_ref_t *init)
{
    struct table_type own_type = {type->element->type, type->limits};
    struct wasm_table_t *table;
    wick_val_t value = ref_value(own_type.type, init);
    if (!type_is_ref(own_type.type) || !value_fits(store, &value, own_type.type) ||
        table_new(store, &own_type, ref_word(&value), &table))
        return NULL;
    return table;
}

wasm_tabletype_t *wasm_table_type(const wasm_table_t *table)
{
    struct limits limits = table_limits(table);
    return tabletype_describe(table->type.type, &limits);
}

wasm_ref_t *wasm_table_get(const wasm_table_t *table, wasm_table_size_t index)
{
    wick_val_t value;
    return wick_table_get(table, index, &value) ? value.of.externref : NULL;
}

bool wick_table_get(const wasm_table_t *table, uint64_t index, wick_val_t *out)
{
    if (index >= table->size)
        return false;
    wick_value_t slot = {.u64 = table->slots[index].ref};
    return slot_read_held(table->object.store, &slot, table->type.type, out);
}

bool wasm_table_set(wasm_table_t *table, wasm_table_size_t index, wasm_ref_t *ref)
{
    if (index >= table->size || !ref_fits(table, ref))
        return false;
    table_put(table, index, table_word(table, ref));
    return true;
}

wasm_table_size_t wasm_table_size(const wasm_table_t *table)
{
    return table->size < UINT32_MAX ? (uint32_t)table->size : UINT32_MAX;
}

uint64_t wick_table_size(const wasm_table_t *table)
{
    return table->size;
}

bool wasm_table_grow(wasm_table_t *table, wasm_table_size_t delta, wasm_ref_t *init)
{
    return ref_fits(table, init) && table_grow(table, delta, table_word(table, init)) >= 0;
}

/* ---- Memories ---------------------------------------------------------------------------------
 */

wasm_memory_t *wasm_memory_new(wasm_store_t *store, const wasm_memorytype_t *type)
{
    struct memory_type own_type = {type->limits};
    struct wasm_memory_t *memory;
    return memory_make(store, &own_type, &memory) ? NULL : memory;
}

wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *memory)
{
    struct limits limits = memory_limits(memory);
    return memorytype_describe(&limits);
}

byte_t *wasm_memory_data(wasm_memory_t *memory)
{
    return (byte_t *)memory->base;
}

size_t wasm_memory_data_size(const wasm_memory_t *memory)
{
    return current_size(memory);
}

uint64_t wick_memory_size(const wasm_memory_t *memory)
{
    return current_size(memory) >> PAGE_SHIFT;
}

wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *memory)
{
    return (wasm_memory_pages_t)wick_memory_size(memory);
}

bool wick_memory_grow(wasm_memory_t *memory, uint64_t delta)
{
    return memory_extend(memory, delta) >= 0;
}

bool wasm_memory_grow(wasm_memory_t *memory, wasm_memory_pages_t delta)
{
    return memory_extend(memory, delta) >= 0;
}

wick_shared_memory_t *wick_memory_share(const wasm_memory_t *memory)
{
    return memory->shared ? (wick_shared_memory_t *)shared_memory_retain(memory->shared) : NULL;
}

wasm_memory_t *wick_memory_obtain(wasm_store_t *store, const wick_shared_memory_t *shared)
{
    return shared_memory_open(store, (struct shared_memory *)(uintptr_t)shared);
}

void wick_shared_memory_delete(wick_shared_memory_t *shared)
{
    if (shared)
        shared_memory_release((struct shared_memory *)shared);
}

/* ---- Foreign objects --------------------------------------------------------------------------
 */

wasm_foreign_t *wasm_foreign_new(wasm_store_t *store)
{
    struct wasm_foreign_t *foreign = calloc(1, sizeof(*foreign));
    if (foreign)
        store_add(store, &foreign->object, OBJECT_FOREIGN);
    return foreign;
}
