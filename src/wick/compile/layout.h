/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where compiled code finds things: offsets from the instance, which is in R14, and from the
 * objects it points to. Behind struct wasm_instance_t, in the same allocation, lie the values of
 * the globals that the module defines (16 bytes each), the entry points of the functions that it
 * defines (8 bytes each), and for each table the address of its slots if they cannot grow, else of
 * the table (8 bytes each).
 */
#pragma once

#include "wick/runtime.h"

#include <stddef.h>

static inline uint32_t layout_global(const struct module *module, uint32_t global)
{
    return (uint32_t)sizeof(struct wasm_instance_t) + (global - module->imported_globals) * 16;
}

static inline uint32_t layout_entry(const struct module *module, uint32_t func)
{
    return layout_global(module, module->global_count) + (func - module->imported_funcs) * 8;
}

static inline uint32_t layout_table(const struct module *module, uint32_t table)
{
    return layout_entry(module, module->func_count) + table * 8;
}

/* Whether a table has the size of its declaration, and its slots their place, for good. */
static inline bool layout_is_fixed(const struct table_type *type)
{
    return type->limits.has_max && type->limits.max == type->limits.min &&
           type->limits.min <= INT32_MAX;
}

static inline size_t layout_size(const struct module *module)
{
    return layout_table(module, module->table_count);
}

#define LAYOUT_INSTANCE(field) ((int32_t)offsetof(struct wasm_instance_t, field))
#define LAYOUT_STORE(field)    ((int32_t)offsetof(struct wasm_store_t, field))
#define LAYOUT_FUNC(field)     ((int32_t)offsetof(struct wasm_func_t, field))
#define LAYOUT_MEMORY(field)   ((int32_t)offsetof(struct wasm_memory_t, field))
#define LAYOUT_TABLE(field)    ((int32_t)offsetof(struct wasm_table_t, field))
#define LAYOUT_SLOT(field)     ((int32_t)offsetof(struct table_slot, field))
#define LAYOUT_GLOBAL(field)   ((int32_t)offsetof(struct wasm_global_t, field))
