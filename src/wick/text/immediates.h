/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows the mnemonic of a plain instruction.
 */
#pragma once

#include "wick/text/encoder.h"
#include "wick/text/ops.h"

/* Opcode (plus `variant`) and immediates; the cursor is behind the mnemonic. `out` may be the
 * encoder's `pending`. Not for the instructions of structure. */
void immediates_put_instruction(struct encoder *encoder, const struct op *op, struct bytes *out);
void immediates_put_opcode(struct bytes *out, const struct op *op, uint16_t variant);
/* A label as its relative depth. */
uint32_t immediates_label(struct encoder *encoder);

/* Lanes of `v128.const`: shape and literals become 16 bytes, little endian. */
void immediates_parse_v128(struct parser *parser, uint8_t out[static 16]);

/* The shapes of vectors. */
struct vector_shape {
    const char *name;
    unsigned lanes, bits;
    bool is_float;
};
/* Takes the name of a shape; NULL (failed) if there is none. */
const struct vector_shape *immediates_parse_shape(struct parser *parser);
