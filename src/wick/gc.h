/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions on structs and arrays, for all engines. Values come and go as 8-byte slots, a
 * v128 in two; a packed field's value is an i32.
 *
 * Those that take a store may collect: references among their operands must be roots of the
 * caller's. They answer the new object, or 0 and through *trap why.
 */
#pragma once

#include "wick/runtime.h"

/* Copies between a field or element at `at` and slots. `is_signed` is for packed types. */
void field_load(const uint8_t *at, uint32_t type, bool is_signed, wick_value_t *to);
void field_store(uint8_t *at, uint32_t type, const wick_value_t *from);

/* The address of an element; the index must be below the length. */
uint8_t *array_element(uint64_t ref, uint64_t index);

/* A struct of the fields' values in `slots`, or of default values (slots is NULL). */
uint64_t struct_new(struct wasm_store_t *store, const struct deftype *type,
                    const wick_value_t *slots, enum wick_trap_kind *trap);
/* An array of `length` times `value`, or of default values (value is NULL). */
uint64_t array_new(struct wasm_store_t *store, const struct deftype *type,
                   const wick_value_t *value, uint32_t length, enum wick_trap_kind *trap);
/* An array of the values in `slots`. */
uint64_t array_new_fixed(struct wasm_store_t *store, const struct deftype *type,
                         const wick_value_t *slots, uint32_t length, enum wick_trap_kind *trap);
uint64_t array_new_data(struct wasm_store_t *store, const struct deftype *type, struct span data,
                        uint32_t from, uint32_t length, enum wick_trap_kind *trap);
uint64_t array_new_elem(struct wasm_store_t *store, const struct deftype *type,
                        const struct elem_instance *elem, uint32_t from, uint32_t length,
                        enum wick_trap_kind *trap);

/* Of arrays that may be null. Check first, then act. */
enum wick_trap_kind array_fill(uint64_t ref, uint32_t to, const wick_value_t *value,
                               uint32_t count);
enum wick_trap_kind array_copy(uint64_t ref, uint32_t to, uint64_t source, uint32_t from,
                               uint32_t count);
enum wick_trap_kind array_init_data(uint64_t ref, uint32_t to, struct span data, uint32_t from,
                                    uint32_t count);
enum wick_trap_kind array_init_elem(uint64_t ref, uint32_t to, const struct elem_instance *elem,
                                    uint32_t from, uint32_t count);
