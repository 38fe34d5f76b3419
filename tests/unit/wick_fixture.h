/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine, a store and a module for a test, and calls without ceremony.
 *
 *     FIXTURE f = fixture_new();
 *     LOAD(&f, ARITHMETIC);
 *     CHECK_INT(call_i32(&f, "div", 7, 2), 3);
 */
#pragma once

#include "tap.h"
#include "wick_modules.h"

#include <wick.h>

struct fixture {
    wasm_engine_t *engine;
    wasm_store_t *store;
    wick_linker_t *linker;
    wasm_instance_t *instance;
};

static inline void fixture_fini(struct fixture *f)
{
    wick_linker_delete(f->linker);
    wasm_store_delete(f->store);
    wasm_engine_delete(f->engine);
}

#define FIXTURE __attribute__((cleanup(fixture_fini))) struct fixture

static inline struct fixture fixture_with(wasm_config_t *config)
{
    struct fixture f = {0};
#ifdef TEST_ENGINE
    CHECK_INT(wick_config_set_engine(config, TEST_ENGINE), WICK_OK);
#endif
    f.engine = wasm_engine_new_with_config(config);
    f.store = wasm_store_new(f.engine);
    f.linker = wick_linker_new(f.store);
    CHECK(f.linker != NULL);
    return f;
}

static inline struct fixture fixture_new(void)
{
    return fixture_with(wasm_config_new());
}

static inline void fixture_load(struct fixture *f, const uint8_t *bytes, size_t size)
{
    wasm_module_t *module;
    wasm_message_t error;
    if (wick_module_new(f->store, bytes, size, &module, &error))
        tap_fail(__FILE__, __LINE__, "module: %s", error.data);
    if (wick_linker_instantiate(f->linker, module, &f->instance, NULL, &error))
        tap_fail(__FILE__, __LINE__, "instance: %s", error.data);
    wasm_module_delete(module);
}

#define LOAD(f, bytes) fixture_load(f, bytes, sizeof(bytes))

static inline wasm_func_t *fixture_func(const struct fixture *f, const char *name)
{
    wasm_func_t *func = wasm_extern_as_func(wick_instance_export(f->instance, name, strlen(name)));
    CHECK(func != NULL);
    return func;
}

/* Calls with i32 arguments up to two; the result as i32. A trap fails the test. */
static inline int32_t call_i32(const struct fixture *f, const char *name, int32_t a, int32_t b)
{
    wick_value_t slots[4] = {{.i32 = a}, {.i32 = b}};
    wasm_trap_t *trap = wick_func_call_raw(fixture_func(f, name), slots);
    if (trap)
        tap_fail(__FILE__, __LINE__, "%s: %s", name, wick_trap_text(trap));
    return slots[0].i32;
}

/* The trap of a call that must trap. */
static inline wasm_trap_t *call_trap(const struct fixture *f, const char *name, wick_value_t a,
                                     wick_value_t b)
{
    wick_value_t slots[4] = {a, b};
    wasm_trap_t *trap = wick_func_call_raw(fixture_func(f, name), slots);
    CHECK(trap != NULL);
    return trap;
}
