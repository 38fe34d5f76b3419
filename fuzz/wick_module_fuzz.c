// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: any bytes go through decoder and validator; what is valid is also translated,
 * linked with nothing and run for a little while.
 */
#include "wick/interp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All arguments are 0 and null: not for functions that want more of a reference. */
static bool takes_zeros(const wasm_func_t *func)
{
    for (uint32_t i = 0; i < func->type->param_count; i++) {
        if (!type_is_defaultable(func->type->params[i]))
            return false;
    }
    return true;
}

static void run_exports(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    for (size_t i = 0; i < exports.size && i < 16; i++) {
        wasm_func_t *func = wasm_extern_as_func(exports.data[i]);
        if (!func || !takes_zeros(func))
            continue;
        wick_value_t slots[2 * (FUNC_PARAMS_MAX + FUNC_RESULTS_MAX)] = {{.u64 = 0}};
        wick_store_set_fuel(store, 1000);
        wasm_trap_delete(wick_func_call_raw(func, slots));
    }
    wasm_extern_vec_delete(&exports);
}

static void use_module(wasm_store_t *store, wasm_module_t *handle)
{
    const struct module *module = (const struct module *)handle;
    for (uint32_t i = module->imported_funcs; i < module->func_count && i < 64; i++) {
        struct func_code *code = NULL;
        if (translate(module, i, &code) == 0)
            func_code_free(code);
    }
    wasm_instance_t *instance;
    wick_store_set_fuel(store, 1000);
    if (wick_instance_new(store, handle, NULL, &instance, NULL, NULL) == WICK_OK)
        run_exports(store, instance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_fuel(config, true);
    wick_config_set_max_memory(config, 1 << 20);
    wick_config_set_max_table(config, 10000);
    wick_config_set_stack(config, 256 << 10);
    wick_config_set_max_heap(config, 1 << 20);
    wick_config_set_heap_stress(config, true);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = NULL;
    wasm_message_t error;
    if (wick_module_new(store, data, size, &module, &error) == WICK_OK)
        use_module(store, module);
    else if (!error.data)
        abort(); /* a refusal always says why */
    wasm_byte_vec_delete(&error);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
