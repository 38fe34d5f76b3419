/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler as the rest of the engine sees it. A function is compiled when it is first called,
 * or with compile_all; its code belongs to the module and serves all instances.
 */
#pragma once

#include "wick/runtime.h"

/* What an engine with a compiler keeps. NULL if this processor cannot run what it makes, or without
 * memory. */
struct compile_engine *compile_engine_new(const struct wasm_config_t *config);
void compile_engine_free(struct compile_engine *engine);

/* What a module keeps, made at the first need. */
void compile_module_free(struct compile_module *module);
/* How many functions of it have code. */
uint32_t compile_module_count(const struct compile_module *module);

/* Gives a fresh instance its entry points and constants. False without memory. */
bool compile_instance_init(struct wasm_instance_t *instance);
/* Tells compiled code where the instance's tables are, once they are made. */
void compile_instance_tables(struct wasm_instance_t *instance);
/* Gives a host function its entry point. */
void compile_host_init(struct wasm_func_t *func);
/* Compiles all functions of a module that nobody has instantiated. WICK_OK, WICK_NO_MEMORY or
 * WICK_LIMIT. */
enum wick_status compile_all(struct module *module);

/* Writes what the function becomes. WICK_OK, WICK_NO_MEMORY or WICK_LIMIT. */
enum wick_status compile_dump(const struct module *module, uint32_t func_index, enum wick_dump form,
                              FILE *stream);

/* Runs a function that WebAssembly defines; as interp_call. */
struct wasm_trap_t *compiled_call(struct wasm_func_t *func, wick_value_t *slots);

/* watch.c: raises the store's alarm when its deadline passes; again when the deadline changes. */
void watch_deadline(struct wasm_store_t *store);
void watch_end(struct wasm_store_t *store);

/* signals.c: turns faults of compiled code into traps; once a process. */
void signals_install(void);
