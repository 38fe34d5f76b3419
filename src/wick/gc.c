/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/gc.h"

#include <string.h>

/* ---- Fields and elements ----------------------------------------------------------------------
 */

void field_load(const uint8_t *at, uint32_t type, bool is_signed, wick_value_t *to)
{
    uint16_t half;
    switch (type_kind(type)) {
    case TYPE_V128:
        memcpy(to, at, 16);
        return;
    case TYPE_I32:
    case TYPE_F32:
        break;
    default:
        memcpy(to, at, 8);
        return;
    }
    if (type == TYPE_I8) {
        to->u32 = is_signed ? (uint32_t)(int8_t)*at : *at;
    } else if (type == TYPE_I16) {
        memcpy(&half, at, 2);
        to->u32 = is_signed ? (uint32_t)(int16_t)half : half;
    } else {
        memcpy(&to->u32, at, 4);
    }
}

static size_t storage_bytes(uint32_t type)
{
    if (type_is_packed(type))
        return type == TYPE_I8 ? 1 : 2;
    if (type_kind(type) == TYPE_I32 || type_kind(type) == TYPE_F32)
        return 4;
    return type_kind(type) == TYPE_V128 ? 16 : 8;
}

/* Little-endian: the low bytes of a slot come first. */
void field_store(uint8_t *at, uint32_t type, const wick_value_t *from)
{
    memcpy(at, from, storage_bytes(type));
}

uint8_t *array_element(uint64_t ref, uint64_t index)
{
    struct heap_array *array = ref_array(ref);
    return array->elements + (index << array->type->element_shift);
}

static uint64_t finish(uint64_t object, enum wick_trap_kind *trap)
{
    *trap = object ? WICK_TRAP_NONE : WICK_TRAP_NO_MEMORY;
    return object;
}

/* ---- New objects ------------------------------------------------------------------------------
 */

uint64_t struct_new(struct wasm_store_t *store, const struct deftype *type,
                    const wick_value_t *slots, enum wick_trap_kind *trap)
{
    uint64_t object = heap_alloc(store, type, type->size);
    for (uint32_t i = 0; i < type->field_count && object && slots; i++) {
        const struct field *field = &type->fields[i];
        field_store((uint8_t *)(uintptr_t)object + field->offset, field->type, slots);
        slots += type_slots(field->type);
    }
    return finish(object, trap);
}

uint64_t array_new(struct wasm_store_t *store, const struct deftype *type,
                   const wick_value_t *value, uint32_t length, enum wick_trap_kind *trap)
{
    uint64_t object = heap_alloc_array(store, type, length);
    if (object && value)
        array_fill(object, 0, value, length);
    return finish(object, trap);
}

uint64_t array_new_fixed(struct wasm_store_t *store, const struct deftype *type,
                         const wick_value_t *slots, uint32_t length, enum wick_trap_kind *trap)
{
    uint32_t element = type->fields->type;
    uint64_t object = heap_alloc_array(store, type, length);
    for (uint32_t i = 0; i < length && object; i++)
        field_store(array_element(object, i), element, slots + i * type_slots(element));
    return finish(object, trap);
}

static bool outside(uint64_t start, uint64_t count, uint64_t size)
{
    return start > size || count > size - start;
}

static bool outside_data(const struct deftype *type, struct span data, uint32_t from,
                         uint32_t count)
{
    return outside(from, (uint64_t)count << type->element_shift, data.size);
}

uint64_t array_new_data(struct wasm_store_t *store, const struct deftype *type, struct span data,
                        uint32_t from, uint32_t length, enum wick_trap_kind *trap)
{
    if (outside_data(type, data, from, length)) {
        *trap = WICK_TRAP_MEMORY;
        return 0;
    }
    uint64_t object = heap_alloc_array(store, type, length);
    if (object && length)
        array_init_data(object, 0, data, from, length);
    return finish(object, trap);
}

uint64_t array_new_elem(struct wasm_store_t *store, const struct deftype *type,
                        const struct elem_instance *elem, uint32_t from, uint32_t length,
                        enum wick_trap_kind *trap)
{
    if (outside(from, length, elem->count)) {
        *trap = WICK_TRAP_TABLE;
        return 0;
    }
    uint64_t object = heap_alloc_array(store, type, length);
    if (object && length)
        array_init_elem(object, 0, elem, from, length);
    return finish(object, trap);
}

/* ---- Writes to many elements ------------------------------------------------------------------
 */

static enum wick_trap_kind check_range(uint64_t ref, uint32_t start, uint32_t count)
{
    if (!ref)
        return WICK_TRAP_NULL_ARRAY;
    return outside(start, count, ref_array(ref)->length) ? WICK_TRAP_ARRAY : WICK_TRAP_NONE;
}

enum wick_trap_kind array_fill(uint64_t ref, uint32_t to, const wick_value_t *value, uint32_t count)
{
    enum wick_trap_kind kind = check_range(ref, to, count);
    for (uint32_t i = 0; i < count && !kind; i++)
        field_store(array_element(ref, (uint64_t)to + i), ref_array(ref)->type->fields->type,
                    value);
    return kind;
}

enum wick_trap_kind array_copy(uint64_t ref, uint32_t to, uint64_t source, uint32_t from,
                               uint32_t count)
{
    enum wick_trap_kind kind = check_range(ref, to, count);
    if (!source)
        kind = WICK_TRAP_NULL_ARRAY;
    if (!kind)
        kind = check_range(source, from, count);
    if (!kind && count)
        memmove(array_element(ref, to), array_element(source, from),
                (size_t)count << ref_array(ref)->type->element_shift);
    return kind;
}

enum wick_trap_kind array_init_data(uint64_t ref, uint32_t to, struct span data, uint32_t from,
                                    uint32_t count)
{
    enum wick_trap_kind kind = check_range(ref, to, count);
    if (!kind && outside_data(ref_array(ref)->type, data, from, count))
        kind = WICK_TRAP_MEMORY;
    if (!kind && count)
        memcpy(array_element(ref, to), data.data + from,
               (size_t)count << ref_array(ref)->type->element_shift);
    return kind;
}

enum wick_trap_kind array_init_elem(uint64_t ref, uint32_t to, const struct elem_instance *elem,
                                    uint32_t from, uint32_t count)
{
    enum wick_trap_kind kind = check_range(ref, to, count);
    if (!kind && outside(from, count, elem->count))
        kind = WICK_TRAP_TABLE;
    if (!kind && count)
        memcpy(array_element(ref, to), elem->refs + from, (size_t)count * sizeof(*elem->refs));
    return kind;
}
