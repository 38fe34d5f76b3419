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
/* A tag's type is described as its function type, under a kind of its own. */
wasm_externtype_t *tagtype_describe(const struct functype *type);
/* The type of an index space's member. */
wasm_externtype_t *externtype_describe(const struct module *module, wasm_externkind_t kind,
                                       uint32_t index);

/* The canonical type, or NULL without memory. */
const struct functype *functype_resolve(struct wasm_engine_t *engine, const wasm_functype_t *type);

wasm_valkind_t valkind_of(uint32_t type);

/* From a slot to a value of the API. */
void slot_read(const wick_value_t *slot, uint32_t type, wick_val_t *out);
/* The same for what outlives the call: it becomes a root. False without memory for that. */
bool slot_read_held(struct wasm_store_t *store, const wick_value_t *slot, uint32_t type,
                    wick_val_t *out);
/* `slot` has two words if the type needs them. */
void slot_write(wick_value_t *slot, uint32_t type, const wick_val_t *value);
/* The engine's word for a reference. */
uint64_t ref_word(const wick_val_t *value);
/* Whether the value may be given where the type is asked for. */
bool value_fits(const struct wasm_store_t *store, const wick_val_t *value, uint32_t type);
/* As many as the types; `slots` has room. False if one does not fit. */
bool slots_write(const struct wasm_store_t *store, wick_value_t *slots, const uint32_t *types,
                 uint32_t count, const wick_val_t *values);
