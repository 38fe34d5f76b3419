// SPDX-License-Identifier: Apache-2.0
/* A program that runs WebAssembly by the installed library:
 *     cc -o embed embed.c $(pkg-config --cflags --libs wick) */
#include <stdio.h>
#include <wick.h>

/* (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)) */
static const uint8_t add_module[] = {
    0x00, 'a',  's',  'm',  0x01, 0x00, 0x00, 0x00, 0x01, 0x07, 0x01, 0x60, 0x02, 0x7f,
    0x7f, 0x01, 0x7f, 0x03, 0x02, 0x01, 0x00, 0x07, 0x07, 0x01, 0x03, 'a',  'd',  'd',
    0x00, 0x00, 0x0a, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6a, 0x0b,
};

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module;
    wasm_message_t error;
    if (wick_module_new(store, add_module, sizeof(add_module), &module, &error)) {
        fprintf(stderr, "%s\n", error.data);
        return 1;
    }
    wasm_extern_vec_t imports = WASM_EMPTY_VEC, exports;
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
    wasm_instance_exports(instance, &exports);

    wasm_val_t args[] = {WASM_I32_VAL(40), WASM_I32_VAL(2)}, results[] = {WASM_INIT_VAL};
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args), result_vec = WASM_ARRAY_VEC(results);
    wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &arg_vec, &result_vec);
    if (!trap)
        printf("40 + 2 = %d\n", results[0].of.i32);

    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return trap ? 1 : 0;
}
