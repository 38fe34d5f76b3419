// SPDX-License-Identifier: Apache-2.0
#include "wick_fixture.h"

static wasm_module_t *load_module(wasm_store_t *store, const uint8_t *bytes, size_t size)
{
    wasm_byte_vec_t binary;
    wasm_byte_vec_new(&binary, size, (const char *)bytes);
    CHECK(wasm_module_validate(store, &binary));
    wasm_module_t *module = wasm_module_new(store, &binary);
    wasm_byte_vec_delete(&binary);
    CHECK(module != NULL);
    return module;
}

static int finalized;

static void finalize(void *env)
{
    finalized += *(int *)env;
}

static wasm_trap_t *triple(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    CHECK(*(int *)env == 3 && args->size == 2 && args->data[1].kind == WASM_I64);
    results->data[0].kind = WASM_I32;
    results->data[0].of.i32 = args->data[0].of.i32 * 3;
    return NULL;
}

TEST(standard_program, "a program written for the standard C API runs and frees everything")
{
    int env = 3;
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = load_module(store, HOST, sizeof(HOST));
    wasm_functype_t *type = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i64(),
                                                  wasm_valtype_new_i32());
    wasm_func_t *host = wasm_func_new_with_env(store, type, triple, &env, finalize);
    wasm_functype_delete(type);
    wasm_extern_t *externs[] = {wasm_func_as_extern(host)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
    CHECK(instance != NULL);
    wasm_func_delete(host);

    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    CHECK_INT(exports.size, 4);
    CHECK_INT(wasm_extern_kind(exports.data[0]), WASM_EXTERN_MEMORY);
    wasm_memory_t *memory = wasm_extern_as_memory(exports.data[0]);
    CHECK_INT(wasm_memory_size(memory), 1);
    CHECK(memcmp(wasm_memory_data(memory) + 16, "wick", 4) == 0);
    CHECK(wasm_memory_grow(memory, 2) && !wasm_memory_grow(memory, 2));

    wasm_val_t args[] = {WASM_I32_VAL(5)}, results[] = {WASM_INIT_VAL};
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args), result_vec = WASM_ARRAY_VEC(results);
    wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(exports.data[1]), &arg_vec, &result_vec);
    CHECK(trap == NULL);
    CHECK_INT(results[0].of.i32, 16);
    CHECK_INT(results[0].kind, WASM_I32);

    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    CHECK_INT(finalized, 3);
}

TEST(module_types, "imports and exports are described in order")
{
    FIXTURE f = fixture_new();
    wasm_module_t *module = load_module(f.store, HOST, sizeof(HOST));
    wasm_importtype_vec_t imports;
    wasm_exporttype_vec_t exports;
    wasm_module_imports(module, &imports);
    wasm_module_exports(module, &exports);
    CHECK_INT(imports.size, 1);
    CHECK(memcmp(wasm_importtype_name(imports.data[0])->data, "call", 4) == 0);
    const wasm_memorytype_t *memory =
        wasm_externtype_as_memorytype_const(wasm_exporttype_type(exports.data[0]));
    CHECK_INT(wasm_memorytype_limits(memory)->max, 4);
    CHECK(wasm_externtype_as_functype_const(wasm_exporttype_type(exports.data[0])) == NULL);
    wasm_importtype_vec_delete(&imports);
    wasm_exporttype_vec_delete(&exports);
    wasm_module_delete(module);
}

TEST(link_errors, "a missing or unfit import is unlinkable, a trapping start is a trap")
{
    FIXTURE f = fixture_new();
    wasm_module_t *module = load_module(f.store, IMPORT, sizeof(IMPORT));
    wasm_instance_t *instance;
    wasm_trap_t *trap;
    wasm_message_t error;
    CHECK_INT(wick_linker_instantiate(f.linker, module, &instance, &trap, &error), WICK_UNLINKABLE);
    CHECK_STR(error.data, "unknown import: \"host\" \"g\"");
    wasm_byte_vec_delete(&error);
    wasm_globaltype_t *type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR);
    wasm_val_t value = WASM_I32_VAL(9);
    wasm_global_t *global = wasm_global_new(f.store, type, &value);
    wick_linker_define(f.linker, "host", 4, "g", 1, wasm_global_as_extern(global));
    CHECK_INT(wick_linker_instantiate(f.linker, module, &instance, &trap, &error), WICK_UNLINKABLE);
    CHECK_STR(error.data, "incompatible import type: \"host\" \"g\"");
    wasm_byte_vec_delete(&error);
    wasm_globaltype_delete(type);
    wasm_module_delete(module);

    module = load_module(f.store, START, sizeof(START));
    CHECK_INT(wick_linker_instantiate(f.linker, module, &instance, &trap, &error), WICK_TRAPPED);
    CHECK_STR(error.data, "instantiation trapped: unreachable");
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_UNREACHABLE);
    CHECK(instance == NULL);
    wasm_trap_delete(trap);
    wasm_byte_vec_delete(&error);
    wasm_module_delete(module);
}

TEST(limits, "a memory beyond the configured limit is refused")
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_max_memory(config, 65536);
    FIXTURE f = fixture_with(config);
    wasm_limits_t two = {2, 2}, one = {1, wasm_limits_max_default};
    wasm_memorytype_t *large = wasm_memorytype_new(&two), *small = wasm_memorytype_new(&one);
    CHECK(wasm_memory_new(f.store, large) == NULL);
    wasm_memory_t *memory = wasm_memory_new(f.store, small);
    CHECK(memory && !wasm_memory_grow(memory, 1) && wasm_memory_grow(memory, 0));
    wasm_memorytype_delete(large);
    wasm_memorytype_delete(small);
}

TEST(tables_and_foreigns, "host objects are references with identity and data")
{
    FIXTURE f = fixture_new();
    wasm_limits_t limits = {1, 3};
    wasm_tabletype_t *type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
    wasm_table_t *table = wasm_table_new(f.store, type, NULL);
    wasm_foreign_t *foreign = wasm_foreign_new(f.store);
    wasm_foreign_set_host_info(foreign, &limits);
    CHECK(wasm_table_set(table, 0, wasm_foreign_as_ref(foreign)));
    CHECK(!wasm_table_set(table, 1, NULL));
    wasm_ref_t *back = wasm_table_get(table, 0);
    CHECK(wasm_ref_same(back, wasm_foreign_as_ref(foreign)));
    CHECK(wasm_ref_as_func(back) == NULL && wasm_ref_as_foreign(back) == foreign);
    CHECK(wasm_ref_get_host_info(back) == &limits);
    CHECK(wasm_table_grow(table, 2, NULL) && !wasm_table_grow(table, 1, NULL));
    CHECK_INT(wasm_table_size(table), 3);
    wasm_tabletype_delete(type);
}

TEST(shared_modules, "a module outlives its store and serves another of the same engine only")
{
    FIXTURE f = fixture_new(), other = fixture_new();
    wasm_module_t *module = load_module(f.store, ARITHMETIC, sizeof(ARITHMETIC));
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    wasm_store_t *second = wasm_store_new(f.engine);
    module = wasm_module_obtain(second, shared);
    CHECK(module != NULL);
    CHECK(wasm_module_obtain(other.store, shared) == NULL);
    wasm_shared_module_delete(shared);
    wasm_module_delete(module);
    wasm_store_delete(second);
}

TAP_MAIN()
