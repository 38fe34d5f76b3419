// SPDX-License-Identifier: Apache-2.0
#include "wick/text/spectest.h"

#include <errno.h>
#include <string.h>

static const char module_name[] = "spectest";

static int define(wick_linker_t *linker, const char *name, wasm_extern_t *object, struct err *err)
{
    bool defined = object && wick_linker_define(linker, module_name, strlen(module_name), name,
                                                strlen(name), object) == WICK_OK;
    return defined ? 0 : err_set(err, ERR_INTERNAL, ENOMEM, "define spectest.%s", name);
}

/* ---- functions ---- */

static wasm_trap_t *print_nothing(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    (void)env, (void)caller, (void)slots;
    return NULL;
}

enum { MAX_PARAMS = 2 };

static const struct {
    const char *name;
    size_t param_count;
    wasm_valkind_t params[MAX_PARAMS];
} functions[] = {
    {"print", 0, {0}},
    {"print_i32", 1, {WASM_I32}},
    {"print_i64", 1, {WASM_I64}},
    {"print_f32", 1, {WASM_F32}},
    {"print_f64", 1, {WASM_F64}},
    {"print_i32_f32", 2, {WASM_I32, WASM_F32}},
    {"print_f64_f64", 2, {WASM_F64, WASM_F64}},
};

static int define_function(wick_linker_t *linker, size_t index, struct err *err)
{
    wasm_valtype_t *types[MAX_PARAMS];
    wasm_valtype_vec_t params, results = WASM_EMPTY_VEC;
    size_t count = functions[index].param_count;
    for (size_t i = 0; i < count; i++)
        types[i] = wasm_valtype_new(functions[index].params[i]);
    wasm_valtype_vec_new(&params, count, types);
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    enum wick_status status =
        type ? wick_linker_define_func(linker, module_name, functions[index].name, type,
                                       print_nothing, NULL)
             : WICK_NO_MEMORY;
    wasm_functype_delete(type);
    if (status == WICK_OK)
        return 0;
    return err_set(err, ERR_INTERNAL, ENOMEM, "define spectest.%s", functions[index].name);
}

/* ---- globals ---- */

static int define_global(wasm_store_t *store, wick_linker_t *linker, const char *name,
                         wick_val_t value, struct err *err)
{
    wasm_globaltype_t *type = wasm_globaltype_new(wasm_valtype_new(value.kind), WASM_CONST);
    wasm_global_t *global = type ? wick_global_new(store, type, &value) : NULL;
    wasm_globaltype_delete(type);
    return define(linker, name, global ? wasm_global_as_extern(global) : NULL, err);
}

static int define_globals(wasm_store_t *store, wick_linker_t *linker, struct err *err)
{
    const struct {
        const char *name;
        wick_val_t value;
    } globals[] = {
        {"global_i32", {.kind = WASM_I32, .of.i32 = 666}},
        {"global_i64", {.kind = WASM_I64, .of.i64 = 666}},
        {"global_f32", {.kind = WASM_F32, .of.f32 = 666.6f}},
        {"global_f64", {.kind = WASM_F64, .of.f64 = 666.6}},
    };
    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
        int status = define_global(store, linker, globals[i].name, globals[i].value, err);
        if (status)
            return status;
    }
    return 0;
}

/* ---- tables and memories ---- */

static int define_table(wasm_store_t *store, wick_linker_t *linker, const char *name, bool index64,
                        struct err *err)
{
    wick_limits_t limits = {.min = 10, .max = 20, .has_max = true, .index64 = index64};
    wasm_tabletype_t *type = wick_tabletype_new(wasm_valtype_new(WASM_FUNCREF), &limits);
    wasm_table_t *table = type ? wasm_table_new(store, type, NULL) : NULL;
    wasm_tabletype_delete(type);
    return define(linker, name, table ? wasm_table_as_extern(table) : NULL, err);
}

static int define_memory(wasm_store_t *store, wick_linker_t *linker, const char *name, bool shared,
                         struct err *err)
{
    wick_limits_t limits = {.min = 1, .max = 2, .has_max = true, .shared = shared};
    wasm_memorytype_t *type = wick_memorytype_new(&limits);
    wasm_memory_t *memory = type ? wasm_memory_new(store, type) : NULL;
    wasm_memorytype_delete(type);
    return define(linker, name, memory ? wasm_memory_as_extern(memory) : NULL, err);
}

int spectest_define(wasm_store_t *store, wick_linker_t *linker, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof(functions) / sizeof(functions[0]); i++)
        status = define_function(linker, i, err);
    if (status == 0)
        status = define_globals(store, linker, err);
    if (status == 0)
        status = define_table(store, linker, "table", false, err);
    if (status == 0)
        status = define_memory(store, linker, "memory", false, err);
    /* An engine without these proposals cannot make them, and no script then needs them. */
    if (status == 0)
        (void)define_table(store, linker, "table64", true, NULL);
    if (status == 0)
        (void)define_memory(store, linker, "shared_memory", true, NULL);
    return status;
}
