/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/runtime.h"

#include <stdlib.h>
#include <string.h>

static struct table_slot make_slot(const struct wasm_table_t *table, uint64_t ref)
{
    struct table_slot slot = {ref, NULL, UINT32_MAX, 0};
    if (ref && type_is_func_ref(table->type.type)) {
        const struct wasm_func_t *func = (const struct wasm_func_t *)(uintptr_t)ref;
        slot.instance = func->instance;
        slot.type_id = func->type_id;
    }
    return slot;
}

enum wick_status table_new(struct wasm_store_t *store, const struct table_type *type, uint64_t ref,
                           struct wasm_table_t **out)
{
    uint64_t max = store->engine->config.max_table;
    if (type->limits.min > max)
        return WICK_LIMIT;
    if (type->limits.has_max && type->limits.max < max)
        max = type->limits.max;
    struct wasm_table_t *table = calloc(1, sizeof(*table));
    if (!table)
        return WICK_NO_MEMORY;
    table->type = *type;
    table->max = max;
    if (table_grow(table, type->limits.min, ref) < 0) {
        table_fini(table);
        free(table);
        return WICK_NO_MEMORY;
    }
    store_add(store, &table->object, OBJECT_TABLE);
    *out = table;
    return WICK_OK;
}

void table_fini(struct wasm_table_t *table)
{
    free(table->slots);
}

int64_t table_grow(struct wasm_table_t *table, uint64_t delta, uint64_t ref)
{
    uint64_t old = table->size;
    if (delta > table->max - old)
        return -1;
    uint64_t size = old + delta;
    if (size > table->capacity) {
        uint64_t room = size + (old ? old / 2 : 0);
        struct table_slot *grown = realloc(table->slots, room * sizeof(*grown));
        if (!grown)
            return -1;
        table->slots = grown;
        table->capacity = room;
    }
    table->size = size;
    struct table_slot slot = make_slot(table, ref);
    for (uint64_t i = old; i < size; i++)
        table->slots[i] = slot;
    return (int64_t)old;
}

struct limits table_limits(const struct wasm_table_t *table)
{
    struct limits limits = table->type.limits;
    limits.min = table->size;
    return limits;
}

void table_put(struct wasm_table_t *table, uint64_t index, uint64_t ref)
{
    table->slots[index] = make_slot(table, ref);
}

static bool outside(uint64_t start, uint64_t count, uint64_t size)
{
    return start > size || count > size - start;
}

enum wick_trap_kind table_fill(struct wasm_table_t *table, uint64_t to, uint64_t ref,
                               uint64_t count)
{
    if (outside(to, count, table->size))
        return WICK_TRAP_TABLE;
    struct table_slot slot = make_slot(table, ref);
    for (uint64_t i = 0; i < count; i++)
        table->slots[to + i] = slot;
    return WICK_TRAP_NONE;
}

enum wick_trap_kind table_copy(struct wasm_table_t *table, uint64_t to,
                               const struct wasm_table_t *source, uint64_t from, uint64_t count)
{
    if (outside(to, count, table->size) || outside(from, count, source->size))
        return WICK_TRAP_TABLE;
    if (count)
        memmove(table->slots + to, source->slots + from, count * sizeof(*table->slots));
    return WICK_TRAP_NONE;
}

enum wick_trap_kind table_init(struct wasm_table_t *table, uint64_t to,
                               const struct elem_instance *elem, uint64_t from, uint64_t count)
{
    if (outside(to, count, table->size) || outside(from, count, elem->count))
        return WICK_TRAP_TABLE;
    for (uint64_t i = 0; i < count; i++)
        table_put(table, to + i, elem->refs[from + i]);
    return WICK_TRAP_NONE;
}
