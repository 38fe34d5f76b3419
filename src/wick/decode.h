/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to declarations: the decoder's parts that module.c and validate.c share.
 */
#pragma once

#include "wick/module.h"

/* Reads header and sections into an empty module and validates everything. */
void decode_sections(struct reader *reader, struct module *module);

/* The type section. */
void decode_types(struct reader *reader, struct module *module);

/* Room for `more` elements behind `count` in an array that has only ever grown through this
 * function and never shrunk. NULL, with a fault, without memory; the array is then still the
 * caller's. */
void *decode_grow(struct reader *reader, void *array, uint32_t count, uint32_t more, size_t size);

/* Notes that ref.func may name the function. */
void decode_declare_func(struct module *module, uint32_t index);
