/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/api_types.h"

#include <stdlib.h>

/* ---- Value types ------------------------------------------------------------------------------
 */

wasm_valkind_t valkind_of(uint32_t type)
{
    static const wasm_valkind_t kinds[] = {
        [TYPE_I32] = WASM_I32, [TYPE_I64] = WASM_I64,   [TYPE_F32] = WASM_F32,
        [TYPE_F64] = WASM_F64, [TYPE_V128] = WASM_V128,
    };
    if (!type_is_ref(type))
        return kinds[type_kind(type)];
    switch (heap_top(type_heap(type))) {
    case HEAP_FUNC:
        return WASM_FUNCREF;
    case HEAP_EXTERN:
        return WASM_EXTERNREF;
    case HEAP_EXN:
        return WICK_EXNREF;
    default:
        return WICK_ANYREF;
    }
}

static wasm_valtype_t *valtype_make(uint32_t type)
{
    struct wasm_valtype_t *valtype = malloc(sizeof(*valtype));
    if (valtype)
        valtype->type = type;
    return valtype;
}

wasm_valtype_t *wasm_valtype_new(wasm_valkind_t kind)
{
    switch (kind) {
    case WASM_I32:
        return valtype_make(TYPE_I32);
    case WASM_I64:
        return valtype_make(TYPE_I64);
    case WASM_F32:
        return valtype_make(TYPE_F32);
    case WASM_F64:
        return valtype_make(TYPE_F64);
    case WASM_V128:
        return valtype_make(TYPE_V128);
    case WASM_EXTERNREF:
        return valtype_make(TYPE_EXTERNREF);
    case WASM_FUNCREF:
        return valtype_make(TYPE_FUNCREF);
    case WICK_ANYREF:
        return valtype_make(TYPE_ANYREF);
    case WICK_EXNREF:
        return valtype_make(TYPE_EXNREF);
    default:
        return NULL;
    }
}

wasm_valtype_t *wick_valtype_new_v128(void)
{
    return valtype_make(TYPE_V128);
}

void wasm_valtype_delete(wasm_valtype_t *type)
{
    free(type);
}

wasm_valtype_t *wasm_valtype_copy(const wasm_valtype_t *type)
{
    return type ? valtype_make(type->type) : NULL;
}

wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *type)
{
    return valkind_of(type->type);
}

int wick_valtype_print(const wasm_valtype_t *type, char *buffer, size_t size)
{
    return type_print(type->type, buffer, size);
}

/* ---- Function types ---------------------------------------------------------------------------
 */

wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *params, wasm_valtype_vec_t *results)
{
    struct wasm_functype_t *type = calloc(1, sizeof(*type));
    if (!type) {
        wasm_valtype_vec_delete(params);
        wasm_valtype_vec_delete(results);
        return NULL;
    }
    type->head.kind = WASM_EXTERN_FUNC;
    type->params = *params;
    type->results = *results;
    wasm_valtype_vec_new_empty(params);
    wasm_valtype_vec_new_empty(results);
    return type;
}

void wasm_functype_delete(wasm_functype_t *type)
{
    if (!type)
        return;
    wasm_valtype_vec_delete(&type->params);
    wasm_valtype_vec_delete(&type->results);
    free(type);
}

wasm_functype_t *wasm_functype_copy(const wasm_functype_t *type)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_copy(&params, &type->params);
    wasm_valtype_vec_copy(&results, &type->results);
    return wasm_functype_new(&params, &results);
}

const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *type)
{
    return &type->params;
}

const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *type)
{
    return &type->results;
}

static void describe_list(wasm_valtype_vec_t *out, const uint32_t *types, uint32_t count)
{
    wasm_valtype_vec_new_uninitialized(out, count);
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = valtype_make(types[i]);
}

wasm_functype_t *functype_describe(const struct functype *type)
{
    wasm_valtype_vec_t params, results;
    describe_list(&params, type->params, type->param_count);
    describe_list(&results, type->results, type->result_count);
    return wasm_functype_new(&params, &results);
}

const struct functype *functype_resolve(struct wasm_engine_t *engine, const wasm_functype_t *type)
{
    size_t params = type->params.size, results = type->results.size;
    if (params > FUNC_PARAMS_MAX || results > FUNC_RESULTS_MAX)
        return NULL;
    uint32_t types[FUNC_PARAMS_MAX + FUNC_RESULTS_MAX];
    for (size_t i = 0; i < params; i++)
        types[i] = type->params.data[i]->type;
    for (size_t i = 0; i < results; i++)
        types[params + i] = type->results.data[i]->type;
    struct deftype_desc desc = {.kind = DEF_FUNC,
                                .is_final = true,
                                .params = types,
                                .results = types + params,
                                .param_count = (uint32_t)params,
                                .result_count = (uint32_t)results};
    const struct deftype *resolved;
    return type_registry_add(&engine->types, &desc, 1, &resolved) ? NULL : &resolved->func;
}

/* ---- Global types -----------------------------------------------------------------------------
 */

wasm_globaltype_t *wasm_globaltype_new(wasm_valtype_t *content, wasm_mutability_t mutability)
{
    struct wasm_globaltype_t *type = content ? calloc(1, sizeof(*type)) : NULL;
    if (!type) {
        wasm_valtype_delete(content);
        return NULL;
    }
    type->head.kind = WASM_EXTERN_GLOBAL;
    type->content = content;
    type->mutability = mutability;
    return type;
}

void wasm_globaltype_delete(wasm_globaltype_t *type)
{
    if (type)
        wasm_valtype_delete(type->content);
    free(type);
}

wasm_globaltype_t *wasm_globaltype_copy(const wasm_globaltype_t *type)
{
    return wasm_globaltype_new(wasm_valtype_copy(type->content), type->mutability);
}

const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *type)
{
    return type->content;
}

wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *type)
{
    return type->mutability;
}

wasm_globaltype_t *globaltype_describe(const struct global_type *type)
{
    return wasm_globaltype_new(valtype_make(type->type), type->is_mutable ? WASM_VAR : WASM_CONST);
}

/* ---- Limits -----------------------------------------------------------------------------------
 */

static struct limits limits_from_narrow(const wasm_limits_t *limits)
{
    bool has_max = limits->max != wasm_limits_max_default;
    return (struct limits){
        .min = limits->min, .max = has_max ? limits->max : 0, .has_max = has_max};
}

static struct limits limits_from_wide(const wick_limits_t *limits)
{
    return (struct limits){limits->min, limits->has_max ? limits->max : 0, limits->has_max,
                           limits->index64, limits->shared};
}

static wick_limits_t limits_to_wide(const struct limits *limits)
{
    return (wick_limits_t){limits->min, limits->max, limits->has_max, limits->index64,
                           limits->shared};
}

static uint32_t clip(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static wasm_limits_t limits_to_narrow(const struct limits *limits)
{
    return (wasm_limits_t){clip(limits->min),
                           limits->has_max ? clip(limits->max) : wasm_limits_max_default};
}

/* ---- Table types ------------------------------------------------------------------------------
 */

static wasm_tabletype_t *tabletype_make(wasm_valtype_t *element, struct limits limits)
{
    struct wasm_tabletype_t *type = element ? calloc(1, sizeof(*type)) : NULL;
    if (!type) {
        wasm_valtype_delete(element);
        return NULL;
    }
    type->head.kind = WASM_EXTERN_TABLE;
    type->element = element;
    type->limits = limits;
    type->narrow = limits_to_narrow(&limits);
    return type;
}

wasm_tabletype_t *wasm_tabletype_new(wasm_valtype_t *element, const wasm_limits_t *limits)
{
    return tabletype_make(element, limits_from_narrow(limits));
}

wasm_tabletype_t *wick_tabletype_new(wasm_valtype_t *element, const wick_limits_t *limits)
{
    return tabletype_make(element, limits_from_wide(limits));
}

void wasm_tabletype_delete(wasm_tabletype_t *type)
{
    if (type)
        wasm_valtype_delete(type->element);
    free(type);
}

wasm_tabletype_t *wasm_tabletype_copy(const wasm_tabletype_t *type)
{
    return tabletype_make(wasm_valtype_copy(type->element), type->limits);
}

const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *type)
{
    return type->element;
}

const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *type)
{
    return &type->narrow;
}

wick_limits_t wick_tabletype_limits(const wasm_tabletype_t *type)
{
    return limits_to_wide(&type->limits);
}

wasm_tabletype_t *tabletype_describe(uint32_t type, const struct limits *limits)
{
    return tabletype_make(valtype_make(type), *limits);
}

/* ---- Memory types -----------------------------------------------------------------------------
 */

wasm_memorytype_t *memorytype_describe(const struct limits *limits)
{
    struct wasm_memorytype_t *type = calloc(1, sizeof(*type));
    if (!type)
        return NULL;
    type->head.kind = WASM_EXTERN_MEMORY;
    type->limits = *limits;
    type->narrow = limits_to_narrow(limits);
    return type;
}

wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *limits)
{
    struct limits own_limits = limits_from_narrow(limits);
    return memorytype_describe(&own_limits);
}

wasm_memorytype_t *wick_memorytype_new(const wick_limits_t *limits)
{
    struct limits own_limits = limits_from_wide(limits);
    return memorytype_describe(&own_limits);
}

void wasm_memorytype_delete(wasm_memorytype_t *type)
{
    free(type);
}

wasm_memorytype_t *wasm_memorytype_copy(const wasm_memorytype_t *type)
{
    return memorytype_describe(&type->limits);
}

const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *type)
{
    return &type->narrow;
}

wick_limits_t wick_memorytype_limits(const wasm_memorytype_t *type)
{
    return limits_to_wide(&type->limits);
}

/* ---- External types ---------------------------------------------------------------------------
 */

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *type)
{
    return type->kind;
}

#define DEFINE_EXTERNTYPE(name, KIND)                                                              \
    wasm_externtype_t *wasm_##name##type_as_externtype(wasm_##name##type_t *type)                  \
    {                                                                                              \
        return &type->head;                                                                        \
    }                                                                                              \
    const wasm_externtype_t *wasm_##name##type_as_externtype_const(                                \
        const wasm_##name##type_t *type)                                                           \
    {                                                                                              \
        return &type->head;                                                                        \
    }                                                                                              \
    wasm_##name##type_t *wasm_externtype_as_##name##type(wasm_externtype_t *type)                  \
    {                                                                                              \
        return type->kind == KIND ? (wasm_##name##type_t *)type : NULL;                            \
    }                                                                                              \
    const wasm_##name##type_t *wasm_externtype_as_##name##type_const(                              \
        const wasm_externtype_t *type)                                                             \
    {                                                                                              \
        return type->kind == KIND ? (const wasm_##name##type_t *)type : NULL;                      \
    }
DEFINE_EXTERNTYPE(func, WASM_EXTERN_FUNC)
DEFINE_EXTERNTYPE(global, WASM_EXTERN_GLOBAL)
DEFINE_EXTERNTYPE(table, WASM_EXTERN_TABLE)
DEFINE_EXTERNTYPE(memory, WASM_EXTERN_MEMORY)

void wasm_externtype_delete(wasm_externtype_t *type)
{
    if (!type)
        return;
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
    case WICK_EXTERN_TAG:
        wasm_functype_delete((wasm_functype_t *)type);
        break;
    case WASM_EXTERN_GLOBAL:
        wasm_globaltype_delete((wasm_globaltype_t *)type);
        break;
    case WASM_EXTERN_TABLE:
        wasm_tabletype_delete((wasm_tabletype_t *)type);
        break;
    default:
        wasm_memorytype_delete((wasm_memorytype_t *)type);
    }
}

static wasm_externtype_t *as_tag(wasm_functype_t *type)
{
    if (type)
        type->head.kind = WICK_EXTERN_TAG;
    return (wasm_externtype_t *)type;
}

wasm_externtype_t *tagtype_describe(const struct functype *type)
{
    return as_tag(functype_describe(type));
}

const wasm_functype_t *wick_externtype_as_tagtype(const wasm_externtype_t *type)
{
    return type->kind == WICK_EXTERN_TAG ? (const wasm_functype_t *)type : NULL;
}

wasm_externtype_t *wasm_externtype_copy(const wasm_externtype_t *type)
{
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        return (wasm_externtype_t *)wasm_functype_copy((const wasm_functype_t *)type);
    case WASM_EXTERN_GLOBAL:
        return (wasm_externtype_t *)wasm_globaltype_copy((const wasm_globaltype_t *)type);
    case WASM_EXTERN_TABLE:
        return (wasm_externtype_t *)wasm_tabletype_copy((const wasm_tabletype_t *)type);
    case WICK_EXTERN_TAG:
        return as_tag(wasm_functype_copy((const wasm_functype_t *)type));
    default:
        return (wasm_externtype_t *)wasm_memorytype_copy((const wasm_memorytype_t *)type);
    }
}

wasm_externtype_t *externtype_describe(const struct module *module, wasm_externkind_t kind,
                                       uint32_t index)
{
    switch (kind) {
    case WASM_EXTERN_FUNC:
        return (wasm_externtype_t *)functype_describe(module->funcs[index].type);
    case WASM_EXTERN_GLOBAL:
        return (wasm_externtype_t *)globaltype_describe(&module->globals[index].type);
    case WASM_EXTERN_TABLE:
        return (wasm_externtype_t *)tabletype_describe(module->tables[index].type.type,
                                                       &module->tables[index].type.limits);
    case WICK_EXTERN_TAG:
        return tagtype_describe(module->tags[index].type);
    default:
        return (wasm_externtype_t *)memorytype_describe(&module->memories[index].limits);
    }
}

/* ---- Imports and exports ----------------------------------------------------------------------
 */

struct wasm_importtype_t {
    wasm_name_t module, name;
    wasm_externtype_t *type;
};

struct wasm_exporttype_t {
    wasm_name_t name;
    wasm_externtype_t *type;
};

wasm_importtype_t *wasm_importtype_new(wasm_name_t *module, wasm_name_t *name,
                                       wasm_externtype_t *type)
{
    struct wasm_importtype_t *import = calloc(1, sizeof(*import));
    if (!import) {
        wasm_name_delete(module);
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    *import = (struct wasm_importtype_t){*module, *name, type};
    wasm_name_new_empty(module);
    wasm_name_new_empty(name);
    return import;
}

void wasm_importtype_delete(wasm_importtype_t *import)
{
    if (!import)
        return;
    wasm_name_delete(&import->module);
    wasm_name_delete(&import->name);
    wasm_externtype_delete(import->type);
    free(import);
}

wasm_importtype_t *wasm_importtype_copy(const wasm_importtype_t *import)
{
    wasm_name_t module, name;
    wasm_name_copy(&module, &import->module);
    wasm_name_copy(&name, &import->name);
    return wasm_importtype_new(&module, &name, wasm_externtype_copy(import->type));
}

const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *import)
{
    return &import->module;
}

const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *import)
{
    return &import->name;
}

const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *import)
{
    return import->type;
}

wasm_exporttype_t *wasm_exporttype_new(wasm_name_t *name, wasm_externtype_t *type)
{
    struct wasm_exporttype_t *export = calloc(1, sizeof(*export));
    if (!export) {
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    *export = (struct wasm_exporttype_t){*name, type};
    wasm_name_new_empty(name);
    return export;
}

void wasm_exporttype_delete(wasm_exporttype_t *export)
{
    if (!export)
        return;
    wasm_name_delete(&export->name);
    wasm_externtype_delete(export->type);
    free(export);
}

wasm_exporttype_t *wasm_exporttype_copy(const wasm_exporttype_t *export)
{
    wasm_name_t name;
    wasm_name_copy(&name, &export->name);
    return wasm_exporttype_new(&name, wasm_externtype_copy(export->type));
}

const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *export)
{
    return &export->name;
}

const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *export)
{
    return export->type;
}
