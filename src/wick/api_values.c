/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the API, and the engine's slots. */
#include "wick/api_types.h"

#include <string.h>

/* Of an externref or anyref: values of the embedder's become what they were. */
static void read_ref(uint64_t ref, wick_val_t *out)
{
    if (ref && (ref & REF_TAG_MASK) != REF_HOST) {
        out->kind = WICK_ANYREF;
        out->of.ref = ref;
        return;
    }
    if (ref)
        out->kind = WASM_EXTERNREF;
    out->of.externref = wick_externref_value(ref);
}

void slot_read(const wick_value_t *slot, uint32_t type, wick_val_t *out)
{
    memset(out, 0, sizeof(*out));
    out->kind = valkind_of(type);
    if (out->kind == WASM_EXTERNREF || out->kind == WICK_ANYREF)
        read_ref(slot->ref, out);
    else
        memcpy(&out->of, slot, type_slots(type) * sizeof(*slot));
}

bool slot_read_held(struct wasm_store_t *store, const wick_value_t *slot, uint32_t type,
                    wick_val_t *out)
{
    slot_read(slot, type, out);
    return !type_is_traced(type) || store_hold(store, slot->ref);
}

uint64_t ref_word(const wick_val_t *value)
{
    return value->kind == WASM_EXTERNREF ? wick_externref_word(value->of.externref) : value->of.ref;
}

void slot_write(wick_value_t *slot, uint32_t type, const wick_val_t *value)
{
    if (type_is_ref(type))
        slot->ref = ref_word(value);
    else
        memcpy(slot, &value->of, type_slots(type) * sizeof(*slot));
}

bool value_fits(const struct wasm_store_t *store, const wick_val_t *value, uint32_t type)
{
    wasm_valkind_t kind = valkind_of(type);
    if (!type_is_ref(type))
        return value->kind == kind;
    /* A value of any may be one of extern and the other way round. */
    bool crosses = (kind == WASM_EXTERNREF || kind == WICK_ANYREF) &&
                   (value->kind == WASM_EXTERNREF || value->kind == WICK_ANYREF);
    if (value->kind != kind && !crosses)
        return false;
    if (value->kind == WASM_EXTERNREF && (uintptr_t)value->of.externref >> REF_HOST_BITS)
        return false;
    return ref_is(&store->engine->types, ref_word(value), type);
}

bool slots_write(const struct wasm_store_t *store, wick_value_t *slots, const uint32_t *types,
                 uint32_t count, const wick_val_t *values)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!value_fits(store, &values[i], types[i]))
            return false;
        slot_write(slots, types[i], &values[i]);
        slots += type_slots(types[i]);
    }
    return true;
}

enum wick_ref_kind wick_ref_kind(const wick_val_t *value)
{
    uint64_t ref = ref_word(value);
    if (!ref)
        return WICK_REF_NULL;
    if (value->kind == WASM_FUNCREF)
        return WICK_REF_FUNC;
    if (!ref_is_object(ref))
        return ref & REF_I31 ? WICK_REF_I31 : WICK_REF_HOST;
    switch (ref_object(ref)->type->kind) {
    case DEF_STRUCT:
        return WICK_REF_STRUCT;
    case DEF_ARRAY:
        return WICK_REF_ARRAY;
    default:
        return WICK_REF_EXCEPTION;
    }
}

wick_val_t wick_ref_new_i31(int32_t value)
{
    wick_val_t result = {.kind = WICK_ANYREF};
    result.of.ref = ref_from_i31((uint32_t)value);
    return result;
}

int32_t wick_ref_i31(const wick_val_t *value)
{
    return ref_i31_s(value->of.ref);
}

void wick_store_release_refs(wasm_store_t *store)
{
    store->held_count = 0;
}

void wick_store_heap_stats(const wasm_store_t *store, wick_heap_stats_t *out)
{
    heap_get_stats(&store->heap, out);
}

void wick_store_collect(wasm_store_t *store)
{
    heap_collect(store);
}
