/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Number literals of the text format (specification 3.0, section 6.3.1 and 6.3.2), interpreted
 * exactly: floats are rounded once, to nearest, ties to even, whatever the locale.
 */
#pragma once

#include "base/span.h"

enum number_status {
    NUMBER_OK,
    NUMBER_MALFORMED,    /* not a literal of this kind */
    NUMBER_OUT_OF_RANGE, /* a literal, but the value does not fit */
};

/* An index, size or offset: no sign. `bits` is 8 to 64. */
enum number_status number_unsigned(struct span literal, unsigned bits, uint64_t *out);

/* The operand of iN.const: from -2^(bits-1) to 2^bits-1. The result is the value modulo 2^bits. */
enum number_status number_integer(struct span literal, unsigned bits, uint64_t *out);

/* The operand of fN.const, as the bits of the IEEE 754 format. `bits` is 32 or 64. */
enum number_status number_float(struct span literal, unsigned bits, uint64_t *out);

/* Is it any number literal? */
bool number_is_literal(struct span literal);
