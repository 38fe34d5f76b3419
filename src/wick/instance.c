/* SPDX-License-Identifier: Apache-2.0 */
/* Import matching and instantiation (core spec sections 4.5.2 to 4.5.4). */
#include "wick/compile/compile.h"
#include "wick/compile/layout.h"
#include "wick/shared.h"

#include <stdlib.h>
#include <string.h>

static void *allocate(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

struct wasm_func_t *func_new_host(struct wasm_store_t *store, const struct functype *type,
                                  wick_host_callback_t callback, void *env,
                                  void (*finalizer)(void *))
{
    struct wasm_func_t *func = calloc(1, sizeof(*func));
    if (!func)
        return NULL;
    func->type_id = type->id;
    func->type = type;
    func->host = callback;
    func->env = env;
    func->finalizer = finalizer;
    store_add(store, &func->object, OBJECT_FUNC);
    if (store->engine->compile)
        compile_host_init(func);
    return func;
}

struct wick_tag_t *tag_new(struct wasm_store_t *store, const struct functype *type)
{
    struct wick_tag_t *tag = calloc(1, sizeof(*tag));
    if (!tag)
        return NULL;
    tag->type = type;
    store_add(store, &tag->object, OBJECT_TAG);
    return tag;
}

struct wasm_global_t *global_new(struct wasm_store_t *store, const struct global_type *type,
                                 const wick_value_t value[2])
{
    struct wasm_global_t *global = calloc(1, sizeof(*global));
    if (!global)
        return NULL;
    global->type = *type;
    global->value = global->storage;
    memcpy(global->value, value, sizeof(global->storage));
    store_add(store, &global->object, OBJECT_GLOBAL);
    return global;
}

/* ---- Imports ----------------------------------------------------------------------------------
 */

static bool limits_match(const struct limits *found, const struct limits *wanted)
{
    if (found->index64 != wanted->index64 || found->shared != wanted->shared ||
        found->min < wanted->min)
        return false;
    return !wanted->has_max || (found->has_max && found->max <= wanted->max);
}

/* Types may differ in their numbers and still match both ways only if they are the same, so that
 * tables and mutable globals need equal ones. */
static bool table_fits(const struct wasm_table_t *table, const struct table_type *wanted)
{
    struct limits limits = table_limits(table);
    return table->type.type == wanted->type && limits_match(&limits, &wanted->limits);
}

static bool memory_fits(const struct wasm_memory_t *memory, const struct memory_type *wanted)
{
    struct limits limits = memory_limits(memory); /* of a shared one: at least so much */
    return limits_match(&limits, &wanted->limits);
}

static bool global_fits(const struct wasm_global_t *global, const struct global_type *wanted)
{
    const struct type_registry *registry = &global->object.store->engine->types;
    if (global->type.is_mutable != wanted->is_mutable)
        return false;
    return wanted->is_mutable ? global->type.type == wanted->type
                              : type_matches(registry, global->type.type, wanted->type);
}

/* Checks one import and, if it fits, enters it into the instance. */
static bool take_import(struct wasm_instance_t *instance, const struct import_decl *import,
                        struct object *object)
{
    static const enum object_kind kinds[] = {OBJECT_FUNC, OBJECT_GLOBAL, OBJECT_TABLE,
                                             OBJECT_MEMORY, OBJECT_TAG};
    const struct module *module = instance->module;
    uint32_t i = import->index;
    if (object->kind != kinds[import->kind])
        return false;
    switch (import->kind) {
    case WASM_EXTERN_FUNC:
        instance->funcs[i] = (struct wasm_func_t *)object;
        return deftype_is_sub(functype_def(instance->funcs[i]->type),
                              functype_def(module->funcs[i].type));
    case WASM_EXTERN_GLOBAL:
        instance->globals[i] = (struct wasm_global_t *)object;
        return global_fits(instance->globals[i], &module->globals[i].type);
    case WASM_EXTERN_TABLE:
        instance->tables[i] = (struct wasm_table_t *)object;
        return table_fits(instance->tables[i], &module->tables[i].type);
    case WICK_EXTERN_TAG:
        instance->tags[i] = (struct wick_tag_t *)object;
        return instance->tags[i]->type == module->tags[i].type;
    default:
        instance->memories[i] = (struct wasm_memory_t *)object;
        return memory_fits(instance->memories[i], &module->memories[i]);
    }
}

static int shown(struct span name)
{
    return name.size < 60 ? (int)name.size : 60;
}

static enum wick_status take_imports(struct wasm_instance_t *instance,
                                     struct object *const *imports, struct fault *fault)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct import_decl *import = &module->imports[i];
        const char *problem = !imports || !imports[i] ? "unknown import" : NULL;
        if (!problem && imports[i]->store != instance->object.store)
            problem = "import of another store";
        if (!problem && !take_import(instance, import, imports[i]))
            problem = "incompatible import type";
        if (problem) {
            fault_set(fault, WICK_UNLINKABLE, 0, "%s: \"%.*s\" \"%.*s\"", problem,
                      shown(import->module), (const char *)import->module.data, shown(import->name),
                      (const char *)import->name.data);
            return WICK_UNLINKABLE;
        }
    }
    return WICK_OK;
}

/* ---- Allocation -------------------------------------------------------------------------------
 */

static bool allocate_arrays(struct wasm_instance_t *instance, const struct module *module)
{
    instance->funcs = allocate(module->func_count, sizeof(*instance->funcs));
    instance->tables = allocate(module->table_count, sizeof(*instance->tables));
    instance->memories = allocate(module->memory_count, sizeof(*instance->memories));
    instance->globals = allocate(module->global_count, sizeof(*instance->globals));
    instance->tags = allocate(module->tag_count, sizeof(*instance->tags));
    instance->elems = allocate(module->elem_count, sizeof(*instance->elems));
    instance->datas = allocate(module->data_count, sizeof(*instance->datas));
    instance->own_funcs =
        allocate(module->func_count - module->imported_funcs, sizeof(*instance->own_funcs));
    return instance->funcs && instance->tables && instance->memories && instance->globals &&
           instance->tags && instance->elems && instance->datas && instance->own_funcs;
}

static void make_funcs(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = module->imported_funcs; i < module->func_count; i++) {
        struct wasm_func_t *func = &instance->own_funcs[i - module->imported_funcs];
        func->object.kind = OBJECT_FUNC;
        func->object.store = instance->object.store;
        func->type = module->funcs[i].type;
        func->type_id = func->type->id;
        func->index = i;
        func->instance = instance;
        instance->funcs[i] = func;
    }
}

/* The instance's own place for a global that it defines: compiled code finds it there. */
static wick_value_t *global_storage(struct wasm_instance_t *instance, uint32_t index)
{
    uint8_t *start = (uint8_t *)instance;
    return (wick_value_t *)(void *)(start + layout_global(instance->module, index));
}

static enum wick_status make_tags(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = module->imported_tags; i < module->tag_count; i++) {
        instance->tags[i] = tag_new(instance->object.store, module->tags[i].type);
        if (!instance->tags[i])
            return WICK_NO_MEMORY;
    }
    return WICK_OK;
}

static enum wick_status make_globals(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = module->imported_globals; i < module->global_count; i++) {
        wick_value_t value[2];
        if (!constant_eval(instance, module->globals[i].init, value))
            return WICK_NO_MEMORY;
        instance->globals[i] = global_new(instance->object.store, &module->globals[i].type, value);
        if (!instance->globals[i])
            return WICK_NO_MEMORY;
        instance->globals[i]->value = global_storage(instance, i);
        memcpy(instance->globals[i]->value, value, sizeof(value));
    }
    return WICK_OK;
}

static enum wick_status make_tables(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = module->imported_tables; i < module->table_count; i++) {
        wick_value_t value[2] = {{.u64 = 0}, {.u64 = 0}};
        const struct table_decl *table = &module->tables[i];
        if (table->init.size && !constant_eval(instance, table->init, value))
            return WICK_NO_MEMORY;
        enum wick_status status =
            table_new(instance->object.store, &table->type, value[0].u64, &instance->tables[i]);
        if (status)
            return status;
    }
    return WICK_OK;
}

static enum wick_status make_memories(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = module->imported_memories; i < module->memory_count; i++) {
        enum wick_status status =
            memory_make(instance->object.store, &module->memories[i], &instance->memories[i]);
        if (status)
            return status;
    }
    if (module->memory_count)
        instance
            ->memory_base = // made or imported: NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
            instance->memories[0]->base;
    return WICK_OK;
}

static bool make_elem(struct wasm_instance_t *instance, const struct elem_decl *decl,
                      struct elem_instance *elem)
{
    elem->refs = allocate(decl->count, sizeof(*elem->refs));
    if (!elem->refs)
        return false;
    elem->count = decl->count;
    struct span items = decl->items;
    struct fault fault = {WICK_OK, 0, ""};
    struct reader whole = reader_whole(instance->module->bytes, &fault);
    struct reader indices = reader_sub(&whole, items);
    for (uint32_t i = 0; i < decl->count; i++) {
        wick_value_t value[2];
        if (!decl->expressions)
            value[0].u64 = (uintptr_t)instance->funcs[reader_u32(&indices)];
        else if (!constant_eval_next(instance, &items, value))
            return false;
        elem->refs[i] = value[0].u64;
    }
    return true;
}

static enum wick_status make_segments(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        if (!make_elem(instance, &module->elems[i], &instance->elems[i]))
            return WICK_NO_MEMORY;
    }
    for (uint32_t i = 0; i < module->data_count; i++)
        instance->datas[i] = module->datas[i].bytes;
    return WICK_OK;
}

static enum wick_status make_objects(struct wasm_instance_t *instance, struct fault *fault)
{
    make_funcs(instance);
    bool compiled = instance->object.store->engine->compile;
    enum wick_status status = make_tags(instance);
    if (!status && compiled && !compile_instance_init(instance))
        status = WICK_NO_MEMORY;
    if (!status)
        status = make_globals(instance);
    if (!status)
        status = make_tables(instance);
    if (!status && compiled)
        compile_instance_tables(instance);
    if (!status)
        status = make_memories(instance);
    if (!status)
        status = make_segments(instance);
    if (status == WICK_LIMIT)
        fault_set(fault, status, 0, "a memory or table is larger than the configured limit");
    else if (status)
        fault_set(fault, status, 0, "out of memory");
    return status;
}

/* ---- Initialisation ---------------------------------------------------------------------------
 */

static enum wick_trap_kind init_elem(struct wasm_instance_t *instance, uint32_t index)
{
    const struct elem_decl *decl = &instance->module->elems[index];
    struct elem_instance *elem = &instance->elems[index];
    enum wick_trap_kind kind = WICK_TRAP_NONE;
    if (decl->mode == SEGMENT_PASSIVE)
        return kind;
    if (decl->mode == SEGMENT_ACTIVE) {
        wick_value_t at[2];
        if (!constant_eval(instance, decl->offset, at))
            return WICK_TRAP_NO_MEMORY;
        struct wasm_table_t *table = instance->tables[decl->table];
        uint64_t to = table->type.limits.index64 ? at[0].u64 : at[0].u32;
        kind = table_init(table, to, elem, 0, elem->count);
    }
    elem->count = 0;
    return kind;
}

static enum wick_trap_kind init_data(struct wasm_instance_t *instance, uint32_t index)
{
    const struct data_decl *decl = &instance->module->datas[index];
    if (decl->mode == SEGMENT_PASSIVE)
        return WICK_TRAP_NONE;
    wick_value_t at[2];
    if (!constant_eval(instance, decl->offset, at))
        return WICK_TRAP_NO_MEMORY;
    struct wasm_memory_t *memory = instance->memories[decl->memory];
    uint64_t to = memory->type.limits.index64 ? at[0].u64 : at[0].u32;
    enum wick_trap_kind kind =
        memory_init(memory, to, instance->datas[index], 0, instance->datas[index].size);
    instance->datas[index].size = 0;
    return kind;
}

static struct wasm_trap_t *run_start(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    enum wick_trap_kind kind = WICK_TRAP_NONE;
    for (uint32_t i = 0; i < module->elem_count && !kind; i++)
        kind = init_elem(instance, i);
    for (uint32_t i = 0; i < module->data_count && !kind; i++)
        kind = init_data(instance, i);
    if (kind)
        return trap_new(instance->object.store, kind, NULL);
    wick_value_t none[1];
    return module->has_start ? func_call(instance->funcs[module->start], none) : NULL;
}

static void find_exported_memory(struct wasm_instance_t *instance)
{
    const struct export_decl *export = module_find_export(instance->module, SPAN_LITERAL("memory"));
    if (export && export->kind == WASM_EXTERN_MEMORY)
        instance->memory = instance->memories[export->index];
}

enum wick_status instance_new(struct wasm_store_t *store, struct module *module,
                              struct object *const *imports, struct wasm_instance_t **out,
                              struct wasm_trap_t **trap, struct fault *fault)
{
    *out = NULL;
    *trap = NULL;
    *fault = (struct fault){WICK_OK, 0, ""};
    struct wasm_instance_t *instance = calloc(1, layout_size(module));
    if (!instance) {
        fault_set(fault, WICK_NO_MEMORY, 0, "out of memory");
        return WICK_NO_MEMORY;
    }
    /* From here on the store owns it: what failed may already be referred to from elsewhere. */
    instance->module = module_retain(module);
    store_add(store, &instance->object, OBJECT_INSTANCE);
    instance->next = atomic_load(&store->instances);
    atomic_store(&store->instances, instance);
    if (!allocate_arrays(instance, module)) {
        fault_set(fault, WICK_NO_MEMORY, 0, "out of memory");
        return WICK_NO_MEMORY;
    }
    enum wick_status status = take_imports(instance, imports, fault);
    if (!status)
        status = make_objects(instance, fault);
    if (status)
        return status;
    find_exported_memory(instance);
    *trap = run_start(instance);
    if (*trap) {
        fault_set(fault, WICK_TRAPPED, 0, "instantiation trapped: %s", (*trap)->text);
        return WICK_TRAPPED;
    }
    *out = instance;
    return WICK_OK;
}

void instance_fini(struct wasm_instance_t *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->elem_count && instance->elems; i++)
        free(instance->elems[i].refs);
    for (uint32_t i = 0; i < module->func_count - module->imported_funcs; i++) {
        struct wasm_func_t *func = instance->own_funcs ? &instance->own_funcs[i] : NULL;
        if (func && func->object.host_finalizer)
            func->object.host_finalizer(func->object.host_info);
    }
    free(instance->funcs);
    free(instance->tables);
    free(instance->memories);
    free(instance->globals);
    free(instance->tags);
    free(instance->elems);
    free(instance->datas);
    free(instance->own_funcs);
    module_release(instance->module);
}

struct object *instance_extern(const struct wasm_instance_t *instance, wasm_externkind_t kind,
                               uint32_t index)
{
    switch (kind) {
    case WASM_EXTERN_FUNC:
        return &instance->funcs[index]->object;
    case WASM_EXTERN_GLOBAL:
        return &instance->globals[index]->object;
    case WASM_EXTERN_TABLE:
        return &instance->tables[index]->object;
    case WICK_EXTERN_TAG:
        return &instance->tags[index]->object;
    default:
        return &instance->memories[index]->object;
    }
}
