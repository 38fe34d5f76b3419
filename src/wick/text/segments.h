/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Element and data segments, on their own or within the table or memory that they fill.
 */
#pragma once

#include "wick/text/encoder.h"

/* `(elem …)` and `(data …)`; the cursor is behind the word. */
void segments_encode_elem(struct encoder *encoder);
void segments_encode_data(struct encoder *encoder);

/* The list of `(table reftype (elem …))`, to be written at offset 0. Returns its length. */
uint32_t segments_put_inline_elem(struct encoder *encoder, uint32_t table, bool index64,
                                  struct value_type type);
/* The bytes of `(memory (data …))`, to be written at offset 0. */
void segments_put_inline_data(struct encoder *encoder, uint32_t memory, bool index64,
                              struct span data);
