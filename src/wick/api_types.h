/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's descriptions of types, and the way between them and the engine's own.
 */
#pragma once

#include "wick/runtime.h"

struct wasm_valtype_t {
    uint32_t type;
};

struct wasm_externtype_t {
    wasm_externkind_t kind;
};

struct wasm_functype_t {
    struct wasm_externtype_t head;
    wasm_valtype_vec_t params, results;
};

struct wasm_globaltype_t {
    struct wasm_externtype_t head;
    wasm_valtype_t *content;
    wasm_mutability_t mutability;
};

struct wasm_tabletype_t {
    struct wasm_externtype_t head;
    wasm_valtype_t *element;
    struct limits limits;
    wasm_limits_t narrow;
};

struct wasm_memorytype_t {
    struct wasm_externtype_t head;
    struct limits limits;
    wasm_limits_t narrow;
};

/* Of the engine's types; owned by the caller, NULL without memory. */
wasm_functype_t *functype_describe(const struct functype *type);
wasm_globaltype_t *globaltype_describe(const struct global_type *type);
wasm_tabletype_t *tabletype_describe(uint32_t type, const struct limits *limits);
wasm_memorytype_t *memorytype_describe(const struct limits *limits);
/* The type of an index space's member. */
wasm_externtype_t *externtype_describe(const struct module *module, wasm_externkind_t kind,
                                       uint32_t index);

/* The canonical type, or NULL without memory. */
const struct functype *functype_resolve(struct wasm_engine_t *engine, const wasm_functype_t *type);

wasm_valkind_t valkind_of(uint32_t type);
